use super::allowances;
use super::claims;
use super::filing::{KEEP_OPEN_MS, NONCE, Nonce, is_serious, save, settle_down};
use super::open_deliveries;
use super::open_delivery_limit::{self, Vacancy};
use super::rate_limits;
use super::records::{ENTRY, entry, put, read};
use super::{Command, Entry, EntryStatus, Reply, Rows, RowsError, SettlementOutcome};
use crate::wire::NOT_SETTLED;
use alloc::vec::Vec;

/// The seller's book: copies of the entries of other objects that are owed or unresolved.
const BOOK: &str = "book";

/// How many entries one answer lists.
pub(crate) const PAGE: u32 = 200;

/// Runs a command. `now` is in milliseconds since 1970.
///
/// # Errors
/// The storage fails: the request must not go on.
pub fn apply(rows: &mut impl Rows, command: &Command, now: u64) -> Result<Reply, RowsError> {
    match command {
        Command::Admit { id, rates, claim, allowance, open, entry } => {
            // A request that an allowance pays for leaves no delivery open.
            let granted = match allowance {
                Some(allowance) => allowances::is_left(rows, id, allowance, now)?,
                None => false,
            };
            let open = open.as_ref().filter(|_| !granted);
            if let Some(open) = open {
                match open_delivery_limit::look(rows, id, open, now)? {
                    Vacancy::Free => {}
                    Vacancy::Full => return Ok(Reply::InProgress),
                    Vacancy::Owing(entry) => return Ok(Reply::Owing { entry }),
                }
            }
            if let Some(retry_after) = rate_limits::exceeded(rows, rates, now)? {
                return Ok(Reply::Limited { retry_after });
            }
            // An entry would be of no use to a request that an allowance pays for.
            let entry = entry.as_ref().filter(|_| allowance.is_none());
            if let Some(claim) = claim
                && !claims::claim(rows, id, claim, entry.is_some(), now)?
            {
                return Ok(Reply::Used);
            }
            let free = match allowance {
                Some(allowance) => allowances::take(rows, id, allowance, now)?,
                None => false,
            };
            if let Some(open) = open {
                open_deliveries::hold(rows, &open.plan, id, now.saturating_add(open.lease))?;
            }
            if let (Some(entry), Some(claim)) = (entry, claim)
                && rows.get(ENTRY, id)?.is_none()
            {
                save(rows, &mut entry.clone(), now.saturating_add(claim.lease), now)?;
            }
            Ok(Reply::Admitted { free })
        }
        Command::Release { id, claim, allowance, open } => {
            if let Some(plan) = open {
                open_deliveries::free(rows, plan, id)?;
            }
            if let Some(claim) = claim {
                match entry(rows, id)? {
                    None => claims::release(rows, id, &claim.nonce)?,
                    // Its request settled nothing: the entry was written with the claim, or the request did not hear of it.
                    Some(found)
                        if matches!(found.status, EntryStatus::Settling | EntryStatus::Delivering) =>
                    {
                        let (end, round) =
                            (SettlementOutcome::Released { why: NOT_SETTLED.into() }, found.rounds);
                        close(rows, found, &end, round, now, now)?;
                    }
                    // The reconciler asks about the token, and frees it.
                    Some(_) => {}
                }
            }
            if let Some(allowance) = allowance {
                allowances::give_back(rows, id, allowance, now)?;
            }
            Ok(Reply::Done)
        }
        Command::Write { entry, lease } => write(rows, entry, now.saturating_add(*lease), now),
        Command::Charge { id, credits, again, lease } => {
            let Some(mut entry) = entry(rows, id)? else { return Ok(Reply::Lost) };
            if !(is_going_out(&entry) || entry.status == EntryStatus::Settling) {
                return Ok(Reply::Lost);
            }
            entry.status = EntryStatus::Settling;
            entry.sent = true;
            entry.credits = credits.clone();
            entry.settle_body = again.clone();
            entry.delivered = true;
            entry.why = None;
            save(rows, &mut entry, now.saturating_add(*lease), now)?;
            Ok(Reply::Done)
        }
        Command::Renew { id, lease } => match entry(rows, id)? {
            Some(mut entry) if is_going_out(&entry) => {
                entry.status = EntryStatus::Delivering;
                entry.why = None;
                save(rows, &mut entry, now.saturating_add(*lease), now)?;
                Ok(Reply::Done)
            }
            _ => Ok(Reply::Lost),
        },
        Command::Close { id, end, after, round } => match entry(rows, id)? {
            Some(entry) => close(rows, entry, end, *round, now, now.saturating_add(*after)),
            None => Ok(Reply::Nothing),
        },
        Command::Receipt { id } => Ok(match entry(rows, id)? {
            Some(entry) => Reply::Receipt { status: entry.status, receipt: entry.receipt },
            None => Reply::Nothing,
        }),
        Command::Journal { after, book } => {
            let mut entries = Vec::new();
            for row in rows.list(if *book { BOOK } else { ENTRY }, after.as_deref(), PAGE)? {
                let mut entry: Entry = read(&row.value)?;
                entry.settle_body = None;
                entries.push(entry);
            }
            Ok(Reply::Journal { entries })
        }
        Command::File { entry } => {
            // An entry that was settled after all is kept here as long as in its own object.
            let keep = if is_serious(entry) { KEEP_OPEN_MS } else { rows.keep_ms() };
            put(rows, BOOK, &entry.id, &**entry, Some(now.saturating_add(keep)))?;
            Ok(Reply::Done)
        }
    }
}

/// True if an answer is going out and no settle was sent for it. An entry that was given up as abandoned may still be alive.
fn is_going_out(entry: &Entry) -> bool {
    match entry.status {
        EntryStatus::Delivering | EntryStatus::Abandoned => true,
        EntryStatus::Unresolved => !entry.sent,
        _ => false,
    }
}

fn write(rows: &mut impl Rows, entry: &Entry, until: u64, now: u64) -> Result<Reply, RowsError> {
    if rows.get(ENTRY, &entry.id)?.is_some() {
        return Ok(Reply::Done);
    }
    // Its lease was over, and another may have begun since: nothing was delivered yet.
    if entry.open
        && entry.status == EntryStatus::Delivering
        && !open_deliveries::holds(rows, &entry.plan, &entry.id, now)?
    {
        return Ok(Reply::Lost);
    }
    if let Some(nonce) = &entry.nonce {
        if !claims::owns(rows, &entry.id, nonce)? {
            return Ok(Reply::Lost);
        }
        put(rows, NONCE, nonce, &Nonce::Held { id: entry.id.clone() }, None)?;
    }
    if entry.status.is_final() {
        settle_down(rows, entry.clone(), now)
    } else {
        save(rows, &mut entry.clone(), until, now)
    }?;
    Ok(Reply::Done)
}

/// Records the outcome of an entry's settle number `round`.
pub(super) fn close(
    rows: &mut impl Rows,
    mut entry: Entry,
    end: &SettlementOutcome,
    round: u32,
    now: u64,
    look: u64,
) -> Result<Reply, RowsError> {
    let settled = matches!(end, SettlementOutcome::Settled { .. });
    // A success of the platform is final. Any other outcome counts only for the settle that it belongs to.
    if (entry.status == EntryStatus::Settled && entry.receipt.is_some())
        || (!settled && round != entry.rounds)
    {
        return Ok(Reply::Done);
    }
    let under_way = matches!(entry.status, EntryStatus::Settling | EntryStatus::Delivering);
    match end {
        SettlementOutcome::Settled { receipt } => {
            entry.status = EntryStatus::Settled;
            entry.delivered = true;
            entry.receipt = Some(receipt.clone());
            entry.why = None;
        }
        SettlementOutcome::Refused { receipt, spent, delivered } => {
            entry.status = EntryStatus::Refused;
            entry.delivered = *delivered;
            entry.receipt = Some(receipt.clone());
            if !spent && let Some(nonce) = entry.nonce.take() {
                claims::release(rows, &entry.id, &nonce)?;
            }
        }
        // A single-use token is settled again until its outcome is known.
        SettlementOutcome::Unknown { why, delivered } if entry.nonce.is_some() => {
            // The reconciler may have been quicker: a late report does not reopen what it may have settled.
            if under_way || (entry.status == EntryStatus::Unknown && !entry.delivered) {
                entry.status = EntryStatus::Unknown;
                entry.delivered |= delivered;
                entry.why = Some(why.clone());
                entry.in_flight_until = now.saturating_add(entry.settle_grace_ms);
                save(rows, &mut entry, look, now)?;
            }
            return Ok(Reply::Done);
        }
        // A reusable token is not: it may have been burned.
        SettlementOutcome::Unknown { why, delivered } => {
            // The reconciler took the request for lost and freed its token before the request reported its delivery.
            let given_up = entry.status == EntryStatus::Released && *delivered;
            if !under_way && !given_up && entry.status != EntryStatus::Unresolved {
                return Ok(Reply::Done);
            }
            entry.status = EntryStatus::Unresolved;
            entry.sent = true;
            entry.delivered |= delivered;
            entry.why = Some(why.clone());
        }
        SettlementOutcome::Owed { why, again, receipt } => {
            if under_way {
                entry.status = EntryStatus::Owed;
                entry.delivered = true;
                entry.why = Some(why.clone());
                entry.settle_body = Some(again.clone());
                entry.receipt.clone_from(receipt);
                // A settle that was refused waits for its payer. A settle that the platform had no time for does not.
                let last = entry.token_expires_at.unwrap_or_else(|| now.saturating_add(KEEP_OPEN_MS));
                save(rows, &mut entry, if receipt.is_some() { last } else { look }, now)?;
            }
            return Ok(Reply::Done);
        }
        SettlementOutcome::Released { why } => {
            entry.status = EntryStatus::Released;
            entry.why = Some(why.clone());
            if let Some(nonce) = entry.nonce.take() {
                claims::release(rows, &entry.id, &nonce)?;
            }
        }
    }
    settle_down(rows, entry, now)?;
    Ok(Reply::Done)
}

impl EntryStatus {
    /// True if an entry with this status does not change by itself any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Delivering | Self::Settling | Self::Unknown | Self::Owed)
    }
}
