use super::account::{self, Ask, Counted};
use super::book::{self, ENTRY, SOON_MS};
use super::{Command, Entry, Rows, RowsError, Stands};
use crate::api::{self, x402};
use crate::paywall::refusal::{self, Refusal, Settled, Verdict};
use crate::wire::Receipt;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::json;

/// Something to ask the facilitator about an entry whose end is not known.
#[derive(Debug)]
pub struct Job {
    /// To be sent with the seller's key, within the timeout.
    pub call: api::Request,
    visit: String,
    question: Question,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Told {
    /// The facilitator's answer.
    Answered(api::Response),
    /// None, or not in full.
    Unanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Is this single-use token spent? Verify spends nothing.
    Spent,
    /// Settle what was delivered: a single-use token is burned for once, whoever asks how often.
    Settle,
    /// What does the payer hold before the settle is sent?
    Before,
    /// What does the payer hold now that nothing is on its way?
    Count { turn: u64 },
    /// What does an order of the plan add, and a settle burn?
    Plan,
}

/// How often an entry is looked into, and one that is owed settled, before it is the seller's.
const TRIES: u32 = 24;
/// How often an entry is settled again because the payer's balance says that nothing was burned.
const ROUNDS: u32 = 6;
/// How often a balance that does not agree is read: a settle may be late, but others' doings are not undone.
const DISAGREEMENTS: u32 = 4;
/// How long until the next look at the most, in milliseconds.
const LATE_MS: u64 = 3_600_000;
/// How many rows are looked at between two questions.
const BATCH: u32 = 64;

/// What to ask before the reply to a command is given, if anything: what the payer holds, once. The command goes on
/// whatever comes of it.
///
/// # Errors
/// Where the storage fails.
pub fn before(rows: &impl Rows, command: &Command) -> Result<Option<Job>, RowsError> {
    let visit = match command {
        Command::Write { entry, .. } if entry.stands == Stands::Settling => &entry.visit,
        Command::Charge { visit, .. } => visit,
        _ => return Ok(None),
    };
    let asked = account::before(rows, visit)?;
    Ok(asked.map(|call| Job { call, visit: visit.clone(), question: Question::Before }))
}

/// Looks at what is due: sweeps what has run out, gives up what cannot be known, and says what to ask next, if anything.
/// A line for the log goes to `log` for each entry that came to its end.
///
/// # Errors
/// Where the storage fails.
pub fn due(rows: &mut impl Rows, now: u64, log: &mut impl FnMut(String)) -> Result<Option<Job>, RowsError> {
    loop {
        let batch = rows.due(now, BATCH)?;
        if batch.is_empty() {
            return Ok(None);
        }
        for row in batch {
            if row.kind != ENTRY {
                rows.remove(&row.kind, &row.id)?;
                continue;
            }
            let entry: Entry = book::read(&row.value)?;
            if entry.stands.is_final() {
                rows.remove(&row.kind, &row.id)?;
            } else if let Some(job) = look(rows, entry, now, log)? {
                return Ok(Some(job));
            }
        }
    }
}

fn look(
    rows: &mut impl Rows,
    mut entry: Entry,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<Option<Job>, RowsError> {
    if entry.stands == Stands::Delivering {
        // Nothing was sent for it. How much of it arrived nobody can say, so it is nobody's debt.
        entry.why = Some("isolate_lost".into());
        end(rows, entry, Stands::Abandoned, now, log)?;
        return Ok(None);
    }
    if entry.nonce.is_none() && entry.stands != Stands::Owed {
        return count(rows, entry, now, log);
    }
    let Some(again) = entry.again.clone().filter(|_| entry.tries < TRIES) else {
        // What is owed was certainly not burned.
        let stands = if entry.stands == Stands::Owed { Stands::Unpaid } else { Stands::Unresolved };
        end(rows, entry, stands, now, log)?;
        return Ok(None);
    };
    let (question, path) = match entry.delivered {
        true => (Question::Settle, "/api/v1/x402/settle"),
        // Not delivered, as far as is known, so it is not settled now: only looked into, when nothing can arrive any more.
        false if entry.late > now => {
            book::save(rows, &entry, entry.late, now)?;
            return Ok(None);
        }
        false => (Question::Spent, "/api/v1/x402/verify"),
    };
    let wait = wait(entry.tries);
    entry.tries += 1;
    if entry.stands == Stands::Owed {
        // Until its answer is here nobody knows, even if this object is gone by then.
        entry.stands = Stands::Unknown;
        entry.late = now.saturating_add(entry.quiet);
    }
    let visit = entry.visit.clone();
    book::save(rows, &entry, now.saturating_add(wait), now)?;
    let call = api::Request::post(path, Some(again.expose().into()));
    Ok(Some(Job { call, visit, question }))
}

/// A token that can be used again is never settled a second time while the first may have burned. Whether it did the
/// payer's balance may tell.
fn count(
    rows: &mut impl Rows,
    mut entry: Entry,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<Option<Job>, RowsError> {
    if entry.stands != Stands::Unknown {
        entry.stands = Stands::Unknown;
        entry.why = Some("isolate_lost".into());
        entry.late = now.saturating_add(entry.quiet);
    }
    let ask = if entry.tries < TRIES { account::ask(rows, &entry)? } else { Ask::Never };
    let mut due = now.saturating_add(wait(entry.tries));
    let asked = match ask {
        Ask::Never => {
            end(rows, entry, Stands::Unresolved, now, log)?;
            return Ok(None);
        }
        Ask::Later => None,
        Ask::Plan(call) => Some((call, Question::Plan)),
        Ask::Now(call, turn) => {
            // It is looked into when nothing can arrive any more, and not put off beyond that.
            if entry.late > now {
                due = due.min(entry.late.max(now.saturating_add(SOON_MS)));
            }
            Some((call, Question::Count { turn }))
        }
    };
    entry.tries += 1;
    book::save(rows, &entry, due, now)?;
    Ok(asked.map(|(call, question)| Job { call, visit: entry.visit, question }))
}

/// How long until the next look, after so many.
fn wait(tries: u32) -> u64 {
    SOON_MS.saturating_mul(1 << tries.min(20)).min(LATE_MS)
}

/// Takes what came of a job.
///
/// # Errors
/// Where the storage fails.
pub fn told(
    rows: &mut impl Rows,
    job: &Job,
    told: Told,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    // Its visit may have closed it meanwhile.
    let Some(mut entry) = book::entry(rows, &job.visit)?.filter(|entry| !entry.stands.is_final()) else {
        return Ok(());
    };
    if job.question == Question::Before {
        let held = if let Told::Answered(answer) = &told { account::held(&entry, answer) } else { None };
        return account::begins(rows, &entry, held, now);
    }
    let Told::Answered(answer) = told else { return Ok(()) };
    match job.question {
        Question::Settle => match refusal::settled(x402::receipt(&answer), &entry.network) {
            Settled::Paid(receipt) => {
                entry.receipt = Some(receipt.to_value());
                entry.why = None;
                end(rows, entry, Stands::Settled, now, log)
            }
            Settled::Refused { refusal, .. } if entry.nonce.is_some() => match refusal.code == refusal::SPENT
            {
                true => burned(rows, entry, now, log),
                // It may be a no because the first did arrive.
                false => Ok(()),
            },
            Settled::Refused { receipt, refusal, .. } if refusal.code != refusal::BURN_FAILED => {
                entry.receipt = Some(receipt.to_value());
                entry.why = Some(refusal.code);
                end(rows, entry, Stands::Refused, now, log)
            }
            // Certainly not done this time either.
            Settled::Refused { refusal: Refusal { code: why, .. }, .. } | Settled::NotTried(why)
                if entry.nonce.is_none() =>
            {
                let look = now.saturating_add(wait(entry.tries));
                book::owed(rows, entry, &why, look, now)
            }
            Settled::Refused { .. } | Settled::NotTried(_) | Settled::Unknown(_) => Ok(()),
        },
        Question::Spent => match refusal::verdict(x402::verified(&answer)) {
            Verdict::Valid(_) => {
                entry.why.get_or_insert_with(|| "isolate_lost".into());
                if let Some(id) = entry.nonce.take() {
                    book::let_go(rows, &entry.visit, &id)?;
                }
                end(rows, entry, Stands::Released, now, log)
            }
            Verdict::Refused(refusal) if refusal.code == refusal::SPENT => burned(rows, entry, now, log),
            // Not valid for another reason: it may be so because it was burned.
            Verdict::Refused(_) | Verdict::Unavailable(_) => Ok(()),
        },
        Question::Before => Ok(()),
        Question::Plan => {
            account::plan(rows, &entry, &answer, now)?;
            book::save(rows, &entry, now, now)
        }
        Question::Count { turn } => {
            let Some(held) = account::held(&entry, &answer) else { return Ok(()) };
            match account::told(rows, &entry, turn, held, now)? {
                account::Told::NotYet => Ok(()),
                account::Told::Once => book::save(rows, &entry, now.saturating_add(SOON_MS), now),
                account::Told::Disagrees if entry.tries < DISAGREEMENTS => Ok(()),
                account::Told::Disagrees => {
                    entry.why = Some("balance_disagrees".into());
                    end(rows, entry, Stands::Unresolved, now, log)
                }
                account::Told::Counted(known) => {
                    counted(rows, known, now, log)?;
                    account::counted(rows, &entry, held, now)
                }
            }
        }
    }
}

/// Of the entries that are open so many were burned. Where it is some of several, which of them nobody knows, and nobody
/// need: they are of one payer and one amount. Those that were delivered come first: what was burned pays for them, and of
/// them no more are settled again than it leaves.
fn counted(
    rows: &mut impl Rows,
    known: Counted,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    let Counted { open, certain, .. } = known;
    let mut left = known.burned;
    let (delivered, others): (Vec<_>, Vec<_>) = open.into_iter().partition(|entry| entry.delivered);
    for mut entry in delivered.into_iter().chain(others) {
        entry.why = Some("balance_counted".into());
        if left > 0 {
            left -= 1;
            burned(rows, entry, now, log)?;
        } else if !entry.delivered {
            end(rows, entry, Stands::Released, now, log)?;
        } else if certain && entry.again.is_some() && entry.rounds < ROUNDS {
            (entry.tries, entry.rounds) = (0, entry.rounds + 1);
            entry.stands = Stands::Owed;
            log(line("settlement_again", &entry, now));
            book::owed(rows, entry, "balance_counted", now, now)?;
        } else {
            end(rows, entry, Stands::Unpaid, now, log)?;
        }
    }
    Ok(())
}

/// The first settle did arrive: the token is spent, and nobody else had it.
fn burned(
    rows: &mut impl Rows,
    mut entry: Entry,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    let credits = entry.credits.parse().unwrap_or_default();
    entry.receipt = Some(Receipt::burned(credits, entry.payer.as_deref(), &entry.network).to_value());
    end(rows, entry, Stands::Settled, now, log)
}

fn end(
    rows: &mut impl Rows,
    mut entry: Entry,
    stands: Stands,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    entry.stands = stands;
    let line = line("settlement_reconciled", &entry, now);
    book::settle_down(rows, entry, now)?;
    log(line);
    Ok(())
}

fn line(event: &str, entry: &Entry, now: u64) -> String {
    json!({
        "event": event, "at": now, "stands": entry.stands, "visit": entry.visit, "route": entry.route,
        "plan": entry.plan, "network": entry.network, "credits": entry.credits, "payer": entry.payer,
        "requestId": entry.request_id, "token": entry.token, "delivered": entry.delivered, "why": entry.why,
        "rounds": entry.rounds,
    })
    .to_string()
}
