//! Files entries of the journal. The claim on a single-use token, the payer's open deliveries and the seller's book follow
//! the entry.

use super::json::{JsonForm, JsonObject, Unreadable};
use super::open_deliveries;
use super::records::{ENTRY, get, put};
use super::{Entry, EntryStatus, Rows, RowsError};
use alloc::string::String;
use serde_json::Value;

/// The kind of the rows that mark an entry for the seller's book.
pub(super) const FILE: &str = "file";
/// The kind of the rows that are claims on single-use tokens.
pub(super) const NONCE: &str = "nonce";

pub(super) const DAY_MS: u64 = 86_400_000;
/// The time until an unknown settlement is looked into a second time, in milliseconds.
pub(super) const SOON_MS: u64 = 5_000;
/// The time for which an entry is kept that is owed, or that the seller has to look into, in milliseconds.
pub(super) const KEEP_OPEN_MS: u64 = 400 * DAY_MS;

/// How a single-use token stands.
pub(super) enum Nonce {
    /// A request has claimed it. Without another command of that request by `until` it is free again: nothing was sent.
    Claimed { id: String, until: u64 },
    /// A settle with it was or will be sent: its entry says what became of it.
    Held { id: String },
    /// It bought its one answer.
    Spent { id: String },
}

pub(super) fn nonce_row(rows: &impl Rows, nonce: &str) -> Result<Option<Nonce>, RowsError> {
    get(rows, NONCE, nonce)
}

/// True if the seller's book must have the entry.
pub(super) fn is_serious(entry: &Entry) -> bool {
    matches!(entry.status, EntryStatus::Unresolved | EntryStatus::Owed)
}

/// Files an entry that is final: the body of its settle is dropped, and its token is marked as spent.
pub(super) fn settle_down(rows: &mut impl Rows, mut entry: Entry, now: u64) -> Result<(), RowsError> {
    entry.settle_body = None;
    let keep = if entry.status == EntryStatus::Unresolved { KEEP_OPEN_MS } else { rows.keep_ms() };
    let until = now.saturating_add(keep);
    if let Some(nonce) = &entry.nonce {
        put(rows, NONCE, nonce, &Nonce::Spent { id: entry.id.clone() }, Some(until))?;
    }
    save(rows, &mut entry, until, now)?;
    if matches!(entry.status, EntryStatus::Settled | EntryStatus::Refused) && !entry.copied_to_seller {
        rows.spare(ENTRY, &entry.id);
    }
    Ok(())
}

/// Keeps an entry until `due`; its payer's open answers follow it, and the seller's book where it is serious.
pub(super) fn save(rows: &mut impl Rows, entry: &mut Entry, due: u64, now: u64) -> Result<(), RowsError> {
    entry.copied_to_seller |= is_serious(entry);
    put(rows, ENTRY, &entry.id, entry, Some(due))?;
    open_deliveries::follow(rows, entry, due)?;
    if entry.copied_to_seller && entry.status != EntryStatus::Settling {
        rows.put(FILE, &entry.id, "0", Some(now))?;
    }
    Ok(())
}

impl JsonForm for Nonce {
    fn to_json(&self) -> Value {
        let (is, id) = match self {
            Self::Claimed { id, .. } => ("Claimed", id),
            Self::Held { id } => ("Held", id),
            Self::Spent { id } => ("Spent", id),
        };
        let mut members = JsonObject::tagged("is", is);
        members.put("id", id.as_str());
        if let Self::Claimed { until, .. } = self {
            members.put("until", *until);
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let id = members.request_id();
        let read = match members.text("is").as_str() {
            "Claimed" => Self::Claimed { id, until: members.whole("until") },
            "Held" => Self::Held { id },
            "Spent" => Self::Spent { id },
            _ => return members.read(()).and(Err(Unreadable("is"))),
        };
        members.read(read)
    }
}
