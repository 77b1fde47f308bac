//! Answers of one payer and plan that are delivered before they are settled (rule 19): how many there are, and what the
//! payer owes. One row for each plan.

use super::json::{JsonForm, JsonObject, Unreadable};
use super::records::{get, put};
use super::{Entry, EntryStatus, Rows, RowsError};
use alloc::{string::String, vec::Vec};
use serde_json::Value;

const OPEN: &str = "open";

#[derive(Default)]
pub(super) struct Slots {
    /// The requests that have one, and until when if nothing more is heard of them.
    pub(super) held: Vec<(String, u64)>,
    /// The requests whose settle was not made, the oldest first.
    pub(super) owed: Vec<String>,
}

/// Gives a request an open delivery until a time.
pub(super) fn hold(rows: &mut impl Rows, plan: &str, id: &str, until: u64) -> Result<(), RowsError> {
    change(rows, plan, id, |slots| slots.held.push((id.into(), until)))
}

/// Removes the open delivery or the debt of a request.
pub(super) fn free(rows: &mut impl Rows, plan: &str, id: &str) -> Result<(), RowsError> {
    change(rows, plan, id, |_| ())
}

/// True if a request still holds the open delivery that it was given.
pub(super) fn holds(rows: &impl Rows, plan: &str, id: &str, now: u64) -> Result<bool, RowsError> {
    Ok(load(rows, plan)?.held.iter().any(|(holder, until)| holder == id && *until > now))
}

/// Updates the row after an entry was stored until `due`.
pub(super) fn follow(rows: &mut impl Rows, entry: &Entry, due: u64) -> Result<(), RowsError> {
    if !entry.open {
        return Ok(());
    }
    change(rows, &entry.plan, &entry.id, |slots| match entry.status {
        EntryStatus::Delivering | EntryStatus::Settling => slots.held.push((entry.id.clone(), due)),
        EntryStatus::Owed => slots.owed.push(entry.id.clone()),
        _ => {}
    })
}

pub(super) fn load(rows: &impl Rows, plan: &str) -> Result<Slots, RowsError> {
    Ok(get(rows, OPEN, plan)?.unwrap_or_default())
}

/// Removes a request from the row, and lets `place` add it again.
pub(super) fn change(
    rows: &mut impl Rows,
    plan: &str,
    id: &str,
    place: impl FnOnce(&mut Slots),
) -> Result<(), RowsError> {
    let mut slots = load(rows, plan)?;
    let before = (slots.held.len(), slots.owed.len());
    slots.held.retain(|(holder, _)| holder != id);
    slots.owed.retain(|debt| debt != id);
    let known = before != (slots.held.len(), slots.owed.len());
    place(&mut slots);
    match slots.held.iter().map(|(_, until)| *until).max() {
        _ if !slots.owed.is_empty() => put(rows, OPEN, plan, &slots, None),
        Some(last) => put(rows, OPEN, plan, &slots, Some(last)),
        None if known => rows.remove(OPEN, plan),
        None => Ok(()),
    }
}

impl JsonForm for Slots {
    fn to_json(&self) -> Value {
        let held = self.held.iter().map(|(id, until)| {
            let mut members = JsonObject::tagged("id", id);
            members.put("until", *until);
            members.done()
        });
        let mut members = JsonObject::default();
        members.insert("held", Value::Array(held.collect()));
        members.put("owed", self.owed.as_slice());
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let held = members.list("held", |value| {
            let mut members = JsonObject::of(value)?;
            let read = (members.request_id(), members.whole("until"));
            members.read(read)
        });
        let owed = members.list("owed", |value| match value {
            Value::String(id) => Ok(id),
            _ => Err(Unreadable("owed")),
        });
        members.read(Self { held, owed })
    }
}
