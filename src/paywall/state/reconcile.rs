use super::account::{self, Ask};
use super::book::{self, ENTRY, SOON_MS};
use super::{Command, Entry, Rows, RowsError, Stands};
use crate::api::{self, x402};
use crate::paywall::refusal::{self, Settled, Verdict};
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
}

/// How often an entry is looked into before it is the seller's.
const TRIES: u32 = 24;
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
    let Some(again) = entry.again.clone() else { return count(rows, entry, now, log) };
    if entry.tries >= TRIES {
        end(rows, entry, Stands::Unresolved, now, log)?;
        return Ok(None);
    }
    let (question, path) = match entry.stands {
        Stands::Unknown | Stands::Owed => (Question::Settle, "/api/v1/x402/settle"),
        _ if entry.delivered => (Question::Settle, "/api/v1/x402/settle"),
        // Whether its answer was delivered is not known, so it is not settled now: only looked into.
        _ => (Question::Spent, "/api/v1/x402/verify"),
    };
    let wait = wait(entry.tries);
    entry.tries += 1;
    if entry.stands == Stands::Owed {
        entry.stands = Stands::Unknown;
        // Of a token that can be used again this is the one settle there will be: until its answer is here, nobody knows.
        entry.again = entry.again.filter(|_| entry.nonce.is_some());
    }
    let visit = entry.visit.clone();
    book::save(rows, &entry, now.saturating_add(wait))?;
    Ok(Some(Job { call: api::Request::post(path, Some(again)), visit, question }))
}

/// A token that can be used again is never settled a second time. What became of the first the payer's balance may tell.
fn count(
    rows: &mut impl Rows,
    mut entry: Entry,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<Option<Job>, RowsError> {
    entry.why.get_or_insert_with(|| "isolate_lost".into());
    entry.stands = Stands::Unknown;
    let ask = if entry.tries < TRIES { account::ask(rows, &entry)? } else { Ask::Never };
    if let Ask::Never = ask {
        end(rows, entry, Stands::Unresolved, now, log)?;
        return Ok(None);
    }
    let due = now.saturating_add(wait(entry.tries));
    entry.tries += 1;
    book::save(rows, &entry, due)?;
    let Ask::Now(call, turn) = ask else { return Ok(None) };
    Ok(Some(Job { call, visit: entry.visit, question: Question::Count { turn } }))
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
                end(rows, entry, Stands::Settled, now, log)
            }
            Settled::Refused { refusal, .. } if refusal.code == refusal::SPENT => {
                burned(rows, entry, now, log)
            }
            // With a single-use token it may be a no because the first did arrive.
            Settled::Refused { .. } if entry.nonce.is_some() => Ok(()),
            Settled::Refused { receipt, refusal, .. } => {
                entry.receipt = Some(receipt.to_value());
                entry.why = Some(refusal.code);
                end(rows, entry, Stands::Refused, now, log)
            }
            // Certainly not done this time either. Whether it was done before is as it was.
            Settled::NotTried(why) if entry.nonce.is_none() => {
                let again = job.call.body.clone().unwrap_or_default();
                let wait = wait(entry.tries);
                book::owed(rows, entry, why, again, now.saturating_add(wait))
            }
            Settled::NotTried(_) | Settled::Unknown(_) => Ok(()),
        },
        Question::Spent => match refusal::verdict(x402::verified(&answer)) {
            Verdict::Valid(_) => {
                entry.why = Some("isolate_lost".into());
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
        Question::Count { turn } => {
            let Some(held) = account::held(&entry, &answer) else { return Ok(()) };
            match account::told(rows, &entry, turn, held, now)? {
                account::Told::NotYet => Ok(()),
                account::Told::Disagrees if entry.tries < DISAGREEMENTS => Ok(()),
                account::Told::Disagrees => {
                    entry.why = Some("balance_disagrees".into());
                    end(rows, entry, Stands::Unresolved, now, log)
                }
                account::Told::Burned(open, count) => counted(rows, open, count, now, log),
            }
        }
    }
}

/// Of these entries so many were burned. Where it is some of several, which of them nobody knows, and nobody need: they
/// are of one payer and one amount.
fn counted(
    rows: &mut impl Rows,
    open: Vec<Entry>,
    count: usize,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    for (index, mut entry) in open.into_iter().enumerate() {
        entry.why = Some("balance_counted".into());
        if index < count {
            burned(rows, entry, now, log)?;
        } else {
            let stands = if entry.delivered { Stands::Unpaid } else { Stands::Released };
            end(rows, entry, stands, now, log)?;
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
    let line = json!({
        "event": "settlement_reconciled", "at": now, "stands": stands, "visit": entry.visit, "route": entry.route,
        "plan": entry.plan, "network": entry.network, "credits": entry.credits, "payer": entry.payer,
        "requestId": entry.request_id, "token": entry.token, "delivered": entry.delivered, "why": entry.why,
    });
    book::settle_down(rows, entry, now)?;
    log(line.to_string());
    Ok(())
}
