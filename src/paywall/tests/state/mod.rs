//! Rules 21 and 24: what must be true once, command by command, and what the reconciler makes of what is left.

mod claims;
mod journal;

use super::super::state::*;
use super::*;
use crate::wire::Secret;
use alloc::{boxed::Box, format, string::ToString};
use std::collections::BTreeMap;

/// Rows in a map.
#[derive(Default, Clone)]
pub(super) struct Map {
    rows: BTreeMap<(String, String), (u64, String, Option<u64>)>,
    made: u64,
}

impl Rows for Map {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        Ok(self.rows.get(&(kind.into(), id.into())).map(|(_, value, _)| value.clone()))
    }

    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        self.made += 1;
        let made = self.made;
        let row = self.rows.entry((kind.into(), id.into())).or_insert((made, String::new(), None));
        (row.1, row.2) = (value.into(), due);
        Ok(())
    }

    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.rows.remove(&(kind.into(), id.into()));
        Ok(())
    }

    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        let mut due: Vec<_> =
            self.rows.iter().filter(|(_, row)| row.2.is_some_and(|due| due <= now)).collect();
        due.sort_by_key(|(_, row)| row.2);
        Ok(due.into_iter().take(limit as usize).map(row).collect())
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.rows.values().filter_map(|row| row.2).min())
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        let made = |id: &str| self.rows.get(&(kind.into(), id.into())).map_or(0, |row| row.0);
        let after = after.map_or(0, made);
        let mut rows: Vec<_> =
            self.rows.iter().filter(|((known, _), row)| known == kind && row.0 > after).collect();
        rows.sort_by_key(|(_, row)| row.0);
        Ok(rows.into_iter().take(limit as usize).map(row).collect())
    }
}

fn row(((kind, id), (_, value, _)): (&(String, String), &(u64, String, Option<u64>))) -> Row {
    Row { kind: kind.clone(), id: id.clone(), value: value.clone() }
}

const LEASE: u64 = 10_000;

fn claim(nonce: &str) -> Option<Claim> {
    Some(Claim { nonce: nonce.into(), lease: LEASE })
}

fn admit(id: &str, nonce: &str) -> Command {
    Command::Admit {
        id: id.into(),
        rates: Vec::new(),
        claim: claim(nonce),
        allowance: None,
        open: None,
        entry: None,
    }
}

pub(super) fn entry(id: &str, stands: EntryStatus, nonce: Option<&str>) -> Entry {
    Entry {
        id: id.into(),
        status: stands,
        at: NOW,
        route: "POST /ask".into(),
        plan: "1001".into(),
        network: "eip155:84532".into(),
        payer: Some("0xb1".into()),
        request_id: Some("req-1".into()),
        token: "sha256:00".into(),
        nonce: nonce.map(Into::into),
        credits: "2".into(),
        settle_body: nonce.map(|_| Secret::new("{\"settle\":1}")),
        delivered: false,
        receipt: None,
        why: None,
        tries: 0,
        rounds: 0,
        settle_grace_ms: 0,
        in_flight_until: 0,
        sent: stands != EntryStatus::Delivering,
        open: false,
        token_expires_at: None,
        copied_to_seller: false,
    }
}

pub(super) fn write(id: &str, stands: EntryStatus, nonce: Option<&str>) -> Command {
    Command::Write { entry: Box::new(entry(id, stands, nonce)), lease: LEASE }
}

pub(super) fn close(id: &str, end: SettlementOutcome) -> Command {
    Command::Close { id: id.into(), end, after: 1_000, round: 0 }
}

pub(super) fn settled() -> SettlementOutcome {
    SettlementOutcome::Settled { receipt: json!({ "success": true, "creditsRedeemed": "2" }) }
}

pub(super) fn released() -> SettlementOutcome {
    SettlementOutcome::Released { why: "x".into() }
}

pub(super) fn refused(spent: bool) -> SettlementOutcome {
    SettlementOutcome::Refused { receipt: json!({ "success": false }), spent, delivered: false }
}

const GO: Reply = Reply::Admitted { free: false };

fn stands(rows: &Map, id: &str) -> Option<Entry> {
    serde_json::from_str(&rows.get("entry", id).unwrap()?).unwrap()
}

/// The next call of the platform that is due, if there is one; the seller's book hears at once what it is told.
pub(super) fn next(rows: &mut Map, now: u64, log: &mut Vec<String>) -> Option<(Job, api::Request)> {
    loop {
        let job = due(rows, now, &mut |line| log.push(line)).unwrap()?;
        match &job.task {
            Task::Call(call) => {
                let call = call.clone();
                return Some((job, call));
            }
            Task::Tell(_) => {
                on_response(rows, &job, PlatformResponse::Heard, now, &mut |line| log.push(line)).unwrap()
            }
        }
    }
}

/// The facilitator's response to the reconciler.
fn answered_by_facilitator(status: u16, body: Value) -> PlatformResponse {
    PlatformResponse::Answered(api::Response { status, body: body.to_string(), correlation_id: None })
}
