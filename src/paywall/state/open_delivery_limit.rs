//! Decides whether a payer may begin one more answer that is delivered before it is settled (rule 19).

use super::filing::{save, settle_down};
use super::open_deliveries::{change, load};
use super::records;
use super::{Entry, EntryStatus, OpenDelivery, Rows, RowsError};
use alloc::boxed::Box;

/// Says if a request may begin another open delivery.
pub(super) enum Vacancy {
    Free,
    Full,
    /// No: the request has to settle this entry first.
    Owing(Box<Entry>),
}

/// Looks whether a request may begin one more. Nothing is reserved.
pub(super) fn look(
    rows: &mut impl Rows,
    id: &str,
    open: &OpenDelivery,
    now: u64,
) -> Result<Vacancy, RowsError> {
    loop {
        let slots = load(rows, &open.plan)?;
        let held = slots.held.iter().filter(|(_, until)| *until > now);
        let mut count = 0;
        for (holder, _) in held {
            // The same question may arrive twice.
            if holder == id {
                return Ok(Vacancy::Free);
            }
            count += 1;
        }
        let Some(debt) = slots.owed.first() else {
            return Ok(if count < open.most as usize { Vacancy::Free } else { Vacancy::Full });
        };
        match records::entry(rows, debt)? {
            Some(mut entry) if entry.status == EntryStatus::Owed => {
                if entry.settle_body.is_none() || entry.token_expires_at.is_some_and(|ends| ends <= now) {
                    entry.status = EntryStatus::Unpaid;
                    settle_down(rows, entry, now)?;
                    continue;
                }
                begin_again(rows, &mut entry, now.saturating_add(open.settle_lease), now)?;
                return Ok(Vacancy::Owing(Box::new(entry)));
            }
            _ => change(rows, &open.plan, debt, |_| ())?,
        }
    }
}

/// Records that an owed entry is about to be settled again, until `until`. The one who settles it reports the result of
/// this round.
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
    save(rows, entry, until, now)
}
