//! Rules 21 and 24: what must be true once, command by command, and what the reconciler makes of what is left.

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
    Command::Admit { id: id.into(), rates: Vec::new(), claim: claim(nonce), allowance: None, open: None }
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

#[test]
fn rule_24_a_single_use_token_serves_one_request() {
    let release =
        |id: &str| Command::Release { id: id.into(), claim: claim("n"), allowance: None, open: None };
    // Commands, each at a time after NOW, and the replies.
    type Steps = Vec<(u64, Command, Reply)>;
    let table: [(&str, Steps); 13] = [
        ("the second is refused", Vec::from([(0, admit("a", "n"), GO), (0, admit("b", "n"), Reply::Used)])),
        ("another token is another", Vec::from([(0, admit("a", "n"), GO), (0, admit("b", "m"), GO)])),
        ("the same request may ask twice", Vec::from([(0, admit("a", "n"), GO), (0, admit("a", "n"), GO)])),
        (
            "what is given back is free",
            Vec::from([(0, admit("a", "n"), GO), (1, release("a"), Reply::Done), (2, admit("b", "n"), GO)]),
        ),
        (
            "nobody gives back another's",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, release("b"), Reply::Done),
                (2, admit("b", "n"), Reply::Used),
            ]),
        ),
        (
            "a claim whose isolate died runs out",
            Vec::from([
                (0, admit("a", "n"), GO),
                (LEASE - 1, admit("b", "n"), Reply::Used),
                (LEASE, admit("b", "n"), GO),
            ]),
        ),
        (
            "who comes back after that is not let settle",
            Vec::from([
                (0, admit("a", "n"), GO),
                (LEASE, admit("b", "n"), GO),
                (LEASE + 1, write("a", EntryStatus::Settling, Some("n")), Reply::Lost),
                (LEASE + 1, write("b", EntryStatus::Settling, Some("n")), Reply::Done),
            ]),
        ),
        (
            "once it is being settled it does not run out",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, write("a", EntryStatus::Settling, Some("n")), Reply::Done),
                (LEASE * 10, admit("b", "n"), Reply::Used),
                (LEASE * 10, close("a", settled()), Reply::Done),
                (LEASE * 20, admit("b", "n"), Reply::Used),
            ]),
        ),
        (
            "what was not tried is free again",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, write("a", EntryStatus::Settling, Some("n")), Reply::Done),
                (2, close("a", released()), Reply::Done),
                (3, admit("b", "n"), GO),
            ]),
        ),
        (
            "what is given back by a request that did not hear of its entry is free again, and its entry has ended",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, write("a", EntryStatus::Settling, Some("n")), Reply::Done),
                (2, release("a"), Reply::Done),
                (3, admit("b", "n"), GO),
                (4, write("b", EntryStatus::Settling, Some("n")), Reply::Done),
                (5, close("b", settled()), Reply::Done),
            ]),
        ),
        (
            "what the reconciler has is not given back",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, write("a", EntryStatus::Settling, Some("n")), Reply::Done),
                (
                    2,
                    close("a", SettlementOutcome::Unknown { why: "x".into(), delivered: false }),
                    Reply::Done,
                ),
                (3, release("a"), Reply::Done),
                (4, admit("b", "n"), Reply::Used),
            ]),
        ),
        (
            "what was refused is free again, unless for being spent",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, write("a", EntryStatus::Settling, Some("n")), Reply::Done),
                (2, close("a", refused(false)), Reply::Done),
                (3, admit("b", "n"), GO),
                (4, write("b", EntryStatus::Settling, Some("n")), Reply::Done),
                (5, close("b", refused(true)), Reply::Done),
                (6, admit("c", "n"), Reply::Used),
            ]),
        ),
        (
            "what was free of charge bought its answer too",
            Vec::from([
                (0, admit("a", "n"), GO),
                (1, write("a", EntryStatus::Settled, Some("n")), Reply::Done),
                (2, admit("b", "n"), Reply::Used),
            ]),
        ),
    ];
    for (name, steps) in table {
        let mut rows = Map::default();
        for (index, (after, command, reply)) in steps.into_iter().enumerate() {
            assert_eq!(apply(&mut rows, &command, NOW + after).unwrap(), reply, "{name}, step {index}");
        }
    }
}

#[test]
fn rule_24_an_entry_that_its_request_gave_up_is_never_taken_for_the_settlement_of_another() {
    for status in [EntryStatus::Settling, EntryStatus::Delivering] {
        let mut rows = Map::default();
        let mut step = |command: &Command| apply(&mut rows, command, NOW).unwrap();
        assert_eq!(step(&admit("a", "n")), GO);
        assert_eq!(step(&write("a", status, Some("n"))), Reply::Done);
        let release = Command::Release { id: "a".into(), claim: claim("n"), allowance: None, open: None };
        // It may come twice.
        assert_eq!((step(&release), step(&release)), (Reply::Done, Reply::Done));
        let found: Entry = serde_json::from_str(&rows.get("entry", "a").unwrap().unwrap()).unwrap();
        assert_eq!(
            (found.status, found.nonce, found.delivered),
            (EntryStatus::Released, None, false),
            "{status:?}"
        );
        assert_eq!(rows.get("nonce", "n").unwrap(), None);
    }
}

#[test]
fn rule_21_what_was_delivered_is_unresolved_where_the_reconciler_had_given_it_up() {
    for (delivered, status) in [(true, EntryStatus::Unresolved), (false, EntryStatus::Released)] {
        let mut rows = Map::default();
        let mut step = |command: &Command| apply(&mut rows, command, NOW).unwrap();
        step(&admit("a", "n"));
        step(&write("a", EntryStatus::Settling, Some("n")));
        step(&close("a", released()));
        let late = close("a", SettlementOutcome::Unknown { why: "x".into(), delivered });
        assert_eq!((step(&late), step(&late)), (Reply::Done, Reply::Done));
        let found: Entry = serde_json::from_str(&rows.get("entry", "a").unwrap().unwrap()).unwrap();
        assert_eq!((found.status, found.delivered), (status, delivered));
        assert_eq!(rows.get("file", "a").unwrap().is_some(), delivered, "the seller's book is told");
    }
}

#[test]
fn a_rate_is_kept_and_nothing_is_reserved_beyond_it() {
    let mut rows = Map::default();
    let ask = |rows: &mut Map, after: u64, id: u64| {
        let command = Command::Admit {
            id: id.to_string(),
            rates: Vec::from([Rate { name: "r".into(), requests: 3, seconds: 60 }]),
            claim: claim(&format!("n{id}")),
            allowance: None,
            open: None,
        };
        apply(rows, &command, NOW + after).unwrap()
    };
    for id in 0..3 {
        assert_eq!(ask(&mut rows, id, id), GO, "{id}");
    }
    assert_eq!(ask(&mut rows, 3, 3), Reply::Limited { retry_after: 20 });
    assert_eq!(rows.get("nonce", "n3").unwrap(), None);
    assert_eq!(ask(&mut rows, 19_000, 3), Reply::Limited { retry_after: 1 });
    assert_eq!(ask(&mut rows, 20_100, 3), GO);
    assert!(matches!(ask(&mut rows, 20_101, 4), Reply::Limited { .. }));
    // In an hour no more than the rate allows, however it is asked.
    let through =
        (0..3600).filter(|second| ask(&mut rows, 100_000 + second * 1000, 1000 + second) == GO).count();
    assert!((180..=183).contains(&through), "{through}");
}

#[test]
fn an_allowance_is_a_days_and_given_back_once() {
    const DAY: u64 = 86_400_000;
    let mut rows = Map::default();
    let allowance = Allowance { name: "r".into(), per_day: 2 };
    let take = |rows: &mut Map, now: u64, id: &str| {
        let command = Command::Admit {
            id: id.into(),
            rates: Vec::new(),
            claim: None,
            allowance: Some(allowance.clone()),
            open: None,
        };
        apply(rows, &command, now).unwrap() == Reply::Admitted { free: true }
    };
    let back = |rows: &mut Map, now: u64, id: &str| {
        let command =
            Command::Release { id: id.into(), claim: None, allowance: Some(allowance.clone()), open: None };
        apply(rows, &command, now).unwrap();
    };
    let day = NOW - NOW % DAY;
    assert_eq!(["a", "b", "b", "c"].map(|id| take(&mut rows, day, id)), [true, true, true, false]);
    back(&mut rows, day, "a");
    back(&mut rows, day, "a");
    back(&mut rows, day, "never");
    assert_eq!(["d", "e"].map(|id| take(&mut rows, day + 1, id)), [true, false]);
    assert_eq!(["f", "g", "h"].map(|id| take(&mut rows, day + DAY, id)), [true, true, false]);
    // A grant of yesterday is not given back today.
    back(&mut rows, day + DAY, "b");
    assert!(!take(&mut rows, day + DAY, "i"));
}

fn stands(rows: &Map, id: &str) -> Option<Entry> {
    serde_json::from_str(&rows.get("entry", id).unwrap()?).unwrap()
}

#[test]
fn rule_21_an_entry_of_the_journal_ends_as_it_was_reported() {
    use EntryStatus::{Abandoned, Delivering, Owed, Refused, Released, Settled, Settling, Unresolved};
    let unknown = || SettlementOutcome::Unknown { why: "facilitator_timeout".into(), delivered: true };
    let owed = || SettlementOutcome::Owed {
        why: "facilitator_busy".into(),
        again: Secret::new("{}"),
        receipt: None,
    };
    for (name, begins, ends, expected) in [
        ("settled", Settling, Vec::from([settled()]), Settled),
        ("refused", Settling, Vec::from([refused(false)]), Refused),
        ("not tried", Settling, Vec::from([released()]), Released),
        ("unknown, of a reusable token", Settling, Vec::from([unknown()]), Unresolved),
        ("the same reported late", Settling, Vec::from([unknown(), owed(), unknown()]), Unresolved),
        ("not known while it went out", Delivering, Vec::from([unknown()]), Unresolved),
        ("owed", Delivering, Vec::from([owed()]), Owed),
        ("reported twice", Settling, Vec::from([settled(), settled()]), Settled),
        ("a yes stands", Settling, Vec::from([settled(), unknown(), refused(true), released()]), Settled),
        ("a yes that comes late", Settling, Vec::from([unknown(), settled()]), Settled),
        ("unknown after a no", Settling, Vec::from([refused(false), unknown()]), Refused),
        ("not delivered after all", Delivering, Vec::from([released()]), Released),
        ("given up, and settled after all", Abandoned, Vec::from([settled()]), Settled),
    ] {
        let mut rows = Map::default();
        apply(&mut rows, &write("v", begins, None), NOW).unwrap();
        for end in ends {
            assert_eq!(apply(&mut rows, &close("v", end), NOW).unwrap(), Reply::Done, "{name}");
        }
        let entry = stands(&rows, "v").unwrap();
        assert_eq!(entry.status, expected, "{name}");
        assert_eq!(entry.settle_body.is_some(), entry.status == Owed, "{name}");
    }
    let mut rows = Map::default();
    assert_eq!(apply(&mut rows, &close("v", settled()), NOW).unwrap(), Reply::Nothing);
    assert_eq!(stands(&rows, "v"), None);
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

#[test]
fn rule_21_what_is_left_open_is_looked_into() {
    let spent = || answered_by_facilitator(402, json!({ "code": "BCK.X402.0059", "message": "used" }));
    let valid = || answered_by_facilitator(200, json!({ "isValid": true }));
    let yes = || {
        answered_by_facilitator(
            200,
            json!({ "success": true, "creditsRedeemed": "2", "transaction": "0x1", "network": "n" }),
        )
    };
    let busy = || answered_by_facilitator(429, json!({}));
    let poor = || answered_by_facilitator(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" }));
    let down = || answered_by_facilitator(500, json!({}));
    let silence = || PlatformResponse::Unanswered;
    const SETTLE: &str = "/api/v1/x402/settle";
    const VERIFY: &str = "/api/v1/x402/verify";
    // How it is left, whether its token is single-use, what is asked and answered, how it ends.
    use EntryStatus::{Delivering, Owed, Refused, Released, Settled, Settling, Unknown, Unresolved};
    type Asked = Vec<(&'static str, PlatformResponse)>;
    let table: Vec<(&str, EntryStatus, bool, Asked, EntryStatus)> = Vec::from([
        ("unknown, and not burned: settled now", Unknown, true, Vec::from([(SETTLE, yes())]), Settled),
        ("unknown, and burned", Unknown, true, Vec::from([(SETTLE, spent())]), Settled),
        (
            "unknown, asked until it is known",
            Unknown,
            true,
            Vec::from([
                (SETTLE, silence()),
                (SETTLE, down()),
                (SETTLE, busy()),
                (SETTLE, poor()),
                (SETTLE, spent()),
            ]),
            Settled,
        ),
        (
            "unknown, with a token that can be used again: never settled",
            Unknown,
            false,
            Vec::new(),
            Unresolved,
        ),
        ("the client was gone, and burned", Unknown, true, Vec::from([(VERIFY, spent())]), Settled),
        (
            "the client was gone, and not burned: not settled",
            Unknown,
            true,
            Vec::from([(VERIFY, valid())]),
            Released,
        ),
        ("died at it, and burned", Settling, true, Vec::from([(VERIFY, spent())]), Settled),
        ("died at it, and not burned: not settled", Settling, true, Vec::from([(VERIFY, valid())]), Released),
        (
            "died at it, and nobody says",
            Settling,
            true,
            Vec::from([(VERIFY, silence()), (VERIFY, down()), (VERIFY, valid())]),
            Released,
        ),
        ("died at it, with a token that can be used again", Settling, false, Vec::new(), Unresolved),
        ("died while it delivered: nothing was sent", Delivering, false, Vec::new(), Unresolved),
        ("the same with a single-use token", Delivering, true, Vec::new(), Unresolved),
        ("owed", Owed, false, Vec::from([(SETTLE, yes())]), Settled),
        ("owed, and refused", Owed, false, Vec::from([(SETTLE, poor())]), Refused),
        (
            "owed, and still busy",
            Owed,
            false,
            Vec::from([(SETTLE, busy()), (SETTLE, busy()), (SETTLE, yes())]),
            Settled,
        ),
        (
            "owed, and then not answered: not sent again",
            Owed,
            false,
            Vec::from([(SETTLE, silence())]),
            Unresolved,
        ),
        (
            "owed by a single-use token, and then not answered: sent again",
            Owed,
            true,
            Vec::from([(SETTLE, silence()), (SETTLE, spent())]),
            Settled,
        ),
    ]);
    for (name, left, once, asked, expected) in table {
        let mut rows = Map::default();
        let mut before = entry("v", left, Some("n").filter(|_| once));
        before.delivered = matches!(left, Owed | Unknown) && !name.contains("gone");
        if left == Owed {
            before.settle_body = Some(Secret::new("{\"settle\":1}"));
        }
        apply(&mut rows, &Command::Write { entry: Box::new(before), lease: LEASE }, NOW).unwrap();
        let mut log = Vec::new();
        let mut now = NOW;
        let mut asked = asked.into_iter();
        for _ in 0..64 {
            assert!(next(&mut rows, now, &mut log).is_none(), "{name}: before its time");
            if stands(&rows, "v").unwrap().status.is_final() {
                break;
            }
            now = rows.next_due().unwrap().unwrap();
            let Some((job, call)) = next(&mut rows, now, &mut log) else { continue };
            let (path, answer) = asked.next().unwrap_or_else(|| panic!("{name}: asked once too often"));
            assert_eq!(call.path, path, "{name}");
            assert_eq!(call.body.as_deref(), Some("{\"settle\":1}"), "{name}");
            on_response(&mut rows, &job, answer, now, &mut |line| log.push(line)).unwrap();
        }
        assert!(asked.next().is_none(), "{name}: asked too little");
        let entry = stands(&rows, "v").unwrap();
        assert_eq!((entry.status, entry.settle_body), (expected, None), "{name}");
        assert_eq!(log.len(), 1, "{name}: {log:?}");
        let receipt = entry.receipt.unwrap_or_default();
        assert_eq!(receipt["success"] == true, expected == Settled, "{name}");
        assert!(expected != Settled || receipt["creditsRedeemed"] == "2", "{name}");
        // The token is used, unless nothing was burned.
        let used = apply(&mut rows, &admit("w", "n"), now).unwrap() == Reply::Used;
        assert_eq!(used, once && expected != Released, "{name}");
    }
}

#[test]
fn rule_22_a_token_whose_client_was_gone_is_not_let_go_while_its_settle_may_be_late() {
    let mut rows = Map::default();
    let mut before = entry("v", EntryStatus::Settling, Some("n"));
    before.settle_grace_ms = 30_000;
    apply(&mut rows, &Command::Write { entry: Box::new(before), lease: LEASE }, NOW).unwrap();
    let gone = SettlementOutcome::Unknown { why: "facilitator_timeout".into(), delivered: false };
    apply(&mut rows, &close("v", gone), NOW).unwrap();
    assert!(due(&mut rows, NOW + 1_000, &mut |_| ()).unwrap().is_none());
    assert_eq!(rows.next_due().unwrap(), Some(NOW + 30_000));
    let (job, call) = next(&mut rows, NOW + 30_000, &mut Vec::new()).unwrap();
    assert_eq!(call.path, "/api/v1/x402/verify");
    assert_eq!(apply(&mut rows, &admit("w", "n"), NOW + 30_000).unwrap(), Reply::Used);
    on_response(
        &mut rows,
        &job,
        answered_by_facilitator(200, json!({ "isValid": true })),
        NOW + 30_000,
        &mut |_| (),
    )
    .unwrap();
    let entry = stands(&rows, "v").unwrap();
    assert_eq!((entry.status, entry.why.as_deref()), (EntryStatus::Released, Some("facilitator_timeout")));
    assert_eq!(apply(&mut rows, &admit("w", "n"), NOW + 30_000).unwrap(), GO);
}

#[test]
fn what_is_known_is_kept_a_while_and_then_swept() {
    let mut rows = Map::default();
    apply(&mut rows, &admit("a", "n"), NOW).unwrap();
    apply(&mut rows, &write("a", EntryStatus::Settling, Some("n")), NOW).unwrap();
    apply(&mut rows, &close("a", settled()), NOW).unwrap();
    let month = 30 * 86_400_000;
    assert!(due(&mut rows, NOW + month - 1, &mut |_| ()).unwrap().is_none());
    assert!(stands(&rows, "a").is_some());
    assert!(due(&mut rows, NOW + month, &mut |_| ()).unwrap().is_none());
    assert!(rows.rows.is_empty());
}

#[test]
fn the_journal_is_read_in_pages_and_keeps_its_secrets() {
    let mut rows = Map::default();
    for id in 0..450 {
        apply(&mut rows, &write(&format!("v{id}"), EntryStatus::Settling, Some(&format!("n{id}"))), NOW)
            .unwrap();
    }
    let (mut listed, mut after) = (Vec::new(), None);
    while let Reply::Journal { entries } =
        apply(&mut rows, &Command::Journal { after: after.clone(), book: false }, NOW).unwrap()
    {
        let Some(last) = entries.last() else { break };
        after = Some(last.id.clone());
        assert!(entries.iter().all(|entry| entry.settle_body.is_none()));
        listed.extend(entries.into_iter().map(|entry| entry.id));
    }
    assert_eq!(listed, (0..450).map(|id| format!("v{id}")).collect::<Vec<_>>());
}

#[test]
fn commands_and_replies_survive_the_wire() {
    for command in [
        admit("a", "n"),
        write("a", EntryStatus::Delivering, None),
        close("a", refused(true)),
        Command::Charge { id: "a".into(), credits: "3".into(), again: None, lease: 1 },
        Command::Receipt { id: "a".into() },
        Command::Journal { after: None, book: false },
    ] {
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command, "{text}");
    }
    assert_eq!(
        serde_json::to_value(Reply::Limited { retry_after: 3 }).unwrap(),
        json!({ "say": "limited", "retryAfter": 3 })
    );
}
