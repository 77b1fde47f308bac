//! Rules 21 and 24 at their bounds: reports of settlements, and what the reconciler asks.

use super::*;

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
    // The second report delays only an entry that was not delivered: a delivered one is being settled again.
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
fn rule_21_a_settle_of_an_isolate_that_was_lost_may_be_late_as_well() {
    let mut rows = Map::default();
    put(&mut rows, entry("v", EntryStatus::Settling, Some("n")), NOW);
    let mut asks =
        |now| super::super::state::next(&mut rows, now, &mut Vec::new()).map(|(_, call)| call.path.clone());
    assert_eq!(asks(NOW + LEASE), None);
    assert_eq!(asks(NOW + LEASE + 29_999), None);
    assert_eq!(asks(NOW + LEASE + 30_000).as_deref(), Some("/api/v1/x402/verify"));
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
        let admit = Command::Admit { id, rates: Vec::new(), claim, allowance: None, open: None, entry: None };
        let reply = apply(&mut rows, &admit, now).unwrap();
        assert_eq!(reply == Reply::Used, used, "{code}: {reply:?}");
    }
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
fn rule_21_the_sellers_book_hears_of_each_round() {
    let mut rows = Map::default();
    let refused = Some(json!({ "success": false }));
    put(&mut rows, Entry { token_expires_at: Some(NOW + DAY), receipt: refused.clone(), ..owed("v") }, NOW);
    let tell = |rows: &mut Map| due(rows, NOW, &mut |_| ()).unwrap();
    let first = tell(&mut rows).unwrap();
    // While the book is told, the payer's next request settles it again, and it stays owed.
    assert!(matches!(open(&mut rows, "w", 1, None, NOW), Reply::Owing { .. }));
    assert_eq!(found(&rows, "v").unwrap().receipt, None, "the receipt was that of the settle before");
    let again =
        SettlementOutcome::Owed { why: "BCK.X402.0001".into(), again: Secret::new("{}"), receipt: refused };
    apply(&mut rows, &Command::Close { id: "v".into(), end: again, after: 1_000, round: 1 }, NOW).unwrap();
    on_response(&mut rows, &first, PlatformResponse::Heard, NOW, &mut |_| ()).unwrap();
    let job = tell(&mut rows).unwrap();
    let Task::Tell(StateCall { command: Command::File { entry }, .. }) = &job.task else { panic!("{job:?}") };
    assert_eq!((entry.status, entry.rounds), (EntryStatus::Owed, 1));
}

#[test]
fn rule_21_what_a_balance_once_said_is_owed_is_not_settled_again() {
    let mut rows = Map::default();
    put(&mut rows, Entry { why: Some("balance_counted".into()), ..owed("v") }, NOW);
    assert!(super::super::state::next(&mut rows, NOW + DAY, &mut Vec::new()).is_none());
    assert_eq!(found(&rows, "v").unwrap().status, EntryStatus::Unresolved);
}

#[test]
fn rule_19_a_debt_that_was_refused_waits_for_its_payer_and_is_not_settled_by_itself() {
    for (receipt, asks, status) in
        [(Some(json!({ "success": false })), false, EntryStatus::Unpaid), (None, true, EntryStatus::Settling)]
    {
        let mut rows = Map::default();
        put(&mut rows, Entry { receipt, ..owed("v") }, NOW);
        let asked = super::super::state::next(&mut rows, NOW + DAY, &mut Vec::new());
        assert_eq!((asked.is_some(), found(&rows, "v").unwrap().status), (asks, status));
    }
}

#[test]
fn rule_21_the_sellers_book_does_not_hear_that_a_settle_is_under_way() {
    let mut rows = Map::default();
    put(&mut rows, Entry { token_expires_at: Some(NOW + DAY), ..owed("v") }, NOW);
    let tell = |rows: &mut Map| due(rows, NOW, &mut |_| ()).unwrap();
    let first = tell(&mut rows).unwrap();
    on_response(&mut rows, &first, PlatformResponse::Heard, NOW, &mut |_| ()).unwrap();
    assert!(matches!(open(&mut rows, "w", 1, None, NOW), Reply::Owing { .. }));
    assert!(tell(&mut rows).is_none());
}

#[test]
fn rule_21_only_a_single_use_token_can_have_been_spent_by_the_settle_before() {
    for (nonce, status) in [(Some("n"), EntryStatus::Settled), (None, EntryStatus::Refused)] {
        let mut rows = Map::default();
        put(&mut rows, Entry { nonce: nonce.map(Into::into), ..owed("v") }, NOW);
        let (job, _) = super::super::state::next(&mut rows, NOW + DAY, &mut Vec::new()).unwrap();
        let body = json!({ "code": "BCK.X402.0059", "message": "spent" }).to_string();
        let response = api::Response { status: 402, body, correlation_id: None };
        on_response(&mut rows, &job, PlatformResponse::Answered(response), NOW + DAY, &mut |_| ()).unwrap();
        assert_eq!(found(&rows, "v").unwrap().status, status, "{nonce:?}");
    }
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
