//! Rules 19, 21 and 24: the bounds of the state, each at its last moment on either side, and the order of what it is told.

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

#[test]
fn rule_19_what_an_allowance_pays_for_takes_no_open_place() {
    let allowance = Allowance { name: "r".into(), per_day: 1 };
    let day = NOW - NOW % DAY;
    // Requests with the allowance, each at a time, and the replies; then whether another finds the only place free.
    type Asks = Vec<(&'static str, u64, Reply)>;
    let rows: [(&str, Asks, u64, Reply); 6] = [
        ("one of today's is left", Vec::from([("a", day, FREE)]), day, GO),
        ("none is left", Vec::from([("a", day, FREE), ("b", day + 1, GO)]), day + 2, Reply::InProgress),
        ("the same request asks again", Vec::from([("a", day, FREE), ("a", day + 1, FREE)]), day + 2, GO),
        (
            "the last of today",
            Vec::from([("a", day, FREE), ("b", day + DAY - 1, GO)]),
            day + DAY - 1,
            Reply::InProgress,
        ),
        ("the first of tomorrow", Vec::from([("a", day, FREE), ("b", day + DAY, FREE)]), day + DAY, GO),
        (
            "yesterday's request asks again",
            Vec::from([("a", day, FREE), ("b", day + DAY, FREE), ("a", day + DAY + 1, FREE)]),
            day + DAY + 2,
            GO,
        ),
    ];
    for (name, asks, now, last) in rows {
        let mut rows = Map::default();
        for (id, now, reply) in asks {
            assert_eq!(open(&mut rows, id, 1, Some(&allowance), now), reply, "{name}: {id}");
        }
        assert_eq!(open(&mut rows, "z", 1, None, now), last, "{name}");
    }
}

#[test]
fn an_allowance_is_swept_at_the_end_of_its_day() {
    let allowance = Allowance { name: "r".into(), per_day: 2 };
    let day = NOW - NOW % DAY;
    let mut rows = Map::default();
    assert_eq!(open(&mut rows, "a", 1, Some(&allowance), day + 5), FREE);
    assert_eq!(rows.next_due().unwrap(), Some(day + DAY));
    assert_eq!(open(&mut rows, "b", 1, Some(&allowance), day + 6), FREE);
    let back =
        Command::Release { id: "a".into(), claim: None, allowance: Some(allowance.clone()), open: None };
    apply(&mut rows, &back, day + 7).unwrap();
    assert_eq!(rows.next_due().unwrap(), Some(day + DAY));
    // Nothing is swept before; everything is at the end.
    let due_at = |rows: &mut Map, now| assert!(due(rows, now, &mut |_| ()).unwrap().is_none());
    due_at(&mut rows, day + DAY - 1);
    assert_eq!(open(&mut rows, "c", 1, Some(&allowance), day + DAY - 1), FREE, "one was given back");
    assert_eq!(open(&mut rows, "d", 1, Some(&allowance), day + DAY - 1), GO);
    due_at(&mut rows, day + DAY);
    assert_eq!((rows.get("allowance", "r").unwrap(), rows.get("taken", "b").unwrap()), (None, None));
}

#[test]
fn a_rate_admits_at_its_bound_and_not_a_millisecond_before() {
    // Three of three are asked for at once: the fourth may come a third of the window later, less a millisecond for each
    // request, which rounding may have added.
    for (requests, seconds, at) in [(3, 60, 19_997), (1, 1, 999), (7, 1, 143 - 6)] {
        let ask = |rows: &mut Map, id: u64, now| {
            let rates = Vec::from([Rate { name: "r".into(), requests, seconds }]);
            let id = id.to_string();
            let command = Command::Admit { id, rates, claim: None, allowance: None, open: None };
            apply(rows, &command, now).unwrap()
        };
        let mut rows = Map::default();
        for id in 0..u64::from(requests) {
            assert_eq!(ask(&mut rows, id, NOW), GO, "{requests} in {seconds} s");
        }
        let limited = Reply::Limited { retry_after: 1 };
        assert_eq!(ask(&mut rows, 100, NOW + at - 1), limited, "{requests} in {seconds} s");
        assert_eq!(ask(&mut rows, 100, NOW + at), GO, "{requests} in {seconds} s");
    }
}

#[test]
fn rule_19_a_lease_ends_at_its_last_millisecond() {
    let mut rows = Map::default();
    assert_eq!(open(&mut rows, "a", 1, None, NOW), GO);
    assert_eq!(open(&mut rows, "b", 1, None, NOW + LEASE - 1), Reply::InProgress);
    // Until then its own entry may be written, and then it may not: another may have begun.
    let write = |rows: &Map, id: &str, now| {
        let entry = Entry { open: true, ..entry(id, EntryStatus::Delivering, None) };
        put(&mut rows.clone(), entry, now)
    };
    assert_eq!(write(&rows, "a", NOW + LEASE - 1), Reply::Done);
    assert_eq!(write(&rows, "a", NOW + LEASE), Reply::Lost);
    assert_eq!(write(&rows, "c", NOW + 1), Reply::Lost, "it was not admitted");
    assert_eq!(open(&mut rows, "b", 1, None, NOW + LEASE), GO);
    assert_eq!(write(&rows, "a", NOW + LEASE), Reply::Lost, "the place is another's");
    assert_eq!(write(&rows, "b", NOW + LEASE), Reply::Done);
}

#[test]
fn rule_19_a_place_that_was_given_back_leaves_nothing_behind() {
    let mut rows = Map::default();
    let release = |rows: &mut Map, id: &str| {
        let id = id.into();
        let command = Command::Release { id, claim: None, allowance: None, open: Some(PLAN.into()) };
        apply(rows, &command, NOW).unwrap();
    };
    open(&mut rows, "a", 2, None, NOW);
    open(&mut rows, "b", 2, None, NOW + 5);
    release(&mut rows, "a");
    assert_eq!(rows.next_due().unwrap(), Some(NOW + 5 + LEASE), "it is swept when the last one lapses");
    release(&mut rows, "b");
    assert_eq!(rows.get("open", PLAN).unwrap(), None);
    // An owed entry has no end of its own: no row of open deliveries comes due for it.
    put(&mut rows, owed("c"), NOW);
    assert!(rows.get("open", PLAN).unwrap().is_some());
    let last = rows.due(NOW + 1_000 * DAY, 9).unwrap();
    assert!(last.iter().all(|row| row.kind != "open"), "{last:?}");
}

#[test]
fn rule_19_a_debt_ends_with_its_token() {
    let ends = NOW + 5_000;
    let without_end = || owed("v");
    let with_end = || Entry { token_expires_at: Some(ends), ..owed("v") };
    let without_body = || Entry { settle_body: None, ..owed("v") };
    for (name, debt, now, owing) in [
        ("the token has no end", without_end(), NOW + DAY, true),
        ("before its end", with_end(), ends - 1, true),
        ("at its end", with_end(), ends, false),
        ("nothing to settle it with", without_body(), NOW + 1, false),
    ] {
        // The payer's next request.
        let mut rows = Map::default();
        put(&mut rows, debt.clone(), NOW);
        let reply = open(&mut rows, "w", 1, None, now);
        if owing {
            let Reply::Owing { entry } = reply else { panic!("{name}: {reply:?}") };
            assert_eq!((entry.status, entry.rounds), (EntryStatus::Settling, 1), "{name}");
            // It has as long as a settle takes, and then counts no more.
            assert_eq!(open(&mut rows, "x", 1, None, now + 19_999), Reply::InProgress, "{name}");
            assert_eq!(open(&mut rows, "x", 1, None, now + 20_000), GO, "{name}");
        } else {
            assert_eq!(reply, GO, "{name}");
            let entry = found(&rows, "v").unwrap();
            assert_eq!((entry.status, entry.settle_body), (EntryStatus::Unpaid, None), "{name}");
        }
        // The reconciler, where the payer does not come back.
        let mut rows = Map::default();
        put(&mut rows, debt, NOW);
        rows.put("entry", "v", &rows.get("entry", "v").unwrap().unwrap(), Some(now)).unwrap();
        let mut log = Vec::new();
        let job = super::state::next(&mut rows, now, &mut log);
        assert_eq!(job.is_some(), owing, "{name}");
        let status = if owing { EntryStatus::Settling } else { EntryStatus::Unpaid };
        assert_eq!(found(&rows, "v").unwrap().status, status, "{name}");
    }
}

#[test]
fn rule_19_a_debt_that_ended_otherwise_holds_nobody_up() {
    let mut rows = Map::default();
    put(&mut rows, Entry { open: false, ..entry("v", EntryStatus::Settled, None) }, NOW);
    for (debts, name) in [(json!(["v"]), "it was settled"), (json!(["gone", "v"]), "one is not there")] {
        rows.put("open", PLAN, &json!({ "held": [], "owed": debts }).to_string(), None).unwrap();
        assert_eq!(open(&mut rows, "w", 1, None, NOW), GO, "{name}");
        let release =
            Command::Release { id: "w".into(), claim: None, allowance: None, open: Some(PLAN.into()) };
        apply(&mut rows, &release, NOW).unwrap();
        assert_eq!(found(&rows, "v").unwrap().status, EntryStatus::Settled, "{name}");
    }
}

#[test]
fn only_what_goes_out_is_renewed_or_charged() {
    use EntryStatus::{
        Abandoned, Delivering, Owed, Refused, Released, Settled, Settling, Unknown, Unpaid, Unresolved,
    };
    for (status, sent, renewed, charged) in [
        (Delivering, false, true, true),
        (Abandoned, false, true, true),
        (Unresolved, false, true, true),
        (Unresolved, true, false, false),
        (Settling, true, false, true),
        (Unknown, true, false, false),
        (Owed, true, false, false),
        (Settled, true, false, false),
        (Refused, true, false, false),
        (Released, false, false, false),
        (Unpaid, true, false, false),
    ] {
        let mut before = Map::default();
        put(&mut before, Entry { sent, ..entry("v", status, None) }, NOW);
        let done = |yes| if yes { Reply::Done } else { Reply::Lost };
        let mut rows = before.clone();
        let renew = Command::Renew { id: "v".into(), lease: 70_000 };
        assert_eq!(apply(&mut rows, &renew, NOW + 1).unwrap(), done(renewed), "{status:?} {sent}");
        let expected = if renewed { Delivering } else { status };
        assert_eq!(found(&rows, "v").unwrap().status, expected, "{status:?} {sent}");
        let mut rows = before;
        let charge = Command::Charge { id: "v".into(), credits: "7".into(), again: None, lease: 70_000 };
        assert_eq!(apply(&mut rows, &charge, NOW + 1).unwrap(), done(charged), "{status:?} {sent}");
        let after = found(&rows, "v").unwrap();
        let (expected, credits) = if charged { (Settling, "7") } else { (status, "2") };
        assert_eq!((after.status, after.credits.as_str()), (expected, credits), "{status:?} {sent}");
        if charged {
            assert!(after.sent && after.delivered && after.why.is_none());
            // It is looked into when its lease is over, and not before.
            assert!(rows.due(NOW + 70_000, 9).unwrap().iter().all(|row| row.kind != "entry"));
            assert!(rows.due(NOW + 70_001, 9).unwrap().iter().any(|row| row.kind == "entry"));
        }
    }
    let mut rows = Map::default();
    let renew = Command::Renew { id: "v".into(), lease: 1 };
    assert_eq!(apply(&mut rows, &renew, NOW).unwrap(), Reply::Lost, "there is no such entry");
}

#[test]
fn rule_21_the_order_of_the_reports_of_a_settlement() {
    use EntryStatus::{Refused, Settled, Settling, Unknown, Unresolved};
    // Name, nonce (it makes the token single-use), outcomes in their order, the status that follows, and true if delivered.
    type Row = (&'static str, Option<&'static str>, Vec<SettlementOutcome>, EntryStatus, bool);
    let rows: [Row; 10] = [
        ("a yes after a no", None, Vec::from([no(false), yes()]), Settled, true),
        ("a no after a yes", None, Vec::from([yes(), no(true)]), Settled, true),
        ("unknown after a no", Some("n"), Vec::from([no(true), unknown(true)]), Refused, false),
        ("unknown after a yes", Some("n"), Vec::from([yes(), unknown(true)]), Settled, true),
        ("not known, not delivered", Some("n"), Vec::from([unknown(false)]), Unknown, false),
        ("delivered after all", Some("n"), Vec::from([unknown(false), unknown(true)]), Unknown, true),
        ("delivered, and told less", Some("n"), Vec::from([unknown(true), unknown(false)]), Unknown, true),
        ("reusable, delivered", None, Vec::from([unknown(true)]), Unresolved, true),
        ("reusable, reported as less", None, Vec::from([unknown(true), unknown(false)]), Unresolved, true),
        ("reusable, reported as more", None, Vec::from([unknown(false), unknown(true)]), Unresolved, true),
    ];
    for (name, nonce, ends, status, delivered) in rows {
        let mut rows = Map::default();
        put(&mut rows, entry("v", Settling, nonce), NOW);
        for (index, end) in (0_u64..).zip(ends) {
            assert_eq!(close(&mut rows, "v", end, NOW + index), Reply::Done, "{name}");
        }
        let entry = found(&rows, "v").unwrap();
        assert_eq!((entry.status, entry.delivered), (status, delivered), "{name}");
    }
    // An entry that was free of charge has no receipt yet: a receipt that comes is kept. A receipt that is there stays.
    let mut rows = Map::default();
    put(&mut rows, entry("v", Settled, None), NOW);
    close(&mut rows, "v", yes(), NOW);
    assert_eq!(found(&rows, "v").unwrap().receipt, Some(json!({ "success": true })));
    let other = SettlementOutcome::Settled { receipt: json!({ "success": true, "other": 1 }) };
    close(&mut rows, "v", other, NOW);
    assert_eq!(found(&rows, "v").unwrap().receipt, Some(json!({ "success": true })));
}

#[test]
fn rule_21_a_settle_that_may_be_late_is_waited_for_from_when_it_was_given_up() {
    // Told a second time, only what was not delivered is waited for anew: what was delivered is being settled again.
    for (name, first, late) in [("not delivered", false, NOW + 9 + 30_000), ("delivered", true, NOW + 30_000)]
    {
        let mut rows = Map::default();
        put(&mut rows, entry("v", EntryStatus::Settling, Some("n")), NOW);
        close(&mut rows, "v", unknown(first), NOW);
        close(&mut rows, "v", unknown(true), NOW + 9);
        assert_eq!(found(&rows, "v").unwrap().in_flight_until, late, "{name}");
    }
}

#[test]
fn rule_24_a_token_that_was_refused_after_delivery_is_free_unless_it_is_spent() {
    let refused = |code: &str| {
        let body = json!({ "code": code, "message": "no" }).to_string();
        PlatformResponse::Answered(api::Response { status: 402, body, correlation_id: None })
    };
    for (code, status, used) in [
        ("BCK.X402.0059", EntryStatus::Settled, true),
        ("BCK.X402.0005", EntryStatus::Refused, false),
        ("BCK.CREDITS.0003", EntryStatus::Refused, false),
    ] {
        let mut rows = Map::default();
        put(&mut rows, Entry { open: false, ..Entry { nonce: Some("n".into()), ..owed("v") } }, NOW);
        let now = rows.next_due().unwrap().unwrap().max(NOW + LEASE);
        let (job, _) = super::state::next(&mut rows, now, &mut Vec::new()).unwrap();
        on_response(&mut rows, &job, refused(code), now, &mut |_| ()).unwrap();
        assert_eq!(found(&rows, "v").unwrap().status, status, "{code}");
        let claim = Some(Claim { nonce: "n".into(), lease: LEASE });
        let id = "w".to_string();
        let admit = Command::Admit { id, rates: Vec::new(), claim, allowance: None, open: None };
        let reply = apply(&mut rows, &admit, now).unwrap();
        assert_eq!(reply == Reply::Used, used, "{code}: {reply:?}");
    }
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

#[test]
fn rule_21_an_entry_is_looked_into_24_times_less_and_less_often() {
    // 5 s, 10 s, 20 s, ... and an hour at the most.
    let steps = |after: u64| {
        let pauses = (0..23).map(|tries| (5_000 << tries).min(3_600_000));
        let mut time = after;
        let mut times = Vec::from([after]);
        times.extend(pauses.map(|pause| {
            time += pause;
            time
        }));
        times
    };
    let silence = PlatformResponse::Unanswered;
    let busy =
        PlatformResponse::Answered(api::Response { status: 429, body: "{}".into(), correlation_id: None });
    let mut rows = Map::default();
    put(&mut rows, Entry { delivered: true, ..entry("v", EntryStatus::Unknown, Some("n")) }, NOW);
    assert_eq!(asked(rows, &silence), (steps(LEASE), EntryStatus::Unresolved));
    let mut rows = Map::default();
    put(&mut rows, owed("v"), NOW);
    let (times, status) = asked(rows, &busy);
    assert_eq!((times.len(), status), (24, EntryStatus::Unpaid));
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The look after a settle counts from the settle that is over.
    assert_eq!(pauses, (1..24).map(|tries| (5_000 << tries).min(3_600_000)).collect::<Vec<_>>());
}

#[test]
fn rule_21_a_token_that_is_not_valid_any_more_may_have_been_burned() {
    let refused = |code: &str| {
        let body = json!({ "code": code, "message": "no" }).to_string();
        PlatformResponse::Answered(api::Response { status: 402, body, correlation_id: None })
    };
    for (code, status) in [
        ("BCK.X402.0059", EntryStatus::Settled),
        ("BCK.X402.0005", EntryStatus::Unknown),
        ("x", EntryStatus::Unknown),
    ] {
        let mut rows = Map::default();
        put(&mut rows, entry("v", EntryStatus::Unknown, Some("n")), NOW);
        let (job, call) = super::state::next(&mut rows, NOW + LEASE, &mut Vec::new()).unwrap();
        assert_eq!(call.path, "/api/v1/x402/verify");
        on_response(&mut rows, &job, refused(code), NOW + LEASE, &mut |_| ()).unwrap();
        assert_eq!(found(&rows, "v").unwrap().status, status, "{code}");
    }
}

#[test]
fn rule_21_the_sellers_book_is_told_until_it_hears_it() {
    let mut rows = Map::default();
    put(&mut rows, entry("v", EntryStatus::Settling, None), NOW);
    close(&mut rows, "v", unknown(true), NOW);
    let mut log = Vec::new();
    let mut tell = |rows: &mut Map, now| due(rows, now, &mut |line| log.push(line)).unwrap();
    // Again after 5 s, 10 s, 20 s, as long as nobody hears it.
    let mut now = NOW;
    for pause in [5_000, 10_000, 20_000, 40_000] {
        let job = tell(&mut rows, now).unwrap();
        assert!(matches!(job.task, Task::Tell(_)));
        on_response(&mut rows, &job, PlatformResponse::Unanswered, now, &mut |_| ()).unwrap();
        assert!(tell(&mut rows, now + pause - 1).is_none());
        now += pause;
    }
    // It changes while it is told: the book hears the end as well.
    let job = tell(&mut rows, now).unwrap();
    close(&mut rows, "v", yes(), now);
    on_response(&mut rows, &job, PlatformResponse::Heard, now, &mut |_| ()).unwrap();
    let job = tell(&mut rows, now).unwrap();
    let Task::Tell(StateCall { command: Command::File { entry }, .. }) = &job.task else { panic!("{job:?}") };
    assert_eq!((entry.status, entry.settle_body.is_none()), (EntryStatus::Settled, true));
    on_response(&mut rows, &job, PlatformResponse::Heard, now, &mut |_| ()).unwrap();
    assert!(tell(&mut rows, now + DAY).is_none());
    assert_eq!(log.len(), 1, "one line for all of it: {log:?}");
    assert!(log[0].contains("settlement_unresolved"), "{log:?}");
}

#[test]
fn rule_21_the_book_keeps_what_is_open_longer_than_what_ended_well() {
    for (status, days) in
        [(EntryStatus::Unresolved, 400), (EntryStatus::Owed, 400), (EntryStatus::Settled, 30)]
    {
        let mut rows = Map::default();
        let file = Command::File { entry: Box::new(entry("v", status, None)) };
        apply(&mut rows, &file, NOW).unwrap();
        assert_eq!(rows.next_due().unwrap(), Some(NOW + days * DAY), "{status:?}");
    }
}

#[test]
fn a_storage_error_says_that_it_is_one() {
    assert_eq!(RowsError("disk full".into()).to_string(), "storage: disk full");
}
