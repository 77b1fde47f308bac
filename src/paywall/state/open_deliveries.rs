//! Answers of one payer and plan that are delivered before they are settled (rule 19): how many there are, and what the
//! payer owes. One row for each plan.

use super::journal;
use super::json::{JsonForm, JsonObject, Unreadable};
use super::{Entry, EntryStatus, OpenDelivery, Rows, RowsError};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde_json::Value;

const OPEN: &str = "open";

#[derive(Default)]
struct Slots {
    /// The visits that have one, and until when if nothing more is heard of them.
    held: Vec<(String, u64)>,
    /// The visits whose settle was not made, the oldest first.
    owed: Vec<String>,
}

/// Whether another one may begin.
pub(super) enum Vacancy {
    Free,
    Full,
    /// Not before this entry was settled again: it is the asking visit's to do.
    Owing(Box<Entry>),
}

/// Looks whether a visit may begin one more. Nothing is reserved.
pub(super) fn look(
    rows: &mut impl Rows,
    visit: &str,
    open: &OpenDelivery,
    now: u64,
) -> Result<Vacancy, RowsError> {
    loop {
        let slots = load(rows, &open.plan)?;
        let held = slots.held.iter().filter(|(_, until)| *until > now);
        let mut count = 0;
        for (holder, _) in held {
            // What is asked may arrive twice.
            if holder == visit {
                return Ok(Vacancy::Free);
            }
            count += 1;
        }
        let Some(debt) = slots.owed.first() else {
            return Ok(if count < open.most as usize { Vacancy::Free } else { Vacancy::Full });
        };
        match journal::entry(rows, debt)? {
            Some(mut entry) if entry.status == EntryStatus::Owed => {
                if entry.settle_body.is_none() || entry.token_expires_at.is_some_and(|ends| ends <= now) {
                    entry.status = EntryStatus::Unpaid;
                    journal::settle_down(rows, entry, now)?;
                    continue;
                }
                begin_again(rows, &mut entry, now.saturating_add(open.settle_lease), now)?;
                return Ok(Vacancy::Owing(Box::new(entry)));
            }
            _ => change(rows, &open.plan, debt, |_| ())?,
        }
    }
}

/// Gives a visit one for so long.
pub(super) fn hold(rows: &mut impl Rows, plan: &str, visit: &str, until: u64) -> Result<(), RowsError> {
    change(rows, plan, visit, |slots| slots.held.push((visit.into(), until)))
}

/// Takes back what a visit has, or owes.
pub(super) fn free(rows: &mut impl Rows, plan: &str, visit: &str) -> Result<(), RowsError> {
    change(rows, plan, visit, |_| ())
}

/// Whether a visit still has the one that it was given.
pub(super) fn holds(rows: &impl Rows, plan: &str, visit: &str, now: u64) -> Result<bool, RowsError> {
    Ok(load(rows, plan)?.held.iter().any(|(holder, until)| holder == visit && *until > now))
}

/// Follows an entry, each time that it is kept until `due`.
pub(super) fn follow(rows: &mut impl Rows, entry: &Entry, due: u64) -> Result<(), RowsError> {
    if !entry.open {
        return Ok(());
    }
    change(rows, &entry.plan, &entry.visit, |slots| match entry.status {
        EntryStatus::Delivering | EntryStatus::Settling => slots.held.push((entry.visit.clone(), due)),
        EntryStatus::Owed => slots.owed.push(entry.visit.clone()),
        _ => {}
    })
}

/// What is owed is about to be settled again, until `until`: whoever does it says what came of this round.
pub(super) fn begin_again(
    rows: &mut impl Rows,
    entry: &mut Entry,
    until: u64,
    now: u64,
) -> Result<(), RowsError> {
    entry.status = EntryStatus::Settling;
    entry.sent = true;
    entry.rounds += 1;
    entry.receipt = None;
    journal::save(rows, entry, until, now)
}

fn load(rows: &impl Rows, plan: &str) -> Result<Slots, RowsError> {
    Ok(journal::get(rows, OPEN, plan)?.unwrap_or_default())
}

/// Takes a visit out and has `put` say where it belongs.
fn change(
    rows: &mut impl Rows,
    plan: &str,
    visit: &str,
    put: impl FnOnce(&mut Slots),
) -> Result<(), RowsError> {
    let mut slots = load(rows, plan)?;
    let before = (slots.held.len(), slots.owed.len());
    slots.held.retain(|(holder, _)| holder != visit);
    slots.owed.retain(|debt| debt != visit);
    let known = before != (slots.held.len(), slots.owed.len());
    put(&mut slots);
    match slots.held.iter().map(|(_, until)| *until).max() {
        _ if !slots.owed.is_empty() => journal::put(rows, OPEN, plan, &slots, None),
        Some(last) => journal::put(rows, OPEN, plan, &slots, Some(last)),
        None if known => rows.remove(OPEN, plan),
        None => Ok(()),
    }
}

impl JsonForm for Slots {
    fn to_json(&self) -> Value {
        let held = self.held.iter().map(|(visit, until)| {
            let mut members = JsonObject::tagged("visit", visit);
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
        let held = members.list("held")?.into_iter().map(|value| {
            let mut members = JsonObject::of(value)?;
            Ok((members.text("visit")?, members.whole("until")?))
        });
        let held = held.collect::<Result<_, _>>()?;
        let visit = |value: &Value| value.as_str().map(Into::into).ok_or(Unreadable("owed"));
        Ok(Self { held, owed: members.list("owed")?.iter().map(visit).collect::<Result<_, _>>()? })
    }
}
