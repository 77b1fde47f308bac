//! Rule 24: single-use tokens; rates and allowances.

use super::*;

#[test]
fn rule_24_a_single_use_token_serves_one_request() {
    let release =
        |id: &str| Command::Release { id: id.into(), claim: claim("n"), allowance: None, open: None };
    // Commands, each at a time after NOW, and the replies.
    type Steps = Vec<(u64, Command, Reply)>;
    let table: [(&str, Steps); 14] = [
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
            "nor where the other has spent the token by then",
            Vec::from([
                (0, admit("a", "n"), GO),
                (LEASE, admit("b", "n"), GO),
                (LEASE, write("b", EntryStatus::Settling, Some("n")), Reply::Done),
                (LEASE, close("b", settled()), Reply::Done),
                (LEASE + 1, write("a", EntryStatus::Settling, Some("n")), Reply::Lost),
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
            entry: None,
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
            entry: None,
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

/// The entry is written with the claim: what becomes of it where its request is lost, fails, or asks twice.
#[test]
fn rule_24_an_entry_that_is_written_with_the_claim() {
    let with_entry = |id: &str, nonce: &str| Command::Admit {
        id: id.into(),
        rates: Vec::new(),
        claim: claim(nonce),
        allowance: None,
        open: None,
        entry: Some(Box::new(entry(id, EntryStatus::Settling, Some(nonce)))),
    };
    let status =
        |rows: &mut Map, id: &str| match apply(rows, &Command::Receipt { id: id.into() }, NOW).unwrap() {
            Reply::Receipt { status, .. } => Some(status),
            _ => None,
        };
    let mut rows = Map::default();
    assert_eq!(apply(&mut rows, &with_entry("a", "n"), NOW).unwrap(), GO);
    assert_eq!(apply(&mut rows, &with_entry("a", "n"), NOW + 1).unwrap(), GO, "it may ask twice");
    assert_eq!(status(&mut rows, "a"), Some(EntryStatus::Settling));
    assert_eq!(apply(&mut rows, &with_entry("b", "n"), NOW + 2).unwrap(), Reply::Used);
    assert_eq!(status(&mut rows, "b"), None, "nothing is written for a request that was not admitted");

    // Its request settled nothing: the token is free.
    let release = Command::Release { id: "a".into(), claim: claim("n"), allowance: None, open: None };
    let mut failed = rows.clone();
    assert_eq!(apply(&mut failed, &release, NOW + 3).unwrap(), Reply::Done);
    assert_eq!(status(&mut failed, "a"), Some(EntryStatus::Released));
    assert_eq!(apply(&mut failed, &with_entry("b", "n"), NOW + 4).unwrap(), GO);
    assert_eq!(apply(&mut failed, &release, NOW + 5).unwrap(), Reply::Done, "told twice");
    assert_eq!(status(&mut failed, "b"), Some(EntryStatus::Settling), "the token is the other's now");

    // Its isolate was lost: the token stays taken, and the platform is asked if it is spent before anything else.
    let mut lost = rows.clone();
    let ends = NOW + LEASE;
    assert!(due(&mut lost, ends - 1, &mut |_| ()).unwrap().is_none());
    let job = due(&mut lost, ends + 1, &mut |_| ()).unwrap().unwrap();
    let Task::Call(call) = &job.task else { panic!("{:?}", job.task) };
    assert!(call.path.ends_with("/verify"), "{}", call.path);
    assert_eq!(apply(&mut lost, &with_entry("b", "n"), ends + 2).unwrap(), Reply::Used);

    // It was settled: whatever is told late, the token is spent.
    assert_eq!(apply(&mut rows, &close("a", settled()), NOW + 3).unwrap(), Reply::Done);
    assert_eq!(apply(&mut rows, &release, NOW + 4).unwrap(), Reply::Done);
    assert_eq!(apply(&mut rows, &with_entry("a", "n"), NOW + 5).unwrap(), Reply::Used);
    assert_eq!(status(&mut rows, "a"), Some(EntryStatus::Settled));
}
