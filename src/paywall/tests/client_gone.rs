//! Rule 22: a client that goes away, and an event that does not belong, at each state of a request: what is charged then, and
//! what is given back.

use super::super::state::*;
use super::harness::{World, over, token_of};
use super::*;
use alloc::{format, string::ToString};

fn world() -> World {
    let route =
        |settle: &str| json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "settle": settle });
    let mut free = route("before-delivery");
    free["free"] = json!({ "perDay": 5, "by": "address" });
    over(
        json!({ "GET /before": route("before-delivery"), "GET /after": route("after-delivery"), "GET /free": free }),
        &[],
    )
}

/// A request that has come to its action number `stop`, counted from 0.
fn brought(world: &mut World, path: &str, nonce: Option<&str>, stop: usize) -> (RequestFlow, Action) {
    let token = token_of("1001", "nvm:erc4337", "0xb1", nonce);
    let token = [("payment-signature", token.as_str())];
    // A second request with another token is admitted by itself.
    let seed = [nonce.map_or(1, |nonce| nonce.as_bytes()[3]); 16];
    let headers: &[_] = if path == "/free" { &[] } else { &token };
    let head = RequestHead { seed, address: Some("192.0.2.1".into()), ..ask("GET", path, headers) };
    let (mut flow, mut action) = world.gate.open(&head);
    for _ in 0..stop {
        let event = match &action {
            Action::Call(call) if call.path.ends_with("/verify") => valid(),
            Action::Call(_) => burned(),
            Action::State(call) => Event::State(world.tell(call)),
            Action::Forward(_) => origin(200),
            Action::Deliver(_) => Event::Ended(Ending::default()),
            Action::Wait(_) => Event::Waited,
            other => panic!("{path} {stop}: {other:?}"),
        };
        action = flow.handle_event(event, world.now);
    }
    (flow, action)
}

/// The words for what the flow tells the state after the answer: `claim`, `allowance` and `open` for what is given back,
/// `closed` for an entry that is released.
fn given_back_by(flow: &mut RequestFlow) -> String {
    let mut words = Vec::new();
    for StateCall { command, .. } in flow.take_deferred() {
        match command {
            Command::Release { claim, allowance, open, .. } => {
                words.extend(claim.map(|_| "claim"));
                words.extend(allowance.map(|_| "allowance"));
                words.extend(open.map(|_| "open"));
            }
            Command::Close { end: SettlementOutcome::Released { why }, .. } => {
                words.push(if why == "client_gone" { "closed" } else { "closed otherwise" });
            }
            other => panic!("{other:?}"),
        }
    }
    words.join(" ")
}

// A path, the number of the action, its kind, whether the client is charged from there, what is given back where it is not.
type Row = (&'static str, usize, &'static str, bool, &'static str);
const ROWS: [Row; 12] = [
    ("/before", 0, "verify", false, ""),
    ("/before", 1, "state", false, "claim"),
    ("/before", 2, "origin", false, "claim"),
    // Its entry was written with the claim.
    ("/before", 3, "settle", true, ""),
    ("/after", 0, "verify", false, ""),
    ("/after", 1, "state", false, "claim open"),
    ("/after", 2, "origin", false, "claim open"),
    ("/after", 3, "state", false, "closed claim open"),
    ("/after", 5, "state", true, ""),
    ("/after", 6, "settle", true, ""),
    ("/free", 0, "state", false, "allowance"),
    ("/free", 1, "origin", false, "allowance"),
];

fn kind(action: &Action) -> &'static str {
    match action {
        Action::Call(call) if call.path.ends_with("/verify") => "verify",
        Action::Call(_) => "settle",
        Action::State(_) => "state",
        Action::Forward(_) => "origin",
        _ => "other",
    }
}

#[test]
fn rule_22_a_client_that_goes_away_before_the_settle_is_not_charged() {
    for (path, stop, expected, charged, given_back) in ROWS {
        let name = format!("{path} at its action {stop}");
        let (mut flow, action) = brought(&mut world(), path, Some("0x01"), stop);
        assert_eq!(kind(&action), expected, "{name}");
        assert_eq!((flow.is_uncharged(), flow.client_left()), (!charged, !charged), "{name}");
        let answer = responded(flow.handle_event(Event::ClientGone, NOW));
        let code = if charged { (500, "gate_out_of_step") } else { (499, "client_gone") };
        assert_eq!((answer.status, body(&answer)["code"].as_str()), (code.0, Some(code.1)), "{name}");
        let says_no = header(&answer.headers, "payment-response").is_some_and(|no| no["success"] == false);
        assert_eq!(says_no, expected != "settle", "{name}");
        assert_eq!(given_back_by(&mut flow), given_back, "{name}");
        // The request has ended: whatever event comes now, nothing is delivered, and nothing is given back twice.
        assert!(!flow.is_uncharged() && flow.payment().is_none(), "{name}");
        assert_eq!(responded(flow.handle_event(valid(), NOW)).status, 500, "{name}");
        assert_eq!(given_back_by(&mut flow), "", "{name}");
    }
}

#[test]
fn an_event_that_does_not_belong_ends_a_request_and_gives_back_what_it_had() {
    for (path, stop, _, charged, given_back) in ROWS {
        let name = format!("{path} at its action {stop}");
        let (mut flow, _) = brought(&mut world(), path, Some("0x01"), stop);
        let answer = responded(flow.handle_event(Event::Price(None), NOW));
        assert_eq!(
            (answer.status, body(&answer)["code"].as_str()),
            (500, Some("gate_out_of_step")),
            "{name}"
        );
        // An entry that was written stays: the reconciler looks into it.
        let expected = if given_back.starts_with("closed") || charged { "" } else { given_back };
        assert_eq!(given_back_by(&mut flow), expected, "{name}");
    }
}

#[test]
fn rule_22_who_waits_for_an_earlier_answer_is_not_charged_and_who_settles_a_debt_is() {
    // The payer's earlier answer is still going out; what is waited for is the state.
    let mut other = world();
    let _ = brought(&mut other, "/after", Some("0x09"), 4);
    let (mut flow, action) = brought(&mut other, "/after", Some("0x01"), 2);
    assert!(matches!(action, Action::Wait(_)));
    assert!(flow.client_left());
    let answer = responded(flow.handle_event(Event::ClientGone, NOW + 70));
    assert_eq!(
        (answer.status, given_back_by(&mut flow).as_str()),
        (499, ""),
        "nothing was reserved for it yet"
    );
    let timing = answer.headers.get("server-timing").unwrap();
    assert!(timing.ends_with("state;dur=70") && !timing.contains("plan"), "{timing}");
    // It waited until it was admitted, and is verified once more: now it holds a claim and an open delivery.
    for event in
        [Event::ClientGone, Event::Price(None), refused(), Event::Unanswered(FacilitatorError::TimedOut)]
    {
        let name = format!("{event:?}");
        let (mut flow, action) = waited_and_admitted();
        assert_eq!(kind(&action), "verify");
        let _ = responded(flow.handle_event(event, NOW));
        assert_eq!(given_back_by(&mut flow), "claim open", "{name}");
    }
    // A debt: from the moment that its settle is sent it may be charged.
    let mut other = world();
    other.settle = Some(refused());
    let token = token_of("1001", "nvm:erc4337", "0xb1", None);
    let _ = other.go(ask("GET", "/after", &[("payment-signature", &token)]));
    for stop in [2, 3] {
        let (mut flow, action) = brought(&mut other.copy(), "/after", Some("0x01"), stop);
        assert_eq!(kind(&action), ["settle", "state"][stop - 2]);
        let payment = flow.payment().unwrap();
        assert_eq!((payment.phase, payment.credits().to_string()), (Phase::Verified, "2".into()));
        assert!(!flow.client_left(), "{stop}");
        assert_eq!(responded(flow.handle_event(Event::ClientGone, NOW)).status, 500, "{stop}");
        assert_eq!(given_back_by(&mut flow), "", "{stop}");
    }
}

fn refused() -> Event {
    answered(402, &json!({ "code": "BCK.CREDITS.0003", "message": "no" }))
}

/// A request that waited for an earlier one, was admitted then, and is being verified once more.
fn waited_and_admitted() -> (RequestFlow, Action) {
    let mut world = world();
    let (mut first, _) = brought(&mut world, "/after", Some("0x09"), 3);
    let (mut flow, _) = brought(&mut world, "/after", Some("0x01"), 2);
    // The first one's state could not be reached: it gives back what it had.
    let _ = first.handle_event(Event::StateFailed, NOW);
    for note in first.take_deferred() {
        world.tell(&note);
    }
    let Action::State(admit) = flow.handle_event(Event::Waited, NOW) else { panic!("it asks again") };
    let action = flow.handle_event(Event::State(world.tell(&admit)), NOW);
    (flow, action)
}

#[test]
fn hooks_see_the_payment_as_far_as_it_has_come() {
    let mut world = world();
    for (stop, phase) in [
        (0, Some(Phase::Verifying)),
        (1, Some(Phase::Verified)),
        (2, Some(Phase::Verified)),
        (3, Some(Phase::Answered)),
        (4, None),
    ] {
        let (flow, _) = brought(&mut world.copy(), "/before", Some("0x01"), stop);
        let payment = flow.payment();
        assert_eq!(payment.map(|payment| payment.phase), phase, "{stop}");
        if let Some(payment) = payment {
            // Before the verify it is the token's word.
            assert_eq!(
                (payment.payer(), payment.credits().to_string()),
                (Some("0xb1"), "2".into()),
                "{stop}"
            );
        }
    }
    // An allowance pays for it once it was granted.
    let free = json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "free": { "perDay": 5, "by": "payer" } });
    let other = over(json!({ "GET /before": free }), &[]);
    let credits = |world: &mut World, stop| {
        let (flow, _) = brought(world, "/before", None, stop);
        flow.payment().unwrap().credits().to_string()
    };
    assert_eq!(credits(&mut other.copy(), 0), "2");
    assert_eq!(credits(&mut other.copy(), 2), "0");
    world.now = NOW;
}
