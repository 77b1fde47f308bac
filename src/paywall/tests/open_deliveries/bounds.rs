//! How many answers go out before they are settled, and what they wait for.

use super::*;

#[test]
fn a_second_answer_waits_for_the_first_and_is_told_to_come_again() {
    let mut world = later(&json!({}));
    let mut first = begun(&mut world, "/end");
    let walk = go(&mut world, "/r");
    assert_eq!(walk.said(), (429, "payment_in_progress".into()));
    let answer = walk.answer.as_ref().unwrap();
    assert_eq!(answer.headers.get("retry-after"), Some("5"));
    assert_eq!(answer.headers.get("payment-required"), None, "paying again is not right");
    assert_eq!(walk.receipt().unwrap()["errorReason"], "not_settled");
    assert!(!walk.steps.contains(&"origin"));
    // It waited some seconds, and asked a few times.
    let waited = world.now - NOW;
    assert!((5_000..6_000).contains(&waited), "{waited}");
    assert!(walk.steps.iter().filter(|step| **step == "admit").count() < 20, "{:?}", walk.steps);
    // Nobody else has to wait, and what is settled before is never in the way.
    assert_eq!(go(&mut world, "/before").sum(), "2 of 2");
    let other = token_of("1002", "nvm:erc4337", "0xb1", None);
    assert_eq!(world.go(ask("GET", "/r", &[("payment-signature", &other)])).said().0, 402, "another plan");
    // As soon as the first has come to its end, the next is served.
    let mut action = first.handle_event(Event::Ended(Ending::default()), world.now);
    while let Action::State(_) | Action::Call(_) = action {
        let event = match action {
            Action::State(call) => Event::State(world.tell(&call)),
            _ => burned(),
        };
        action = first.handle_event(event, world.now);
    }
    for note in first.take_deferred() {
        world.tell(&note);
    }
    assert_eq!(go(&mut world, "/r").sum(), "2 of 2");
}

#[test]
fn a_bound_is_what_the_route_says() {
    for (more, served) in [(json!({}), 1), (json!({ "maxOpen": 3 }), 3), (json!({ "unbounded": true }), 9)] {
        let mut world = later(&more);
        let mut open = 0;
        for seed in 0..9_u8 {
            let head = RequestHead { seed: [seed + 1; 16], ..request("", &[]) };
            let (mut flow, mut action) = world.gate.open(&head);
            let forwarded = loop {
                action = match action {
                    Action::Call(_) => flow.handle_event(valid(), NOW),
                    Action::State(call) => {
                        let reply = world.tell(&call);
                        flow.handle_event(Event::State(reply), NOW)
                    }
                    Action::Forward(_) => break true,
                    _ => break false,
                };
            };
            open += usize::from(forwarded);
        }
        assert_eq!(open, served, "{more}");
    }
}

#[test]
fn who_had_to_wait_is_verified_once_more() {
    let mut world = later(&json!({}));
    let head = RequestHead { seed: [201; 16], ..request("", &[]) };
    let mut first = begun(&mut world, "/end");
    let (mut flow, _) = world.gate.open(&head);
    let Action::State(admit) = flow.handle_event(valid(), NOW) else { panic!("not admitted after verify") };
    let action = flow.handle_event(Event::State(world.tell(&admit)), NOW);
    assert!(matches!(action, Action::Wait(100)), "{action:?}");
    // The first one is settled, with the last that is held.
    let action = first.handle_event(Event::Ended(Ending::default()), NOW);
    let Action::State(charge) = action else { panic!("{action:?}") };
    let _ = first.handle_event(Event::State(world.tell(&charge)), NOW);
    let _ = first.handle_event(burned(), NOW);
    for note in first.take_deferred() {
        world.tell(&note);
    }
    let Action::State(admit) = flow.handle_event(Event::Waited, NOW + 100) else { panic!("asks again") };
    let action = flow.handle_event(Event::State(world.tell(&admit)), NOW + 100);
    assert_eq!(called(action).0, "/api/v1/x402/verify");
    let answer = responded(flow.handle_event(refused("BCK.CREDITS.0003"), NOW + 100));
    assert_eq!((answer.status, body(&answer)["code"].as_str()), (402, Some("BCK.CREDITS.0003")));
    // Its reservation is released.
    for note in flow.take_deferred() {
        world.tell(&note);
    }
    assert_eq!(go(&mut world, "/r").sum(), "2 of 2");
}

#[test]
fn a_lease_ends_unless_the_stream_renews_it_and_a_stream_that_outlives_it_is_settled_all_the_same() {
    let mut world = later(&json!({}));
    let head = RequestHead { seed: [220; 16], ..ask("GET", "/end", &[("payment-signature", &token())]) };
    let (mut flow, mut action) = world.gate.open(&head);
    let meter = loop {
        let event = match action {
            Action::Call(_) => valid(),
            Action::State(call) => Event::State(world.tell(&call)),
            Action::Forward(_) => origin(200),
            Action::Deliver(delivery) => break delivery.meter.unwrap(),
            other => panic!("{other:?}"),
        };
        action = flow.handle_event(event, NOW);
    };
    let renew = meter.renew.unwrap();
    let lapses = |world: &mut World, after: u64| {
        world.now = NOW + after;
        let mut log = Vec::new();
        for rows in world.objects.values_mut() {
            assert!(next(rows, NOW + after, &mut log).is_none());
        }
        (entry(world).status, log.len())
    };
    // Renewed as often as it says, it is held however long it goes out.
    for round in 1..=10 {
        world.now = NOW + round * u64::from(renew.every_ms);
        assert_eq!(world.tell(&renew.call), Reply::Done);
    }
    let last = 10 * u64::from(renew.every_ms);
    assert_eq!(go(&mut world, "/r").said().0, 429);
    assert_eq!(lapses(&mut world, last + 59_999), (EntryStatus::Delivering, 0));
    // Then its isolate is believed lost: nothing was sent for it, and it is not held against the payer.
    assert_eq!(lapses(&mut world, last + 65_100), (EntryStatus::Unresolved, 1));
    assert!(!entry(&world).sent);
    assert_eq!(go(&mut world, "/r").sum(), "2 of 2");
    // It lives: it is written down again, and settled at its end.
    assert_eq!(world.tell(&renew.call), Reply::Done);
    assert_eq!(entry(&world).status, EntryStatus::Delivering);
    assert_eq!(lapses(&mut world, last + 200_000), (EntryStatus::Unresolved, 1));
    let Action::State(charge) = flow.handle_event(Event::Ended(Ending::default()), world.now) else {
        panic!("charged")
    };
    assert_eq!(world.tell(&charge), Reply::Done);
    let settle = flow.handle_event(Event::State(Reply::Done), world.now);
    assert_eq!(called(settle).0, "/api/v1/x402/settle");
    let _ = flow.handle_event(burned(), world.now);
    for note in flow.take_deferred() {
        world.tell(&note);
    }
    assert_eq!(entry(&world).status, EntryStatus::Settled);
}

#[test]
fn who_comes_back_after_its_lease_delivers_nothing_that_is_not_counted() {
    let mut world = later(&json!({}));
    let head = RequestHead { seed: [230; 16], ..request("", &[]) };
    let (mut flow, _) = world.gate.open(&head);
    let Action::State(admit) = flow.handle_event(valid(), NOW) else { panic!("not admitted") };
    let action = flow.handle_event(Event::State(world.tell(&admit)), NOW);
    assert!(matches!(action, Action::Forward(_)));
    // The origin took so long that another was admitted.
    world.now = NOW + 10_000_000;
    for rows in world.objects.values_mut() {
        let _ = next(rows, world.now, &mut Vec::new());
    }
    let Action::State(write) = flow.handle_event(origin(200), world.now) else { panic!("written") };
    let reply = world.tell(&write);
    assert_eq!(reply, Reply::Lost);
    assert_eq!(responded(flow.handle_event(Event::State(reply), world.now)).status, 503);
}
