use super::claims;
use super::filing::{self, FILE, SOON_MS};
use super::journal;
use super::json::JsonForm as _;
use super::open_delivery_limit;
use super::records::{self, ENTRY};
use super::shard;
use super::{Command, Entry, EntryStatus, Rows, RowsError, SettlementOutcome, StateCall};
use crate::api::{self, x402};
use crate::codec;
use crate::codec::text::number;
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::{SettleResult, VerifyResult};
use crate::wire::{Receipt, digits};
use alloc::{boxed::Box, string::String};

/// Something to be done about an entry.
#[derive(Debug)]
pub struct Job {
    /// The thing to do.
    pub task: Task,
    id: String,
    round: u32,
    question: Question,
    /// The route of an answer whose isolate was lost, when it is copied into the seller's book for the first time.
    pub(crate) lapsed: Option<String>,
}

/// The thing to do.
#[derive(Debug)]
pub enum Task {
    /// Send this to the facilitator with the seller's key, within the timeout.
    Call(api::Request),
    /// Send this to the object of that name.
    Tell(StateCall),
}

/// The response to a task.
#[derive(Debug, Clone)]
pub enum PlatformResponse {
    /// The facilitator's answer.
    Answered(api::Response),
    /// The other object heard it.
    Heard,
    /// None, or not in full.
    Unanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Is this single-use token spent? Verify spends nothing.
    Spent,
    /// Settle what was delivered: a single-use token is burned for once, whoever asks how often, and of any other it is
    /// certain that it was not burned.
    Settle,
    /// Copy an entry with this status into the seller's book.
    File(EntryStatus),
}

/// How often an entry is looked into, or settled if it is owed, before it is left to the seller.
const TRIES: u32 = 24;
/// The longest time until the next look, in milliseconds.
const LATE_MS: u64 = 3_600_000;
/// How many rows are looked at between two questions.
const BATCH: u32 = 64;
/// The reason that earlier versions wrote if the payer's balance showed that nothing was burned. It is not relied on any more.
const BY_BALANCE: &str = "balance_counted";

/// Works on the rows that are due: removes what has run out, gives up what cannot be known, and returns the next job, if there is one.
/// A line for the log goes to `log` for each entry that came to its end. `now` is in milliseconds since 1970.
///
/// # Errors
/// The storage fails.
pub fn due(rows: &mut impl Rows, now: u64, log: &mut impl FnMut(String)) -> Result<Option<Job>, RowsError> {
    loop {
        let batch = rows.due(now, BATCH)?;
        if batch.is_empty() {
            return Ok(None);
        }
        for row in batch {
            let job = match row.kind.as_str() {
                FILE => file(rows, &row.id, &row.value, now, log)?,
                ENTRY => {
                    let entry: Entry = records::read(&row.value)?;
                    if entry.status.is_final() {
                        rows.remove(ENTRY, &row.id)?;
                        None
                    } else {
                        look(rows, entry, now, log)?
                    }
                }
                _ => {
                    rows.remove(&row.kind, &row.id)?;
                    None
                }
            };
            if job.is_some() {
                return Ok(job);
            }
        }
    }
}

/// Copies an entry into the seller's book.
fn file(
    rows: &mut impl Rows,
    id: &str,
    tries: &str,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<Option<Job>, RowsError> {
    let Some(mut entry) = records::entry(rows, id)? else {
        rows.remove(FILE, id)?;
        return Ok(None);
    };
    let tries: u32 = number(tries).unwrap_or_default();
    // It is sent again later, unless the book answers.
    rows.put(FILE, id, &digits(u64::from(tries) + 1), Some(now.saturating_add(wait(tries))))?;
    let mut lapsed = None;
    if tries == 0 && entry.status == EntryStatus::Unresolved {
        log(line("settlement_unresolved", &entry, now));
        lapsed = Some(entry.route.clone()).filter(|_| entry.why.as_deref() == Some(LOST));
    }
    entry.settle_body = None;
    let (id, round, question) = (id.into(), entry.rounds, Question::File(entry.status));
    let command = Command::File { entry: Box::new(entry) };
    let task = Task::Tell(StateCall { shard: shard::book(), command });
    Ok(Some(Job { task, id, round, question, lapsed }))
}

/// The reason of an entry whose isolate was lost.
const LOST: &str = "isolate_lost";

fn look(
    rows: &mut impl Rows,
    mut entry: Entry,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<Option<Job>, RowsError> {
    let tired = entry.tries >= TRIES || entry.settle_body.is_none();
    let wait = wait(entry.tries);
    if entry.status == EntryStatus::Owed && entry.why.as_deref() != Some(BY_BALANCE) {
        let ended = entry.token_expires_at.is_some_and(|ends| ends <= now);
        // One that was refused waited for its payer until now.
        if tired || ended || entry.receipt.is_some() {
            end(rows, entry, EntryStatus::Unpaid, now, log)?;
            return Ok(None);
        }
        entry.tries += 1;
        let until = now.saturating_add(entry.settle_grace_ms);
        open_delivery_limit::begin_again(rows, &mut entry, until, now)?;
        return Ok(Some(ask(entry, Question::Settle)));
    }
    if entry.status != EntryStatus::Unknown && entry.status != EntryStatus::Owed {
        entry.status = EntryStatus::Unknown;
        entry.why = Some(LOST.into());
        entry.in_flight_until = now.saturating_add(entry.settle_grace_ms);
    }
    // Nobody can say of a reusable token whether it was burned, nor how much arrived of an answer that was going out.
    if entry.nonce.is_none() || !entry.sent || tired {
        end(rows, entry, EntryStatus::Unresolved, now, log)?;
        return Ok(None);
    }
    let question = match entry.delivered {
        true => Question::Settle,
        // Not delivered, as far as is known, so it is not settled now: only looked into, when nothing can arrive any more.
        false if entry.in_flight_until > now => {
            let late = entry.in_flight_until;
            filing::save(rows, &mut entry, late, now)?;
            return Ok(None);
        }
        false => Question::Spent,
    };
    entry.tries += 1;
    filing::save(rows, &mut entry, now.saturating_add(wait), now)?;
    Ok(Some(ask(entry, question)))
}

fn ask(entry: Entry, question: Question) -> Job {
    let path = if question == Question::Spent { "/api/v1/x402/verify" } else { "/api/v1/x402/settle" };
    let body = entry.settle_body.as_ref().map(|again| again.expose().into());
    let call = api::Request::post(path, body);
    Job { task: Task::Call(call), id: entry.id, round: entry.rounds, question, lapsed: None }
}

/// How long until the next look, after so many.
fn wait(tries: u32) -> u64 {
    SOON_MS.saturating_mul(1 << tries.min(20)).min(LATE_MS)
}

/// Takes the response to a job. `now` is in milliseconds since 1970.
///
/// # Errors
/// The storage fails.
pub fn on_response(
    rows: &mut impl Rows,
    job: &Job,
    response: PlatformResponse,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    let Some(mut entry) = records::entry(rows, &job.id)?.filter(|entry| entry.rounds == job.round) else {
        return Ok(());
    };
    if let Question::File(status) = job.question {
        // It is copied again if it changed meanwhile.
        if matches!(response, PlatformResponse::Heard) && entry.status == status {
            rows.remove(FILE, &job.id)?;
        }
        return Ok(());
    }
    let answer = if let PlatformResponse::Answered(answer) = response { Some(answer) } else { None };
    match (job.question, entry.status) {
        // The entry was owed: if this round did not burn the credits, they are certainly not burned.
        (Question::Settle, EntryStatus::Settling) => {
            let settled = answer.map_or_else(
                || SettleResult::Unknown("facilitator_unreachable".into()),
                |answer| result::settled(x402::receipt(&answer), &entry.network),
            );
            let Some(end) = debt_end(&entry, settled) else { return Ok(()) };
            let look = now.saturating_add(wait(entry.tries));
            journal::close(rows, entry, &end, job.round, now, look)?;
            if let Some(entry) = records::entry(rows, &job.id)?
                .filter(|entry| entry.status.is_final() && entry.status != EntryStatus::Unresolved)
            {
                log(line("settlement_reconciled", &entry, now));
            }
            Ok(())
        }
        (Question::Settle, EntryStatus::Unknown) => match answer.map(|answer| x402::receipt(&answer)) {
            None => Ok(()),
            Some(answer) => match result::settled(answer, &entry.network) {
                SettleResult::Paid(receipt) => {
                    entry.receipt = Some(receipt.to_value());
                    entry.why = None;
                    end(rows, entry, EntryStatus::Settled, now, log)
                }
                SettleResult::Refused { refusal, .. } if refusal.code == result::SPENT => {
                    burned(rows, entry, now, log)
                }
                // It may be a no because the first did arrive.
                SettleResult::Refused { .. } | SettleResult::NotTried(_) | SettleResult::Unknown(_) => Ok(()),
            },
        },
        (Question::Spent, EntryStatus::Unknown) => match answer.map(|answer| x402::verified(&answer)) {
            None => Ok(()),
            Some(answer) => match result::verdict(answer) {
                VerifyResult::Valid(_) => {
                    if let Some(nonce) = entry.nonce.take() {
                        claims::release(rows, &entry.id, &nonce)?;
                    }
                    end(rows, entry, EntryStatus::Released, now, log)
                }
                VerifyResult::Refused(refusal) if refusal.code == result::SPENT => {
                    burned(rows, entry, now, log)
                }
                // Not valid for another reason: it may be so because it was burned.
                VerifyResult::Refused(_) | VerifyResult::Unavailable(_) => Ok(()),
            },
        },
        // Its request closed it meanwhile.
        _ => Ok(()),
    }
}

/// The outcome of a settle for an answer that was delivered and is owed; `None` if the body of the settle is gone.
pub(crate) fn debt_end(entry: &Entry, settled: SettleResult) -> Option<SettlementOutcome> {
    let again = entry.settle_body.clone()?;
    Some(match settled {
        SettleResult::Paid(receipt) => SettlementOutcome::Settled { receipt: receipt.to_value() },
        SettleResult::Unknown(why) => SettlementOutcome::Unknown { why, delivered: true },
        SettleResult::NotTried(why) => SettlementOutcome::Owed { why, again, receipt: None },
        SettleResult::Refused { refusal, .. } if refusal.code == result::SPENT && entry.nonce.is_some() => {
            SettlementOutcome::Settled { receipt: burned_receipt(entry).to_value() }
        }
        SettleResult::Refused { refusal, .. } if refusal.code == result::BURN_FAILED => {
            SettlementOutcome::Owed { why: refusal.code, again, receipt: None }
        }
        SettleResult::Refused { receipt, refusal, .. } if refusal.ends_token() || !entry.open => {
            let spent = refusal.code == result::SPENT;
            SettlementOutcome::Refused { receipt: receipt.to_value(), spent, delivered: true }
        }
        SettleResult::Refused { receipt, refusal, .. } => {
            SettlementOutcome::Owed { why: refusal.code, again, receipt: Some(receipt.to_value()) }
        }
    })
}

/// The first settle did arrive: the token is spent, and nobody else had it.
fn burned(
    rows: &mut impl Rows,
    mut entry: Entry,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    entry.receipt = Some(burned_receipt(&entry).to_value());
    end(rows, entry, EntryStatus::Settled, now, log)
}

fn burned_receipt(entry: &Entry) -> Receipt {
    Receipt::burned(entry.credits.parse().unwrap_or_default(), entry.payer.as_deref(), &entry.network)
}

fn end(
    rows: &mut impl Rows,
    mut entry: Entry,
    status: EntryStatus,
    now: u64,
    log: &mut impl FnMut(String),
) -> Result<(), RowsError> {
    entry.status = status;
    let line = line("settlement_reconciled", &entry, now);
    filing::settle_down(rows, entry, now)?;
    // The line of an unresolved entry is written when it is copied into the seller's book.
    if status != EntryStatus::Unresolved {
        log(line);
    }
    Ok(())
}

fn line(event: &str, entry: &Entry, now: u64) -> String {
    codec::print(&codec::object(Vec::from([
        ("event", event.into()),
        ("at", now.into()),
        ("status", entry.status.to_json()),
        ("id", entry.id.as_str().into()),
        ("route", entry.route.as_str().into()),
        ("plan", entry.plan.as_str().into()),
        ("network", entry.network.as_str().into()),
        ("credits", entry.credits.as_str().into()),
        ("payer", entry.payer.as_deref().into()),
        ("requestId", entry.request_id.as_deref().into()),
        ("token", entry.token.as_str().into()),
        ("delivered", entry.delivered.into()),
        ("sent", entry.sent.into()),
        ("why", entry.why.as_deref().into()),
        ("rounds", entry.rounds.into()),
    ])))
}
