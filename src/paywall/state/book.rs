use super::json::{self, Members, Unreadable, Written};
use super::{Allowance, Claim, Command, End, Entry, Rate, Reply, Rows, RowsError, Stands, account};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

pub(super) const ENTRY: &str = "entry";
const NONCE: &str = "nonce";
const RATE: &str = "rate";
const ALLOWANCE: &str = "allowance";
/// What a visit took of an allowance, so that it is given back once at the most.
const TAKEN: &str = "taken";

const DAY_MS: u64 = 86_400_000;
/// For how long an entry that is closed, and a nonce that was used, are kept, in milliseconds. The platform keeps the
/// nonces of what it settled for good.
pub(super) const KEEP_MS: u64 = 30 * DAY_MS;
/// How long until what is not known is looked into a second time, in milliseconds.
pub(super) const SOON_MS: u64 = 5_000;
/// For how long an entry is kept that the seller has to look into.
const KEEP_OPEN_MS: u64 = 400 * DAY_MS;
/// How many entries one answer lists.
const PAGE: u32 = 200;

/// How a single-use token stands.
enum Nonce {
    /// A visit works with it. If nothing more is heard of that visit by then, it is free again: nothing was sent.
    Claimed { visit: String, until: u64 },
    /// A settle with it was or will be sent: its entry says what became of it.
    Held { visit: String },
    /// It bought its one answer.
    Spent { visit: String },
}

struct Taken {
    day: u64,
    used: u32,
}

/// Does what a command says. `now` is in milliseconds since 1970.
///
/// # Errors
/// Where the storage fails; the visit is then not to go on.
pub fn apply(rows: &mut impl Rows, command: &Command, now: u64) -> Result<Reply, RowsError> {
    match command {
        Command::Admit { visit, rates, claim, allowance } => {
            if let Some(retry_after) = limited(rows, rates, now)? {
                return Ok(Reply::Limited { retry_after });
            }
            if let Some(claim) = claim
                && !claimed(rows, visit, claim, now)?
            {
                return Ok(Reply::Used);
            }
            let free = match allowance {
                Some(allowance) => take(rows, visit, allowance, now)?,
                None => false,
            };
            Ok(Reply::Admitted { free })
        }
        Command::Release { visit, claim, allowance } => {
            if let Some(claim) = claim {
                let_go(rows, visit, &claim.nonce)?;
            }
            if let Some(allowance) = allowance {
                give_back(rows, visit, allowance, now)?;
            }
            Ok(Reply::Done)
        }
        Command::Write { entry, lease } => write(rows, entry, now.saturating_add(*lease), now),
        Command::Charge { visit, credits, again, lease } => {
            let Some(mut entry) = entry(rows, visit)? else { return Ok(Reply::Lost) };
            // One that was given up for dead lives: nothing was sent for it yet, so it may be settled.
            if !matches!(entry.stands, Stands::Delivering | Stands::Abandoned | Stands::Settling) {
                return Ok(Reply::Lost);
            }
            entry.stands = Stands::Settling;
            entry.credits = credits.clone();
            entry.again = again.clone();
            entry.delivered = true;
            entry.why = None;
            save(rows, &entry, now.saturating_add(*lease), now)?;
            Ok(Reply::Done)
        }
        Command::Close { visit, end, after } => match entry(rows, visit)? {
            Some(entry) => close(rows, entry, end, now, now.saturating_add(*after)),
            None => Ok(Reply::Nothing),
        },
        Command::Receipt { visit } => Ok(match entry(rows, visit)? {
            Some(entry) => Reply::Receipt { stands: entry.stands, receipt: entry.receipt },
            None => Reply::Nothing,
        }),
        Command::Journal { after } => {
            let mut entries = Vec::new();
            for row in rows.list(ENTRY, after.as_deref(), PAGE)? {
                let mut entry: Entry = read(&row.value)?;
                entry.again = None;
                entries.push(entry);
            }
            Ok(Reply::Journal { entries })
        }
    }
}

/// Counts a request for each rate, if none is exceeded; else says in how many seconds to come again.
///
/// A rate is kept as one time: that at which all that was asked would have been asked evenly. It may be ahead of now by
/// one window.
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
        rows.put(RATE, name, &next.to_string(), Some(next))?;
    }
    Ok(None)
}

/// Claims a single-use token for a visit, if nobody else has it (rule 24).
fn claimed(rows: &mut impl Rows, visit: &str, claim: &Claim, now: u64) -> Result<bool, RowsError> {
    let free = match nonce(rows, &claim.nonce)? {
        None => true,
        Some(Nonce::Claimed { visit: other, until }) => other == visit || until <= now,
        Some(Nonce::Held { .. } | Nonce::Spent { .. }) => false,
    };
    if free {
        let until = now.saturating_add(claim.lease);
        put(rows, NONCE, &claim.nonce, &Nonce::Claimed { visit: visit.into(), until }, Some(until))?;
    }
    Ok(free)
}

/// Whether a visit's claim still stands.
fn owns(rows: &impl Rows, visit: &str, id: &str) -> Result<bool, RowsError> {
    Ok(match nonce(rows, id)? {
        Some(Nonce::Claimed { visit: owner, .. } | Nonce::Held { visit: owner }) => owner == visit,
        // It ran out and was swept, and nobody took the token since.
        None => true,
        Some(Nonce::Spent { .. }) => false,
    })
}

pub(super) fn let_go(rows: &mut impl Rows, visit: &str, id: &str) -> Result<(), RowsError> {
    match nonce(rows, id)? {
        Some(Nonce::Claimed { visit: owner, .. } | Nonce::Held { visit: owner }) if owner == visit => {
            rows.remove(NONCE, id)
        }
        _ => Ok(()),
    }
}

/// Takes one of today's, if there is one left.
fn take(rows: &mut impl Rows, visit: &str, allowance: &Allowance, now: u64) -> Result<bool, RowsError> {
    if rows.get(TAKEN, visit)?.is_some() {
        return Ok(true);
    }
    let today = now / DAY_MS;
    let taken: Option<Taken> = get(rows, ALLOWANCE, &allowance.name)?;
    let mut taken = taken.filter(|taken| taken.day == today).unwrap_or(Taken { day: today, used: 0 });
    if taken.used >= allowance.per_day {
        return Ok(false);
    }
    taken.used += 1;
    let tomorrow = (today + 1).saturating_mul(DAY_MS);
    put(rows, ALLOWANCE, &allowance.name, &taken, Some(tomorrow))?;
    rows.put(TAKEN, visit, &today.to_string(), Some(tomorrow))?;
    Ok(true)
}

fn give_back(rows: &mut impl Rows, visit: &str, allowance: &Allowance, now: u64) -> Result<(), RowsError> {
    let Some(day) = rows.get(TAKEN, visit)? else { return Ok(()) };
    rows.remove(TAKEN, visit)?;
    let today = now / DAY_MS;
    if let Some(mut taken) = get::<Taken>(rows, ALLOWANCE, &allowance.name)?
        && taken.day == today
        && day == today.to_string()
    {
        taken.used = taken.used.saturating_sub(1);
        put(rows, ALLOWANCE, &allowance.name, &taken, Some((today + 1).saturating_mul(DAY_MS)))?;
    }
    Ok(())
}

fn write(rows: &mut impl Rows, entry: &Entry, until: u64, now: u64) -> Result<Reply, RowsError> {
    if rows.get(ENTRY, &entry.visit)?.is_some() {
        return Ok(Reply::Done);
    }
    if let Some(id) = &entry.nonce {
        if !owns(rows, &entry.visit, id)? {
            return Ok(Reply::Lost);
        }
        put(rows, NONCE, id, &Nonce::Held { visit: entry.visit.clone() }, None)?;
    }
    if entry.stands.is_final() {
        settle_down(rows, entry.clone(), now)
    } else {
        save(rows, entry, until, now)
    }?;
    Ok(Reply::Done)
}

fn close(rows: &mut impl Rows, mut entry: Entry, end: &End, now: u64, look: u64) -> Result<Reply, RowsError> {
    // The platform's yes stands, whatever is said later.
    if entry.stands == Stands::Settled && entry.receipt.is_some() {
        return Ok(Reply::Done);
    }
    match end {
        End::Settled { receipt } => {
            entry.stands = Stands::Settled;
            entry.delivered = true;
            entry.receipt = Some(receipt.clone());
            entry.why = None;
        }
        End::Refused { receipt, spent, delivered } => {
            entry.stands = Stands::Refused;
            entry.delivered = *delivered;
            entry.receipt = Some(receipt.clone());
            if !spent && let Some(id) = entry.nonce.take() {
                let_go(rows, &entry.visit, &id)?;
            }
        }
        // The reconciler may have been quicker. What it may have settled again is not begun anew by what is told twice or
        // late; it settles nothing of which it does not know that it was delivered.
        End::Unknown { .. } | End::Owed { .. }
            if !matches!(entry.stands, Stands::Settling | Stands::Delivering)
                && (entry.stands != Stands::Unknown || entry.delivered) =>
        {
            return Ok(Reply::Done);
        }
        End::Unknown { why, delivered } => {
            entry.stands = Stands::Unknown;
            entry.delivered |= delivered;
            entry.why = Some(why.clone());
            entry.late = now.saturating_add(entry.quiet);
            save(rows, &entry, look, now)?;
            return Ok(Reply::Done);
        }
        End::Owed { why, again } => {
            entry.again = Some(again.clone());
            owed(rows, entry, why, look, now)?;
            return Ok(Reply::Done);
        }
        End::Released { why } => {
            entry.stands = Stands::Released;
            entry.why = Some(why.clone());
            if let Some(id) = entry.nonce.take() {
                let_go(rows, &entry.visit, &id)?;
            }
        }
    }
    settle_down(rows, entry, now)?;
    Ok(Reply::Done)
}

/// Keeps what was delivered and certainly not burned for the reconciler to settle.
pub(super) fn owed(
    rows: &mut impl Rows,
    mut entry: Entry,
    why: &str,
    look: u64,
    now: u64,
) -> Result<(), RowsError> {
    entry.stands = Stands::Owed;
    entry.delivered = true;
    entry.why = Some(why.into());
    save(rows, &entry, look, now)
}

/// Files an entry that will not change by itself any more: what is secret is dropped, its token is used.
pub(super) fn settle_down(rows: &mut impl Rows, mut entry: Entry, now: u64) -> Result<(), RowsError> {
    entry.again = None;
    let keep = if entry.stands == Stands::Unresolved { KEEP_OPEN_MS } else { KEEP_MS };
    let until = now.saturating_add(keep);
    if let Some(id) = &entry.nonce {
        put(rows, NONCE, id, &Nonce::Spent { visit: entry.visit.clone() }, Some(until))?;
    }
    save(rows, &entry, until, now)
}

pub(super) fn save(rows: &mut impl Rows, entry: &Entry, due: u64, now: u64) -> Result<(), RowsError> {
    put(rows, ENTRY, &entry.visit, entry, Some(due))?;
    account::follow(rows, entry, due, now)
}

pub(super) fn entry(rows: &impl Rows, visit: &str) -> Result<Option<Entry>, RowsError> {
    get(rows, ENTRY, visit)
}

fn nonce(rows: &impl Rows, id: &str) -> Result<Option<Nonce>, RowsError> {
    get(rows, NONCE, id)
}

pub(super) fn get<T: Written>(rows: &impl Rows, kind: &str, id: &str) -> Result<Option<T>, RowsError> {
    rows.get(kind, id)?.map(|text| read(&text)).transpose()
}

pub(super) fn read<T: Written>(text: &str) -> Result<T, RowsError> {
    json::read(text).map_err(|error| RowsError(format!("a row cannot be read: {error}")))
}

pub(super) fn put(
    rows: &mut impl Rows,
    kind: &str,
    id: &str,
    value: &impl Written,
    due: Option<u64>,
) -> Result<(), RowsError> {
    rows.put(kind, id, &json::print(value), due)
}

impl Written for Nonce {
    fn to_json(&self) -> Value {
        let (is, visit) = match self {
            Self::Claimed { visit, .. } => ("Claimed", visit),
            Self::Held { visit } => ("Held", visit),
            Self::Spent { visit } => ("Spent", visit),
        };
        let mut members = Members::tagged("is", is);
        members.put("visit", visit.as_str());
        if let Self::Claimed { until, .. } = self {
            members.put("until", *until);
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        let visit = members.text("visit")?;
        Ok(match members.text("is")?.as_str() {
            "Claimed" => Self::Claimed { visit, until: members.whole("until")? },
            "Held" => Self::Held { visit },
            "Spent" => Self::Spent { visit },
            _ => return Err(Unreadable("is")),
        })
    }
}

impl Written for Taken {
    fn to_json(&self) -> Value {
        let mut members = Members::default();
        members.put("day", self.day);
        members.put("used", self.used);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(Self { day: members.whole("day")?, used: members.count("used")? })
    }
}

impl Stands {
    /// Whether it will not change by itself any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Delivering | Self::Settling | Self::Unknown | Self::Owed)
    }
}
