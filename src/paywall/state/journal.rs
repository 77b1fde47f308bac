use super::claims;
use super::filing::{DAY_MS, KEEP_OPEN_MS, NONCE, Nonce, is_serious, save, settle_down};
use super::json::{JsonForm, JsonObject, Unreadable};
use super::open_deliveries;
use super::records::{ENTRY, entry, get, put, read};
use super::vacancy::{self, Vacancy};
use super::{Allowance, Command, Entry, EntryStatus, Rate, Reply, Rows, RowsError, SettlementOutcome};
use crate::wire::{NOT_SETTLED, digits};
use alloc::vec::Vec;
use serde_json::Value;

/// The seller's book: copies of the entries of other objects that are owed or unresolved.
const BOOK: &str = "book";
const RATE: &str = "rate";
const ALLOWANCE: &str = "allowance";
/// The kind of the rows that record what a request took of an allowance, so that it is given back at most once.
const TAKEN: &str = "taken";

/// How many entries one answer lists.
pub(crate) const PAGE: u32 = 200;

struct TakenAllowance {
    day: u64,
    used: u32,
}

/// Runs a command. `now` is in milliseconds since 1970.
///
/// # Errors
/// The storage fails: the request must not go on.
pub fn apply(rows: &mut impl Rows, command: &Command, now: u64) -> Result<Reply, RowsError> {
    match command {
        Command::Admit { id, rates, claim, allowance, open, entry } => {
            // A request that an allowance pays for leaves no delivery open.
            let granted = match allowance {
                Some(allowance) => is_left(rows, id, allowance, now)?,
                None => false,
            };
            let open = open.as_ref().filter(|_| !granted);
            if let Some(open) = open {
                match vacancy::look(rows, id, open, now)? {
                    Vacancy::Free => {}
                    Vacancy::Full => return Ok(Reply::InProgress),
                    Vacancy::Owing(entry) => return Ok(Reply::Owing { entry }),
                }
            }
            if let Some(retry_after) = limited(rows, rates, now)? {
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
                Some(allowance) => take(rows, id, allowance, now)?,
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
                give_back(rows, id, allowance, now)?;
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

/// Counts a request for each rate, if none is exceeded; else says in how many seconds to come again.
///
/// A rate is stored as one time (GCRA): the time at which all requests so far would have come if they came evenly. It may
/// be ahead of now by one window.
fn limited(rows: &mut impl Rows, rates: &[Rate], now: u64) -> Result<Option<u64>, RowsError> {
    let mut after = Vec::new();
    for rate in rates {
        let window = u64::from(rate.seconds).saturating_mul(1000);
        let step = window.div_ceil(u64::from(rate.requests.max(1))).max(1);
        let known = rows.get(RATE, &rate.name)?.and_then(|text| text.parse().ok()).unwrap_or(now);
        let next = now.max(known).saturating_add(step);
        // Rounding up must not take the last request of a window away.
        let ahead = next.saturating_sub(now).saturating_sub(u64::from(rate.requests));
        if ahead > window {
            return Ok(Some(ahead.saturating_sub(window).div_ceil(1000).max(1)));
        }
        after.push((&rate.name, next));
    }
    for (name, next) in after {
        rows.put(RATE, name, &digits(next), Some(next))?;
    }
    Ok(None)
}

/// Takes one of today's, if there is one left.
fn take(rows: &mut impl Rows, id: &str, allowance: &Allowance, now: u64) -> Result<bool, RowsError> {
    if rows.get(TAKEN, id)?.is_some() {
        return Ok(true);
    }
    let today = now / DAY_MS;
    let taken: Option<TakenAllowance> = get(rows, ALLOWANCE, &allowance.name)?;
    let mut taken =
        taken.filter(|taken| taken.day == today).unwrap_or(TakenAllowance { day: today, used: 0 });
    if taken.used >= allowance.per_day {
        return Ok(false);
    }
    taken.used += 1;
    let tomorrow = (today + 1).saturating_mul(DAY_MS);
    put(rows, ALLOWANCE, &allowance.name, &taken, Some(tomorrow))?;
    rows.put(TAKEN, id, &digits(today), Some(tomorrow))?;
    Ok(true)
}

/// True if the allowance has one left today for a request, or if the request has taken one already.
fn is_left(rows: &impl Rows, id: &str, allowance: &Allowance, now: u64) -> Result<bool, RowsError> {
    let taken: Option<TakenAllowance> = get(rows, ALLOWANCE, &allowance.name)?;
    let used = taken.filter(|taken| taken.day == now / DAY_MS).map_or(0, |taken| taken.used);
    Ok(used < allowance.per_day || rows.get(TAKEN, id)?.is_some())
}

fn give_back(rows: &mut impl Rows, id: &str, allowance: &Allowance, now: u64) -> Result<(), RowsError> {
    let Some(day) = rows.get(TAKEN, id)? else { return Ok(()) };
    rows.remove(TAKEN, id)?;
    let today = now / DAY_MS;
    if let Some(mut taken) = get::<TakenAllowance>(rows, ALLOWANCE, &allowance.name)?
        && taken.day == today
        && day == digits(today)
    {
        taken.used = taken.used.saturating_sub(1);
        put(rows, ALLOWANCE, &allowance.name, &taken, Some((today + 1).saturating_mul(DAY_MS)))?;
    }
    Ok(())
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

impl JsonForm for TakenAllowance {
    fn to_json(&self) -> Value {
        let mut members = JsonObject::default();
        members.put("day", self.day);
        members.put("used", self.used);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = Self { day: members.whole("day"), used: members.count("used") };
        members.read(read)
    }
}

impl EntryStatus {
    /// True if an entry with this status does not change by itself any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Delivering | Self::Settling | Self::Unknown | Self::Owed)
    }
}
