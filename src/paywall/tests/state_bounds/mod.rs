//! Rules 19, 21 and 24: the bounds of the state, each at its last moment on either side, and the order of what it is told.

mod open_deliveries;
mod settlements;

use super::super::state::*;
use super::state::Map;
use super::*;
use crate::wire::Secret;
use alloc::{boxed::Box, string::ToString};

const LEASE: u64 = 10_000;
const DAY: u64 = 86_400_000;
const PLAN: &str = "1001";

/// An entry of plan 1001; a nonce makes its token single-use.
fn entry(id: &str, status: EntryStatus, nonce: Option<&str>) -> Entry {
    Entry {
        id: id.into(),
        status,
        at: NOW,
        route: "POST /ask".into(),
        plan: PLAN.into(),
        network: "eip155:84532".into(),
        payer: Some("0xb1".into()),
        request_id: None,
        token: "sha256:00".into(),
        nonce: nonce.map(Into::into),
        credits: "2".into(),
        settle_body: Some(Secret::new("{\"settle\":1}")),
        delivered: false,
        receipt: None,
        why: None,
        tries: 0,
        rounds: 0,
        settle_grace_ms: 30_000,
        in_flight_until: 0,
        sent: status != EntryStatus::Delivering,
        open: false,
        token_expires_at: None,
        copied_to_seller: false,
    }
}

fn owed(id: &str) -> Entry {
    Entry { open: true, delivered: true, ..entry(id, EntryStatus::Owed, None) }
}

fn put(rows: &mut Map, entry: Entry, now: u64) -> Reply {
    apply(rows, &Command::Write { entry: Box::new(entry), lease: LEASE }, now).unwrap()
}

fn close(rows: &mut Map, id: &str, end: SettlementOutcome, now: u64) -> Reply {
    let command = Command::Close { id: id.into(), end, after: 1_000, round: 0 };
    apply(rows, &command, now).unwrap()
}

fn found(rows: &Map, id: &str) -> Option<Entry> {
    rows.get("entry", id).unwrap().map(|text| serde_json::from_str(&text).unwrap())
}

/// A request that wants one of `most` open deliveries, and what an allowance pays for where one is given.
fn open(rows: &mut Map, id: &str, most: u32, allowance: Option<&Allowance>, now: u64) -> Reply {
    let open = OpenDelivery { plan: PLAN.into(), most, lease: LEASE, settle_lease: 20_000 };
    let command = Command::Admit {
        id: id.into(),
        rates: Vec::new(),
        claim: None,
        allowance: allowance.cloned(),
        open: Some(open),
        entry: None,
    };
    apply(rows, &command, now).unwrap()
}

const GO: Reply = Reply::Admitted { free: false };
const FREE: Reply = Reply::Admitted { free: true };

fn unknown(delivered: bool) -> SettlementOutcome {
    SettlementOutcome::Unknown { why: "late".into(), delivered }
}

fn yes() -> SettlementOutcome {
    SettlementOutcome::Settled { receipt: json!({ "success": true }) }
}

fn no(spent: bool) -> SettlementOutcome {
    SettlementOutcome::Refused { receipt: json!({ "success": false }), spent, delivered: false }
}

/// When the reconciler asks about an entry to which nobody answers, in milliseconds after NOW, and the entry's end.
fn asked(mut rows: Map, answer: &PlatformResponse) -> (Vec<u64>, EntryStatus) {
    let mut times = Vec::new();
    while !found(&rows, "v").unwrap().status.is_final() {
        let now = rows.next_due().unwrap().unwrap();
        if let Some((job, _)) = super::state::next(&mut rows, now, &mut Vec::new()) {
            times.push(now - NOW);
            on_response(&mut rows, &job, answer.clone(), now, &mut |_| ()).unwrap();
        }
        assert!(times.len() < 100, "{times:?}");
    }
    (times, found(&rows, "v").unwrap().status)
}
