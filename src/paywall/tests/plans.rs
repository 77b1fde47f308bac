//! Rules 17 and 21: an offer says what the plan is paid with, or there is none.

use super::*;
use alloc::{format, string::ToString};

fn plan(crypto: Value, provider: Value) -> Value {
    json!({
        "id": "7", "registry": { "price": { "isCrypto": crypto } },
        "metadata": { "plan": { "fiatPaymentProvider": provider } },
    })
}

/// A gate with one route, with these members more, of a plan that nothing is known of.
fn strange(more: &str, over: &[(&str, &str)]) -> Gate {
    let routes = format!(r#"{{"GET /paid": {{"planId": "7", "credits": 1{more}}}}}"#);
    let over: Vec<_> = [("ROUTES", routes.as_str())].into_iter().chain(over.iter().copied()).collect();
    Gate::new(settings(&over).unwrap())
}

fn at(now: u64) -> RequestHead {
    RequestHead { now, ..ask("GET", "/paid", &[]) }
}

/// Scheme and network of an offer, else the code of the refusal.
fn offered(action: Action) -> String {
    let answer = responded(action);
    let said = body(&answer);
    match answer.status {
        402 => {
            let accept = &said["accepts"][0];
            format!("{} {}", accept["scheme"].as_str().unwrap(), accept["network"].as_str().unwrap())
        }
        _ => format!("{} {}", answer.status, said["code"].as_str().unwrap()),
    }
}

#[test]
fn what_the_plan_says_is_what_is_offered() {
    const UNKNOWN: &str = "503 plan_unknown";
    let null = || Value::Null;
    for (name, event, expected) in [
        ("crypto", answered(200, &plan(true.into(), null())), "nvm:erc4337 eip155:84532"),
        (
            "crypto, a provider aside",
            answered(200, &plan(true.into(), "stripe".into())),
            "nvm:erc4337 eip155:84532",
        ),
        ("card", answered(200, &plan(false.into(), null())), "nvm:card-delegation stripe"),
        ("card, stripe", answered(200, &plan(false.into(), "stripe".into())), "nvm:card-delegation stripe"),
        (
            "card, braintree",
            answered(200, &plan(false.into(), "braintree".into())),
            "nvm:card-delegation braintree",
        ),
        ("card, one to come", answered(200, &plan(false.into(), "vgs".into())), "nvm:card-delegation vgs"),
        (
            "card, of any letters",
            answered(200, &plan(false.into(), "psp-2_b".into())),
            "nvm:card-delegation psp-2_b",
        ),
        ("card, in upper case", answered(200, &plan(false.into(), "PSP".into())), UNKNOWN),
        ("card, too long", answered(200, &plan(false.into(), "p".repeat(33).into())), UNKNOWN),
        ("card, nonsense", answered(200, &plan(false.into(), "a b\r\n".into())), UNKNOWN),
        ("not said", answered(200, &plan(null(), null())), UNKNOWN),
        ("said in words", answered(200, &plan("true".into(), null())), UNKNOWN),
        ("no object", answered(200, &json!([])), UNKNOWN),
        ("no such plan", answered(404, &json!({ "code": "BCK.PROTOCOL.0003", "message": "no" })), UNKNOWN),
        ("broken", answered(500, &json!({})), UNKNOWN),
        ("busy", answered(429, &json!({})), UNKNOWN),
        ("a redirect", answered(302, &json!({})), UNKNOWN),
        ("slow", Event::Unanswered(FacilitatorError::TimedOut), UNKNOWN),
        ("unreachable", Event::Unanswered(FacilitatorError::Unreachable), UNKNOWN),
        ("unreadable", Event::Unanswered(FacilitatorError::Unreadable), UNKNOWN),
    ] {
        let gate = strange("", &[]);
        let (mut flow, action) = gate.open(&at(NOW));
        match action {
            Action::Call(call) => {
                assert_eq!(
                    (call.path.as_ref(), call.body, call.auth),
                    ("/api/v1/protocol/plans/7", None, api::Auth::Public)
                );
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(offered(flow.handle_event(event, NOW)), expected, "{name}");
        // An event out of turn is no way in.
        let (mut flow, _) = strange("", &[]).open(&at(NOW));
        assert_eq!(responded(flow.handle_event(origin(200), NOW)).status, 500, "{name}");
    }
    // With a token, the way goes on to verify; the token is for the plan as it turns out to be.
    for (crypto, expected) in [(true, "/api/v1/x402/verify"), (false, "payment_for_another_plan")] {
        let gate = gate(&[("ROUTES", r#"{"GET /paid": {"planId": "1001", "credits": 1}}"#)]);
        gate.shared.plans.clear();
        let (mut flow, _) = gate.open(&ask("GET", "/paid", &[("payment-signature", &token())]));
        let said = match flow.handle_event(answered(200, &plan(crypto.into(), null())), NOW) {
            Action::Call(call) => call.path.into_owned(),
            other => body(&responded(other))["code"].as_str().unwrap().to_string(),
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn what_the_configuration_says_is_not_asked() {
    for (more, environment, expected) in [
        (r#", "scheme": "nvm:erc4337""#, "custom", "nvm:erc4337 eip155:84532"),
        (r#", "scheme": "nvm:erc4337""#, "live", "nvm:erc4337 eip155:8453"),
        (r#", "network": "eip155:8453""#, "custom", "nvm:erc4337 eip155:8453"),
        (r#", "network": "braintree""#, "custom", "nvm:card-delegation braintree"),
        (r#", "scheme": "nvm:card-delegation", "network": "visa""#, "custom", "nvm:card-delegation visa"),
    ] {
        let url = if environment == "custom" { "http://127.0.0.1:3001" } else { "" };
        let gate = strange(more, &[("NVM_ENVIRONMENT", environment), ("NVM_API_URL", url)]);
        assert_eq!(offered(gate.open(&at(NOW)).1), expected, "{more}");
    }
    // A card has its provider from the plan, and nothing else.
    for (crypto, provider, expected) in [
        (false, "braintree", "nvm:card-delegation braintree"),
        (false, "", "nvm:card-delegation stripe"),
        (true, "", "nvm:card-delegation stripe"),
    ] {
        let gate = strange(r#", "scheme": "nvm:card-delegation""#, &[]);
        let (mut flow, action) = gate.open(&at(NOW));
        assert!(matches!(action, Action::Call(_)));
        let provider = if provider.is_empty() { Value::Null } else { provider.into() };
        let action = flow.handle_event(answered(200, &plan(crypto.into(), provider)), NOW);
        assert_eq!(offered(action), expected);
    }
}

#[test]
fn nothing_is_asked_before_a_paid_route_is() {
    let gate = strange("", &[("UNLISTED", "pass")]);
    assert!(gate.stale_plan(NOW).is_none());
    for (method, path) in
        [("GET", "/health"), ("GET", "/else"), ("OPTIONS", "/paid"), ("POST", "/paid"), ("GET", "/paid;x")]
    {
        let action = gate.open(&ask(method, path, &[])).1;
        assert!(!matches!(action, Action::Call(_)), "{method} {path}");
    }
    assert!(gate.stale_plan(NOW).is_none());
}

#[test]
fn what_is_known_is_used_while_it_is_asked_again() {
    let gate = strange("", &[]);
    let (mut flow, _) = gate.open(&at(NOW));
    assert_eq!(
        offered(flow.handle_event(answered(200, &plan(true.into(), Value::Null)), NOW)),
        "nvm:erc4337 eip155:84532"
    );
    let crypto = |now: u64| assert_eq!(offered(gate.open(&at(now)).1), "nvm:erc4337 eip155:84532");
    crypto(NOW + 299_999);
    assert!(gate.stale_plan(NOW + 299_999).is_none());
    // Too old: used all the same, and asked for once.
    let later = NOW + 300_000;
    crypto(later);
    let query = gate.stale_plan(later).unwrap();
    assert_eq!(query.request.path, "/api/v1/protocol/plans/7");
    assert!(gate.stale_plan(later + 4_999).is_none());
    crypto(later + 1);
    // It failed: the last that was known, and asked for again after a pause.
    for answer in [None, Some(api::Response { status: 500, ..api::Response::default() })] {
        gate.learn(&query, answer.as_ref(), later + 5);
        crypto(later + 6);
    }
    let query = gate.stale_plan(later + 5_000).unwrap();
    // It says otherwise now.
    let body = plan(false.into(), "visa".into()).to_string();
    gate.learn(&query, Some(&api::Response { status: 200, body, correlation_id: None }), later + 6_000);
    assert_eq!(offered(gate.open(&at(later + 6_001)).1), "nvm:card-delegation visa");
    assert!(gate.stale_plan(later + 6_001).is_none());
}

#[test]
fn a_burst_asks_for_a_plan_once() {
    let gate = strange("", &[]);
    let (mut first, action) = gate.open(&at(NOW));
    assert!(matches!(action, Action::Call(_)));
    let mut others: Vec<_> = (0..20).map(|index| gate.open(&at(NOW + index)).0).collect();
    // They look now and then whether it is there.
    for round in 1..100 {
        for flow in &mut others {
            assert!(
                matches!(flow.handle_event(Event::Waited, NOW + 20 * round), Action::Wait(20)),
                "{round}"
            );
        }
    }
    let said = plan(true.into(), Value::Null);
    assert_eq!(offered(first.handle_event(answered(200, &said), NOW + 2_000)), "nvm:erc4337 eip155:84532");
    for flow in &mut others {
        let action = flow.handle_event(Event::Waited, NOW + 2_010);
        let Action::Respond(answer) = &action else { panic!("{action:?}") };
        // It is one wait, however often they looked.
        let timing = answer.headers.get("server-timing").unwrap();
        assert!(timing.starts_with("plan;dur=") && !timing.contains(','), "{timing}");
        assert_eq!(offered(action), "nvm:erc4337 eip155:84532");
    }
}

#[test]
fn who_waits_for_a_request_that_is_gone_asks_itself() {
    let gate = strange("", &[]);
    drop(gate.open(&at(NOW)));
    let mut others: Vec<_> = (0..3).map(|index| gate.open(&at(NOW + index)).0).collect();
    for flow in &mut others {
        assert!(matches!(flow.handle_event(Event::Waited, NOW + 2_999), Action::Wait(_)));
    }
    // One of them: it is the one that the others wait for now.
    let actions: Vec<_> =
        others.iter_mut().map(|flow| flow.handle_event(Event::Waited, NOW + 3_000)).collect();
    assert!(matches!(&actions[..], [Action::Call(_), Action::Wait(_), Action::Wait(_)]), "{actions:?}");
    let said = plan(true.into(), Value::Null);
    assert_eq!(
        offered(others[0].handle_event(answered(200, &said), NOW + 3_100)),
        "nvm:erc4337 eip155:84532"
    );
    for flow in &mut others[1..] {
        assert_eq!(offered(flow.handle_event(Event::Waited, NOW + 3_120)), "nvm:erc4337 eip155:84532");
    }
    // A clock that was set back is no reason to wait for it.
    let gate = strange("", &[]);
    drop(gate.open(&at(NOW)));
    assert!(matches!(gate.open(&at(NOW - 1)).1, Action::Call(_)));
}

#[test]
fn a_platform_that_is_down_is_not_asked_by_every_buyer() {
    let gate = strange("", &[]);
    let (mut first, action) = gate.open(&at(NOW));
    assert!(matches!(action, Action::Call(_)));
    // A request after the wait for the first one asks too.
    let (mut second, action) = gate.open(&at(NOW + 3_000));
    assert!(matches!(action, Action::Call(_)));
    let (mut third, action) = gate.open(&at(NOW + 5_999));
    assert!(matches!(action, Action::Wait(_)));
    assert_eq!(
        offered(first.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW + 10_000)),
        "503 plan_unknown"
    );
    // Then nobody waits for some seconds.
    assert_eq!(offered(third.handle_event(Event::Waited, NOW + 10_001)), "503 plan_unknown");
    assert_eq!(offered(gate.open(&at(NOW + 10_001)).1), "503 plan_unknown");
    assert_eq!(offered(gate.open(&at(NOW + 14_999)).1), "503 plan_unknown");
    // The other's answer came: it helps all.
    assert_eq!(
        offered(second.handle_event(answered(200, &plan(true.into(), Value::Null)), NOW + 15_000)),
        "nvm:erc4337 eip155:84532"
    );
    assert_eq!(offered(gate.open(&at(NOW + 15_001)).1), "nvm:erc4337 eip155:84532");
    let gate = strange("", &[]);
    let (mut flow, _) = gate.open(&at(NOW));
    assert_eq!(offered(flow.handle_event(answered(503, &json!({})), NOW)), "503 plan_unknown");
    assert!(matches!(gate.open(&at(NOW + 5_000)).1, Action::Call(_)), "after the pause");
    // A clock that was set back.
    assert!(matches!(gate.open(&at(NOW - 1)).1, Action::Call(_)));
}
