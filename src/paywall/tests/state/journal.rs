//! Rules 21 and 22: entries of the journal, and the work of the reconciler.

use super::*;

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

#[test]
fn only_the_close_of_what_the_platform_burned_can_wait() {
    let close = |end| Command::Close { id: "v".into(), end, after: 1, round: 0 };
    let (receipt, why) = (json!({}), || String::from("why"));
    let release = Command::Release { id: "v".into(), claim: None, allowance: None, open: None };
    for (command, waits) in [
        (close(SettlementOutcome::Settled { receipt: receipt.clone() }), true),
        (close(SettlementOutcome::Refused { receipt, spent: true, delivered: false }), false),
        (close(SettlementOutcome::Unknown { why: why(), delivered: true }), false),
        (close(SettlementOutcome::Owed { why: why(), again: Secret::new("x"), receipt: None }), false),
        (close(SettlementOutcome::Released { why: why() }), false),
        (release, false),
    ] {
        assert_eq!(command.can_wait(), waits, "{command:?}");
    }
}
