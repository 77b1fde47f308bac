//! Rule 19 at its bounds: rates, allowances, leases and debts.

use super::*;

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
            let command = Command::Admit { id, rates, claim: None, allowance: None, open: None, entry: None };
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
fn rule_19_a_question_that_arrives_twice_takes_one_place() {
    let mut rows = Map::default();
    assert_eq!(open(&mut rows, "a", 1, None, NOW), GO);
    assert_eq!(open(&mut rows, "a", 1, None, NOW + 1), GO);
    assert_eq!(open(&mut rows, "b", 1, None, NOW + 2), Reply::InProgress);
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
