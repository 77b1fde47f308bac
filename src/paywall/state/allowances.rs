//! Allowances: how many requests a day of one name are free.

use super::filing::DAY_MS;
use super::json::{JsonForm, JsonObject, Unreadable};
use super::records::{get, put};
use super::{Allowance, Rows, RowsError};
use crate::wire::digits;
use serde_json::Value;

const ALLOWANCE: &str = "allowance";
/// The kind of the rows that record what a request took of an allowance, so that it is given back at most once.
const TAKEN: &str = "taken";

struct TakenAllowance {
    day: u64,
    used: u32,
}

/// Takes one of today's, if there is one left. Returns true if the request has one.
pub(super) fn take(
    rows: &mut impl Rows,
    id: &str,
    allowance: &Allowance,
    now: u64,
) -> Result<bool, RowsError> {
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
pub(super) fn is_left(
    rows: &impl Rows,
    id: &str,
    allowance: &Allowance,
    now: u64,
) -> Result<bool, RowsError> {
    let taken: Option<TakenAllowance> = get(rows, ALLOWANCE, &allowance.name)?;
    let used = taken.filter(|taken| taken.day == now / DAY_MS).map_or(0, |taken| taken.used);
    Ok(used < allowance.per_day || rows.get(TAKEN, id)?.is_some())
}

/// Gives back what a request took today, once.
pub(super) fn give_back(
    rows: &mut impl Rows,
    id: &str,
    allowance: &Allowance,
    now: u64,
) -> Result<(), RowsError> {
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
