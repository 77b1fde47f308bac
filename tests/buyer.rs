//! The rules of money 1 to 13, as tables: a [`Buyer`] against a scripted seller and platform, in virtual time.

mod world;

use payments_wasm::subscriber::{
    Approval, Event, FetchError, FetchRequest, NoticeKind, Outcome, Policy, Redirected, Redirects,
};
use payments_wasm::wire::Credits;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use world::{Seller, World, offer, receipt, token};

fn yes() -> Approval {
    Approval { approve: true, ..Approval::default() }
}

fn buy() -> Approval {
    Approval { approve: true, purchase: true, ..Approval::default() }
}

#[test]
fn rule_1_what_is_not_a_402_comes_back_untouched() {
    for status in [200, 204, 301, 400, 401, 403, 404, 500, 503] {
        let mut world = World::new().seller(move |_, _| Seller::status(status));
        let fetch = world.fetch("GET", "/free");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{status}");
        assert_eq!((world.sends, world.mints, world.orders), (1, 0, 0), "{status}");
        assert_eq!(end.spend.outcome, Outcome::None);
    }
}

#[test]
fn rule_2_an_offer_is_read_from_the_header_else_the_body_and_refused_by_name() {
    let long = "A".repeat(90_000);
    let json = offer("plan", 2);
    // Name, header, body, what is wrong with it.
    type Case = (&'static str, Option<String>, Option<String>, Option<&'static str>);
    let cases: Vec<Case> = vec![
        ("header", Some(world::encode(&json)), None, None),
        ("url-safe header without padding", Some(world::encode_url(&json)), None, None),
        ("body", None, Some(json.clone()), None),
        ("neither", None, None, Some("payment-required is missing")),
        ("body that is no x402", None, Some("{}".into()), Some("x402Version is missing")),
        ("html body", None, Some("<html>".into()), Some("payment-required is not JSON")),
        ("empty header", Some(String::new()), None, Some("payment-required is missing")),
        ("not base64", Some("!!!".into()), None, Some("payment-required is not base64")),
        ("too large", Some(long), None, Some("payment-required is too large")),
        ("not JSON", Some("YWJj".into()), None, Some("payment-required is not JSON")),
        (
            "an unsafe plan id",
            Some(world::encode(&json.replace("\"plan\"", "\"../x\""))),
            None,
            Some("accepts[1].planId has a value it cannot have"),
        ),
    ];
    for (name, header, body, wrong) in cases {
        let (mut first, body) = (Seller::status(402), body);
        first.offer = header;
        let mut world = World::new().body(body).seller(move |send, _| match &send.token {
            None => first.clone(),
            Some(_) => Seller::paid(2, 98),
        });
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        match wrong {
            None => assert!(end.result.is_ok(), "{name}: {:?}", end.result),
            Some(wrong) => {
                let error = end.result.unwrap_err();
                assert_eq!(error.code(), "malformed_offer", "{name}");
                assert!(error.message().ends_with(wrong), "{name}: {}", error.message());
                assert_eq!((world.mints, world.orders), (0, 0), "{name}");
            }
        }
    }
}

#[test]
fn rule_3_nothing_is_paid_without_consent() {
    let limit = |credits: u64| Some(Credits::from(credits));
    let policy = |policy: Policy| Some(policy);
    type Row = (&'static str, Option<Approval>, Option<Policy>, u64, Result<(), &'static str>, u32);
    let rows: Vec<Row> = vec![
        ("asked: yes", Some(yes()), None, 100, Ok(()), 0),
        ("asked: no", Some(Approval::default()), None, 100, Err("consent_denied"), 0),
        ("asked: buy, and there is enough", Some(buy()), None, 100, Ok(()), 0),
        ("asked: buy, and there is nothing", Some(buy()), None, 0, Ok(()), 1),
        ("nobody asked, credits held", None, None, 2, Ok(()), 0),
        ("nobody asked, too few held", None, None, 1, Err("insufficient_credits"), 0),
        ("policy allows", None, policy(Policy::default()), 100, Ok(()), 0),
        (
            "policy: price within",
            None,
            policy(Policy { max_credits_per_request: limit(2), ..Policy::default() }),
            100,
            Ok(()),
            0,
        ),
        (
            "policy: price above",
            None,
            policy(Policy { max_credits_per_request: limit(1), ..Policy::default() }),
            100,
            Err("budget_exceeded"),
            0,
        ),
        (
            "a limit holds whoever says yes",
            Some(buy()),
            policy(Policy { max_credits_total: limit(1), ..Policy::default() }),
            100,
            Err("budget_exceeded"),
            0,
        ),
        (
            "policy: another plan",
            None,
            policy(Policy { plans: vec!["other".into()], ..Policy::default() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy: another origin",
            None,
            policy(Policy { origins: vec!["https://other.example".into()], ..Policy::default() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy: another network",
            None,
            policy(Policy { networks: vec!["eip155:8453".into()], ..Policy::default() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy: another scheme",
            None,
            policy(Policy { schemes: vec!["nvm:card-delegation".into()], ..Policy::default() }),
            100,
            Err("no_payable_offer"),
            0,
        ),
        (
            "policy without purchase buys nothing",
            None,
            policy(Policy::default()),
            0,
            Err("payment_refused"),
            0,
        ),
        (
            "policy with purchase buys",
            None,
            policy(Policy { purchase: true, ..Policy::default() }),
            0,
            Ok(()),
            1,
        ),
    ];
    for (name, approval, policy, balance, expected, orders) in rows {
        let mut world = World::new().balance(balance);
        world.approval = approval;
        world.policy = policy;
        world.told_balance = true;
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(world.orders, orders, "{name}");
        if expected.is_err() {
            assert_eq!(world.burned, 0, "{name}");
            assert_eq!(end.spend.outcome, Outcome::None, "{name}");
        }
    }
}

#[test]
fn rule_3_the_limits_of_an_instance_hold_beside_those_of_a_call() {
    for (name, own, others, code) in [
        ("both allow", 5, 5, None),
        ("the call's forbids", 1, 5, Some("budget_exceeded")),
        ("the instance's forbids", 5, 1, Some("budget_exceeded")),
    ] {
        let limit = |credits: u64| {
            Some(Policy { max_credits_total: Some(Credits::from(credits)), ..Policy::default() })
        };
        let mut world = World::new().balance(100);
        world.policy = limit(own);
        let target = world::target(world::ORIGIN, "/ask");
        world.request = Some(FetchRequest { limits: limit(others), ..FetchRequest::new(target, "GET") });
        let fetch = world.fetch("GET", "/ask");
        assert_eq!(
            world.run_one(fetch).result.err().map(|error| error.code().to_string()).as_deref(),
            code,
            "{name}"
        );
    }
    let mut world = World::new().balance(100);
    world.policy = Some(Policy::default());
    let target = world::target(world::ORIGIN, "/ask");
    let limits = Some(Policy { plans: vec!["other".into()], ..Policy::default() });
    world.request = Some(FetchRequest { limits, ..FetchRequest::new(target, "GET") });
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "no_payable_offer");
}

#[test]
fn rule_6_a_redirect_keeps_the_method_as_fetch_does() {
    // (method, status, whether what is sent elsewhere is a GET without a body)
    for (method, status, as_get) in [
        ("POST", 301, true),
        ("POST", 302, true),
        ("POST", 303, true),
        ("POST", 307, false),
        ("PUT", 301, false),
        ("DELETE", 302, false),
        ("PUT", 303, true),
        ("PATCH", 308, false),
        ("GET", 303, false),
    ] {
        let seen = std::rc::Rc::new(std::cell::Cell::new(None));
        let (other, saw) = (world::target("https://other.example", "/"), seen.clone());
        let mut world = World::new().balance(100).seller(move |send, _| {
            if send.target.as_ref().is_some_and(|target| target.origin != world::ORIGIN) {
                saw.set(Some(send.as_get));
                return Seller::status(200);
            }
            match &send.token {
                None => Seller::offer(&offer("plan", 2)),
                Some(_) => Seller::redirect(status, Redirected::To(other.clone())),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch(method, "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{method} {status}");
        assert_eq!(seen.get(), Some(as_get), "{method} {status}");
    }
}

#[test]
fn rule_3_credits_held_are_promised_once() {
    // Five fetches of two credits each, nobody asked, five credits held: two may pay, whatever stage they are in.
    for hold_paid in [false, true] {
        let mut world = World::new().balance(5);
        world.hold_paid = hold_paid;
        let mut fetches: Vec<_> = (0..3).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        if hold_paid {
            fetches.extend((0..2).map(|_| world.fetch("POST", "/ask")));
            world.run();
            world.hold_paid = false;
            world.run();
        }
        let ends: Vec<_> = fetches.into_iter().map(|fetch| world.end(fetch).result).collect();
        assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 2, "held back: {hold_paid}");
        for error in ends.iter().filter_map(|end| end.as_ref().err()) {
            assert_eq!(error.code(), "insufficient_credits");
        }
        assert_eq!(world.burned, 4);
    }
}

#[test]
fn rule_3_what_is_promised_of_one_plan_is_not_taken_from_another() {
    let asked = std::cell::Cell::new(0);
    let mut world = World::new().seller(move |send, _| match &send.token {
        None => Seller::offer(&offer(if asked.replace(asked.get() + 1) == 0 { "one" } else { "two" }, 2)),
        Some(_) => Seller::paid(2, 0),
    });
    world.plans = [("one", 2), ("two", 2)].map(|(plan, held)| (plan.to_string(), Some((held, 0.1)))).into();
    world.hold_paid = true;
    let first = world.fetch("POST", "/first");
    world.run();
    let second = world.fetch("POST", "/second");
    world.run();
    world.hold_paid = false;
    world.run();
    assert!(world.end(first).result.is_ok());
    assert!(world.end(second).result.is_ok());
}

#[test]
fn a_balance_in_doubt_is_read_again() {
    // (name, what a paid request is answered, looks at the balance over two fetches)
    let no_balance =
        world::encode(r#"{"success":true,"transaction":"0x1","network":"n","creditsRedeemed":"2"}"#);
    for (name, answer, looks) in [
        ("a receipt says it", Seller::paid(2, 98), 1),
        ("a receipt does not say it", Seller::receipt(200, no_balance), 2),
        ("no receipt", Seller::status(200), 2),
        ("the connection died", Seller::lost(), 2),
        ("refused as a client error", Seller::status(404), 1),
    ] {
        let mut world = World::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => answer.clone(),
        });
        for _ in 0..2 {
            let fetch = world.fetch("POST", "/ask");
            world.run_one(fetch);
        }
        assert_eq!(world.platform_calls - world.mints, looks, "{name}");
    }
}

#[test]
fn rule_3_a_price_that_nobody_says_breaks_a_limit() {
    let mut world =
        World::new().balance(100).seller(|_, _| Seller::offer(&world::offer_without_price("plan")));
    world.policy = Some(Policy { max_credits_per_request: Some(Credits::from(5)), ..Policy::default() });
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "budget_exceeded");
}

#[test]
fn rule_4_a_hundred_first_fetches_cause_one_mint_and_one_order() {
    for (balance, orders) in [(1_000, 0), (0, 1)] {
        let mut world = World::new().balance(balance);
        world.plan_credits = 1_000;
        world.approval = Some(buy());
        world.told_balance = true;
        let fetches: Vec<_> = (0..100).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        for fetch in fetches {
            let end = world.end(fetch);
            assert!(end.result.is_ok(), "{:?}", end.result);
            assert_eq!(end.spend.outcome, Outcome::Settled);
        }
        assert_eq!((world.mints, world.orders, world.burned), (1, orders, 200));
        assert_eq!(world.buyer.budget().total(), Credits::from(200));
    }
}

#[test]
fn rule_5_a_cold_call_is_three_round_trips_and_a_warm_one_is_one() {
    let mut world = World::new().balance(100);
    world.approval = Some(yes());
    let first = world.fetch("POST", "/ask");
    let end = world.run_one(first);
    assert_eq!((world.sends, world.mints, world.platform_calls), (2, 1, 1));
    assert_eq!((end.spend.requests, end.spend.mints), (2, 1));
    let second = world.fetch("POST", "/ask");
    let end = world.run_one(second);
    assert!(end.result.is_ok());
    assert_eq!((world.sends, world.mints, world.platform_calls), (3, 1, 1));
    assert_eq!(end.spend.requests, 1);
}

#[test]
fn rule_5_terms_are_known_by_method_origin_and_path() {
    let other_origin = || Some(FetchRequest::new(world::target("https://other.example", "/ask"), "POST"));
    // (name, method, path, elsewhere, requests without a token)
    for (name, method, path, elsewhere, bare) in [
        ("the same", "POST", "/ask", false, 0),
        ("another method", "GET", "/ask", false, 1),
        ("another path", "POST", "/other", false, 1),
        ("another origin", "POST", "/ask", true, 1),
    ] {
        let mut world = World::new().balance(100);
        world.approval = Some(yes());
        let first = world.fetch("POST", "/ask");
        world.run_one(first);
        let before = world.sends - world.paid_sends;
        world.request = elsewhere.then(other_origin).flatten();
        let second = world.fetch(method, path);
        assert!(world.run_one(second).result.is_ok());
        assert_eq!(world.sends - world.paid_sends - before, bare, "{name}");
        assert_eq!(world.mints, if elsewhere { 2 } else { 1 }, "a token stays at its origin: {name}");
    }
}

#[test]
fn rule_5_terms_that_were_refused_are_asked_for_anew_and_others_stay_known() {
    let mut world = World::new().balance(1_000).seller(|send, world| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) if world.paid_sends == 3 || world.paid_sends == 4 => Seller::offer(&offer("plan", 2)),
        Some(_) => Seller::paid(2, 98),
    });
    world.approval = Some(yes());
    for path in ["/a", "/b"] {
        let fetch = world.fetch("POST", path);
        assert!(world.run_one(fetch).result.is_ok());
    }
    let refused = world.fetch("POST", "/a");
    assert_eq!(world.run_one(refused).result.unwrap_err().code(), "payment_refused");
    for (path, requests) in [("/a", 2), ("/b", 1), ("/a", 1)] {
        let fetch = world.fetch("POST", path);
        assert_eq!(world.run_one(fetch).spend.requests, requests, "{path}");
    }
}

#[test]
fn rule_5_a_single_use_token_is_never_presented_twice() {
    let mut world = World::new().balance(1_000);
    world.approval = Some(yes());
    world.single_use = true;
    let fetches: Vec<_> = (0..20).map(|_| world.fetch("POST", "/ask")).collect();
    world.run();
    let more = world.fetch("POST", "/ask");
    world.run();
    for fetch in fetches.into_iter().chain([more]) {
        assert!(world.end(fetch).result.is_ok());
    }
    assert_eq!(world.mints, 21);
    assert_eq!(world.presented.len(), 21);
    let mut unique = world.presented.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 21);
}

#[test]
fn rule_5_a_refused_token_is_minted_anew_once_and_three_sends_are_the_most() {
    // (name, which paid sends are refused, whether it ends well, sends, mints)
    for (name, refused, ok, sends, mints) in
        [("none", 0, true, 2, 1), ("one", 1, true, 3, 2), ("all", 9, false, 3, 2)]
    {
        let mut world = World::new().balance(100).seller(move |send, world| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if world.paid_sends <= refused => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::paid(2, 98),
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.is_ok(), ok, "{name}");
        assert_eq!((world.sends, world.mints), (sends, mints), "{name}");
        assert_eq!(world.asked, 1, "the same terms need no second consent: {name}");
        let spent = if ok { 2 } else { 0 };
        assert_eq!(world.buyer.budget().total(), Credits::from(spent), "{name}");
    }
}

#[test]
fn rule_5_dearer_terms_after_a_refusal_need_a_new_consent() {
    let mut world = World::new().balance(100).seller(|send, world| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) if world.paid_sends == 1 => Seller::offer(&offer("plan", 50)),
        Some(_) => Seller::paid(50, 50),
    });
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.asked, 2);
    assert_eq!(world.buyer.budget().total(), Credits::from(50));
}

#[test]
fn rule_6_a_token_goes_only_where_it_was_meant_to() {
    // (name, method, redirect, status, tokens seen by the other origin, ends as)
    let other = world::target("https://evil.example", "/catch");
    let near = world::target(world::ORIGIN, "/moved");
    let rows = [
        ("within the origin", "GET", Redirected::To(near.clone()), 307, Ok(())),
        ("within the origin, POST kept", "POST", Redirected::To(near), 308, Ok(())),
        ("elsewhere", "GET", Redirected::To(other.clone()), 302, Ok(())),
        ("elsewhere, POST", "POST", Redirected::To(other), 303, Ok(())),
        ("somewhere, POST", "POST", Redirected::Somewhere, 0, Err("redirected_while_paying")),
    ];
    for (name, method, to, status, expected) in rows {
        let goes = to.clone();
        let mut world = World::new().balance(100).seller(move |send, _| {
            let at = send.target.as_ref().map_or(world::ORIGIN, |target| &target.origin);
            let path = send.target.as_ref().map_or("/ask", |target| &target.path);
            if at != world::ORIGIN {
                assert!(send.token.is_none(), "a token left its origin");
                return Seller::status(200);
            }
            match (&send.token, path) {
                (None, _) => Seller::offer(&offer("plan", 2)),
                (Some(_), "/moved") => Seller::paid(2, 98),
                (Some(_), _) => Seller::redirect(status, goes.clone()),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch(method, "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert!(world.all_paid_sends_were_manual, "{name}");
    }
}

#[test]
fn rule_6_no_token_over_plain_http_to_another_machine() {
    let mut world = World::new().balance(100).seller(|_, _| {
        let mut answer = Seller::offer(&offer("plan", 2));
        answer.target = Some(world::target("http://api.example", "/ask"));
        answer
    });
    world.approval = Some(yes());
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "insecure_target");
    assert_eq!((world.mints, world.asked), (0, 0));
}

#[test]
fn rule_8_and_9_every_end_says_what_was_spent() {
    // (name, abort instead of answering the n-th action, outcome)
    let mut world = World::new().balance(100).seller(|send, _| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) => Seller::lost(),
    });
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    let end = world.run_one(fetch);
    assert_eq!(end.result.unwrap_err().code(), "outcome_unknown");
    assert_eq!(end.spend.outcome, Outcome::Unknown);
    assert_eq!(world.buyer.budget().total(), Credits::from(2), "what may be gone counts");

    for (name, stop_at, outcome, budget) in [
        ("bare", 0, Outcome::None, 0),
        ("while asked", 1, Outcome::None, 0),
        ("while paying", 2, Outcome::Unknown, 2),
    ] {
        let mut world = World::new().balance(100);
        world.approval = Some(yes());
        world.abort_at = Some(stop_at);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), "aborted", "{name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(budget), "{name}");
    }
}

#[test]
fn rule_8_an_aborted_leader_does_not_stop_those_who_wait_for_its_mint() {
    let mut world = World::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    let (first, second) = (world.fetch("POST", "/ask"), world.fetch("POST", "/ask"));
    world.run();
    world.buyer.on(first, Event::Aborted, world.now);
    world.hold_jobs = false;
    world.run();
    assert_eq!(world.end(first).result.unwrap_err().code(), "aborted");
    assert!(world.end(second).result.is_ok());
    assert_eq!(world.mints, 1);
}

#[test]
fn rule_9_what_an_answer_says_about_the_money() {
    let rows = [
        ("a receipt", Seller::paid(2, 98), Outcome::Settled, 2),
        ("a receipt that says less", Seller::paid(1, 99), Outcome::Settled, 1),
        ("delivered, settlement refused", Seller::receipt(200, receipt(false, 0, 0)), Outcome::None, 0),
        ("delivered without a receipt", Seller::status(200), Outcome::Unknown, 2),
        ("a receipt that is garbage", Seller::receipt(200, "!!".into()), Outcome::Unknown, 2),
        ("server error", Seller::status(500), Outcome::Unknown, 2),
        ("client error", Seller::status(404), Outcome::None, 0),
    ];
    for (name, answer, outcome, budget) in rows {
        let mut world = World::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => answer.clone(),
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "rule 11: {name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(budget), "{name}");
    }
}

#[test]
fn rule_10_one_call_does_the_whole_way_and_an_unclear_order_is_not_repeated() {
    // (name, the order's answer, when the credits appear, ends as, orders)
    for (name, answer, credits_after_ms, expected, orders) in [
        ("at once", Some((200, r#"{"success":true,"txHash":"0x1"}"#)), 0, Ok(()), 1),
        ("after a while", Some((201, r#"{"success":true}"#)), 9_000, Ok(()), 1),
        ("never", Some((200, r#"{"success":true}"#)), u64::MAX, Err("credits_timeout"), 1),
        ("refused", Some((400, r#"{"code":"BCK.PROTOCOL.0005"}"#)), 0, Err("BCK.PROTOCOL.0005"), 1),
        ("said no", Some((200, r#"{"success":false}"#)), 0, Err("order_refused"), 1),
        ("broke", Some((500, "oops")), 0, Err("purchase_outcome_unknown"), 1),
        ("lost", None, 0, Err("purchase_outcome_unknown"), 1),
    ] {
        let mut world = World::new().balance(0);
        world.approval = Some(buy());
        world.told_balance = true;
        world.order_answer = answer.map(|(status, body)| (status, body.to_string()));
        world.credits_after_ms = credits_after_ms;
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(world.orders, orders, "{name}");
        if expected == Ok(()) {
            assert_eq!(end.spend.purchases.len(), 1, "{name}");
            assert_eq!(world.mints, 1, "{name}");
        } else {
            assert_eq!(world.presented.len(), 0, "{name}");
        }
    }
}

#[test]
fn rule_12_concurrent_requests_cannot_together_exceed_a_limit() {
    let mut world = World::new().balance(1_000);
    world.policy = Some(Policy { max_credits_total: Some(Credits::from(9)), ..Policy::default() });
    let fetches: Vec<_> = (0..10).map(|_| world.fetch("POST", "/ask")).collect();
    world.run();
    let ends: Vec<_> = fetches.into_iter().map(|fetch| world.end(fetch)).collect();
    assert_eq!(ends.iter().filter(|end| end.result.is_ok()).count(), 4);
    assert_eq!(world.burned, 8);
    for end in ends.iter().filter_map(|end| end.result.as_ref().err()) {
        assert_eq!(end.code(), "budget_exceeded");
    }
}

#[test]
fn rule_12_limits_by_the_hour_and_the_day_let_go_with_time() {
    const HOUR: u64 = 3_600_000;
    let limit = |credits: u64| Some(Credits::from(credits));
    let mut world = World::new().balance(1_000);
    world.now = 40 * HOUR;
    world.policy =
        Some(Policy { max_credits_per_hour: limit(4), max_credits_per_day: limit(7), ..Policy::default() });
    // (hours that pass before, which limit stands against it); two credits each
    for (step, (hours, broken)) in [
        (0, None),
        (0, None),
        (0, Some("maxCreditsPerHour")),
        (2, None),
        (0, Some("maxCreditsPerDay")),
        (21, Some("maxCreditsPerDay")),
        (2, None),
        (0, None),
        (0, Some("maxCreditsPerHour")),
    ]
    .into_iter()
    .enumerate()
    {
        world.now += hours * HOUR;
        let fetch = world.fetch("POST", "/ask");
        let said = world.run_one(fetch).result.err().map(|error| error.message());
        let expected = broken.map(|limit| format!("the offer exceeds the policy's {limit}"));
        assert_eq!(said, expected, "step {step}");
    }
    assert_eq!(world.buyer.budget().spent(), Credits::from(10));
}

#[test]
fn what_was_spent_is_told_by_origin_and_plan_and_payment() {
    let mut world = World::new().balance(1_000);
    world.approval = Some(yes());
    for path in ["/ask", "/other"] {
        let fetch = world.fetch("POST", path);
        world.run_one(fetch);
    }
    let free = World::new().seller(|_, _| Seller::status(200));
    assert_eq!(free.buyer.records().len(), 0);
    let budget = world.buyer.budget();
    assert_eq!(budget.by_origin(), [(world::ORIGIN.to_string(), Credits::from(4))]);
    assert_eq!(budget.by_plan(), [(world::plan("plan"), Credits::from(4))]);
    let records: Vec<_> = world.buyer.records().iter().collect();
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].offer.target.path.as_str(), records[0].settled), ("/ask", Some(Credits::from(2))));
    assert_eq!((records[1].outcome, records[1].transaction.as_deref()), (Outcome::Settled, Some("0x1")));
}

#[test]
fn rule_13_logout_drops_the_tokens_and_ends_what_is_under_way() {
    let mut world = World::new().balance(100);
    world.approval = Some(yes());
    let first = world.fetch("POST", "/ask");
    world.run_one(first);
    world.buyer.log_out();
    let after = world.fetch("POST", "/ask");
    let end = world.run_one(after);
    assert_eq!(end.result.unwrap_err().code(), "unauthorized");
    assert_eq!(world.presented.len(), 1);

    let mut world = World::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    let under_way = world.fetch("POST", "/ask");
    world.run();
    world.buyer.log_out();
    world.hold_jobs = false;
    world.run();
    assert_eq!(world.end(under_way).result.unwrap_err().code(), "session_ended");
    assert_eq!(world.presented.len(), 0);
}

#[test]
fn a_remembered_approval_is_not_asked_for_again() {
    let mut world = World::new().balance(1_000).seller(|send, _| {
        let price = if send.target.is_none() { 2 } else { 3 };
        match &send.token {
            None => Seller::offer(&offer("plan", price)),
            Some(_) => Seller::paid(price, 90),
        }
    });
    world.approval = Some(Approval { approve: true, remember: true, ..Approval::default() });
    for path in ["/ask", "/ask", "/other"] {
        let fetch = world.fetch("POST", path);
        assert!(world.run_one(fetch).result.is_ok());
    }
    assert_eq!(world.asked, 1);
}

#[test]
fn a_remembered_approval_pays_and_does_not_buy() {
    // (name, what the buyer knows of the balance before the second fetch, asked in all, orders in all)
    for (name, left, knows) in [("known to be short", 1, true), ("found to be short by a refusal", 0, false)]
    {
        let mut world = World::new().balance(2 + left);
        world.plan_credits = 10;
        world.approval = Some(Approval { remember: true, ..buy() });
        world.told_balance = true;
        let first = world.fetch("POST", "/ask");
        assert!(world.run_one(first).result.is_ok());
        assert_eq!((world.asked, world.orders), (1, 0), "{name}");
        if !knows {
            world.now += 60_000;
        }
        let second = world.fetch("POST", "/ask");
        assert!(world.run_one(second).result.is_ok(), "{name}");
        assert_eq!((world.asked, world.orders), (2, 1), "{name}");
    }
}

/// An offer of several plans, `(plan, credits)`, in that order.
fn offers(plans: &[(&str, u64)]) -> String {
    let entries: Vec<String> = plans
        .iter()
        .map(|(plan, credits)| {
            format!(
                r#"{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"{plan}","extra":{{"credits":"{credits}"}}}}"#
            )
        })
        .collect();
    format!(r#"{{"x402Version":2,"resource":{{"url":"/ask"}},"accepts":[{}]}}"#, entries.join(","))
}

#[test]
fn among_several_offers_what_is_held_comes_first_then_the_price_then_the_order() {
    type Row =
        (&'static str, Vec<(&'static str, u64)>, Vec<(&'static str, Option<(u64, f64)>)>, &'static str);
    let rows: Vec<Row> = vec![
        ("held", vec![("a", 2), ("b", 2)], vec![("a", Some((0, 0.01))), ("b", Some((5, 9.0)))], "b"),
        (
            "held by none: the price",
            vec![("a", 2), ("b", 2)],
            vec![("a", Some((0, 0.5))), ("b", Some((1, 0.1)))],
            "b",
        ),
        (
            "held by both: the price",
            vec![("a", 9), ("b", 2)],
            vec![("a", Some((9, 0.1))), ("b", Some((9, 0.2)))],
            "b",
        ),
        (
            "a dear credit, few of them",
            vec![("a", 100), ("b", 1)],
            vec![("a", Some((0, 0.1))), ("b", Some((0, 1.0)))],
            "b",
        ),
        (
            "alike: the seller's order",
            vec![("a", 2), ("b", 2)],
            vec![("a", Some((9, 0.1))), ("b", Some((9, 0.1)))],
            "a",
        ),
        ("not to be learned", vec![("a", 2), ("b", 2)], vec![("a", None), ("b", Some((0, 0.1)))], "b"),
        ("nothing to be learned", vec![("a", 2), ("b", 2)], vec![("a", None), ("b", None)], "a"),
    ];
    for (name, accepts, plans, taken) in rows {
        let json = offers(&accepts);
        let mut world = World::new().seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::paid(2, 1),
        });
        world.policy = Some(Policy::default());
        world.plans = plans.into_iter().map(|(plan, held)| (plan.to_string(), held)).collect();
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        assert!(world.mint_bodies[0].contains(&format!(r#""planId":"{taken}""#)), "{name}");
        assert!(world.choices.is_empty());
    }
}

#[test]
fn whoever_is_to_choose_chooses() {
    for (choice, expected) in
        [(Some(1), Ok("b")), (Some(2), Err("consent_denied")), (None, Err("consent_denied"))]
    {
        let json = offers(&[("a", 2), ("b", 2)]);
        let mut world = World::new().seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::paid(2, 1),
        });
        world.policy = Some(Policy::default());
        world.select = choice;
        world.request = Some(FetchRequest {
            can_select: true,
            ..FetchRequest::new(world::target(world::ORIGIN, "/ask"), "GET")
        });
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(world.choices, [["a", "b"]]);
        match expected {
            Ok(plan) => assert!(world.mint_bodies[0].contains(&format!(r#""planId":"{plan}""#))),
            Err(code) => assert_eq!(end.result.unwrap_err().code(), code),
        }
    }
}

#[test]
fn a_quote_says_the_terms_and_does_nothing() {
    let json = offers(&[("a", 2), ("b", 3)]);
    let mut world = World::new().seller(move |_, _| Seller::offer(&json));
    world.approval = Some(buy());
    world.request =
        Some(FetchRequest { quote: true, ..FetchRequest::new(world::target(world::ORIGIN, "/ask"), "GET") });
    let fetch = world.fetch("GET", "/ask");
    let end = world.run_one(fetch);
    assert!(end.result.is_ok());
    assert_eq!(end.offers.iter().map(|offer| offer.plan_id().as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((world.asked, world.mints, world.orders, world.platform_calls), (0, 0, 0, 0));
}

#[test]
fn a_question_that_fails_or_is_denied_lets_the_next_be_asked() {
    for (throws, code) in [(true, "approve_failed"), (false, "consent_denied")] {
        let mut world = World::new().balance(100);
        world.approve_throws = throws;
        world.approval = (!throws).then(Approval::default);
        let fetches: Vec<_> = (0..3).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        for fetch in fetches {
            assert_eq!(world.end(fetch).result.unwrap_err().code(), code);
        }
        assert_eq!((world.asked, world.most_asked_at_once), (3, 1));
        assert_eq!(world.buyer.open_fetches(), 0, "what has ended and been told is forgotten");
    }
}

#[test]
fn only_what_has_ended_is_forgotten() {
    let mut world = World::new().balance(100);
    let (first, second) = (world.fetch("POST", "/ask"), world.fetch("POST", "/ask"));
    world.buyer.forget(first);
    assert_eq!(world.buyer.open_fetches(), 2);
    world.run();
    world.buyer.forget(first);
    assert_eq!(world.buyer.open_fetches(), 1);
    world.buyer.forget(second);
    assert_eq!(world.buyer.open_fetches(), 0);
}

#[test]
fn rule_9_a_seller_that_cannot_be_reached_has_taken_nothing() {
    let mut world = World::new().balance(100).seller(|_, _| Seller::lost());
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    let end = world.run_one(fetch);
    let error = end.result.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("network_error", true));
    assert_eq!(end.spend.outcome, Outcome::None);
}

#[test]
fn one_question_at_a_time_and_a_remembered_answer_for_all_who_wait() {
    for (remember, asked) in [(true, 1), (false, 20)] {
        let mut world = World::new().balance(1_000);
        world.approval = Some(Approval { remember, ..yes() });
        let fetches: Vec<_> = (0..20).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        for fetch in fetches {
            assert!(world.end(fetch).result.is_ok());
        }
        assert_eq!(world.asked, asked);
        assert_eq!(world.most_asked_at_once, 1);
    }
}

#[test]
fn a_single_use_token_is_asked_for_by_resource_and_method_and_minted_ahead() {
    let mut world = World::new().balance(1_000);
    world.approval = Some(yes());
    world.single_use = true;
    world.request = Some(FetchRequest {
        single_use: true,
        prefetch: 2,
        ..FetchRequest::new(world::target(world::ORIGIN, "/ask"), "POST")
    });
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    for part in [r#""resource":{"url":"/ask"}"#, r#""httpVerb":"POST""#, r#""tokenVersion":3"#] {
        assert!(world.mint_bodies[0].contains(part), "{part}");
    }
    assert_eq!((world.mints, world.sends), (3, 2), "one used, two at hand");
    let second = world.fetch("POST", "/ask");
    let end = world.run_one(second);
    assert_eq!((end.spend.requests, end.spend.mints), (1, 0), "a warm request is one round trip");
    assert_eq!((world.mints, world.sends), (4, 3), "and the store is filled up again");

    // A platform that does not know them mints a reusable one: nothing is minted ahead.
    let mut world = World::new().balance(1_000);
    world.approval = Some(yes());
    world.request = Some(FetchRequest {
        single_use: true,
        prefetch: 2,
        ..FetchRequest::new(world::target(world::ORIGIN, "/ask"), "POST")
    });
    for _ in 0..3 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
    }
    assert_eq!(world.mints, 1);
}

#[test]
fn events_tell_the_way_in_order() {
    let mut world = World::new().balance(0);
    world.approval = Some(buy());
    world.told_balance = true;
    let fetch = world.fetch("POST", "/ask");
    world.run_one(fetch);
    let order = |tx: &str| NoticeKind::Order { tx_hash: Some(tx.into()) };
    assert_eq!(
        world.notices,
        [
            NoticeKind::Request,
            NoticeKind::Offer,
            NoticeKind::Consent,
            NoticeKind::Order { tx_hash: None },
            order("0xorder"),
            NoticeKind::Mint { single_use: false },
            NoticeKind::Paid,
            NoticeKind::Receipt,
        ]
    );
}

#[test]
fn a_caller_who_handles_redirects_gets_them() {
    for (mode, expected) in [(Redirects::Manual, Ok(())), (Redirects::Error, Err("redirected_while_paying"))]
    {
        let mut world = World::new().balance(100).seller(|send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::redirect(302, Redirected::To(world::target(world::ORIGIN, "/moved"))),
        });
        world.approval = Some(yes());
        world.redirects = mode;
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected);
    }
}

#[test]
fn a_token_from_the_platform_that_is_garbage_spends_nothing() {
    let rows = [
        ("not JSON", Some((200, "oops".to_string())), "garbled_answer"),
        ("no token", Some((200, "{}".into())), "garbled_answer"),
        ("not a token", Some((200, r#"{"accessToken":"abc"}"#.into())), "garbled_answer"),
        ("wrong version", Some((200, token_json(r#"{"x402Version":1}"#))), "garbled_answer"),
        ("refused", Some((400, r#"{"code":"BCK.X402.0014","message":"m"}"#.into())), "BCK.X402.0014"),
        ("no envelope", Some((502, "<html>".into())), "http_502"),
        ("lost", None, "network_error"),
    ];
    for (name, answer, code) in rows {
        let mut world = World::new().balance(100);
        world.approval = Some(yes());
        world.mint_answer = Some(answer);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), code, "{name}");
        assert_eq!(world.presented.len(), 0, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::ZERO, "{name}");
    }
    assert!(!token("x", false).is_empty());
}

fn token_json(payload: &str) -> String {
    format!(r#"{{"accessToken":"{}"}}"#, world::encode_url(payload))
}

#[test]
fn rule_5_a_token_that_ends_at_once_by_our_clock_is_minted_once() {
    let jwt = format!("a.{}.c", world::encode_url(r#"{"exp":900}"#));
    let token = world::encode_url(&format!(
        r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"plan","extra":{{}}}},"payload":{{"token":"{jwt}"}},"extensions":{{}}}}"#
    ));
    let mut world = World::new().balance(100);
    world.approval = Some(yes());
    world.mint_answer = Some(Some((200, format!(r#"{{"accessToken":"{token}"}}"#))));
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.mints, 1);
}

#[test]
fn rule_2_a_malformed_offer_elsewhere_after_a_refusal_is_an_error_and_no_silence() {
    let mut world = World::new().balance(100).seller(|send, world| {
        let away = send.target.as_ref().is_some_and(|target| target.origin != world::ORIGIN);
        match &send.token {
            None if away => {
                let mut answer = Seller::status(402);
                answer.offer = Some("!!!".into());
                answer
            }
            Some(_) if world.paid_sends == 2 => {
                Seller::redirect(302, Redirected::To(world::target("https://b.example", "/x")))
            }
            _ => Seller::offer(&offer("plan", 2)),
        }
    });
    world.approval = Some(yes());
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "malformed_offer");
}

#[test]
fn rule_9_and_10_an_order_whose_credits_do_not_show_is_reported_and_not_repeated() {
    // (name, the order's answer, the first fetch ends as, whether the purchase is known to have gone through)
    for (name, answer, code, confirmed) in [
        ("slow", Some((200, r#"{"success":true,"txHash":"0x1"}"#.to_string())), "credits_timeout", true),
        ("lost", None, "purchase_outcome_unknown", false),
        ("broke", Some((500, "oops".into())), "purchase_outcome_unknown", false),
    ] {
        let mut world = World::new().balance(0);
        world.policy = Some(Policy { purchase: true, ..Policy::default() });
        world.order_answer = answer;
        world.credits_after_ms = u64::MAX;
        let first = world.fetch("POST", "/ask");
        let end = world.run_one(first);
        assert_eq!(end.result.unwrap_err().code(), code, "{name}");
        assert_eq!(end.spend.purchases.len(), 1, "{name}");
        assert_eq!(end.spend.purchases[0].confirmed, confirmed, "{name}");
        for _ in 0..2 {
            let again = world.fetch("POST", "/ask");
            assert_eq!(world.run_one(again).result.unwrap_err().code(), "credits_timeout", "{name}");
        }
        assert_eq!(world.orders, 1, "{name}");
    }
}

#[test]
fn rule_12_a_fetch_whose_old_token_ended_keeps_its_share_of_the_budget() {
    let mut world = World::new().balance(100).seller(|send, world| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) if world.paid_sends == 2 => Seller::status(401),
        Some(_) => Seller::paid(2, 90),
    });
    world.policy = Some(Policy { max_credits_total: Some(Credits::from(4)), ..Policy::default() });
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    world.hold_jobs = true;
    let refused = world.fetch("POST", "/ask");
    world.run();
    assert_eq!(world.buyer.budget().total(), Credits::from(4));
    let other = world.fetch("POST", "/ask");
    world.run();
    assert_eq!(world.end(other).result.unwrap_err().code(), "budget_exceeded");
    world.buyer.on(refused, Event::Aborted, world.now);
    assert_eq!(world.buyer.budget().total(), Credits::from(2));
}

#[test]
fn rule_9_a_402_with_a_receipt_is_not_paid_again_and_a_refusal_s_receipt_is_handed_over() {
    for (success, ok, paid, outcome) in [(true, true, 1, Outcome::Settled), (false, false, 2, Outcome::None)]
    {
        let mut world = World::new().balance(100).seller(move |send, _| {
            let mut answer = Seller::offer(&offer("plan", 2));
            answer.receipt = send.token.as_ref().map(|_| receipt(success, 2, 9));
            answer
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.is_ok(), ok);
        assert_eq!((world.paid_sends, end.spend.outcome), (paid, outcome));
        assert_eq!(end.receipt.map(|receipt| receipt.success()), Some(success));
    }
}

#[test]
fn rule_5_a_token_that_has_paid_or_is_for_once_does_not_follow_a_redirect() {
    for (name, single_use, settled) in [("single-use", true, false), ("settled", false, true)] {
        let mut world = World::new().balance(100).seller(move |send, _| match (&send.token, &send.target) {
            (Some(_), None) => {
                let near = world::target(world::ORIGIN, "/moved");
                let mut answer = Seller::redirect(302, Redirected::To(near));
                answer.receipt = settled.then(|| receipt(true, 2, 98));
                answer
            }
            (None, None) => Seller::offer(&offer("plan", 2)),
            _ => Seller::status(200),
        });
        world.approval = Some(yes());
        world.single_use = single_use;
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!((world.sends, world.paid_sends), (3, 1), "{name}");
        assert_eq!(end.receipt.is_some(), settled, "rule 11: {name}");
    }
}

#[test]
fn rule_9_what_a_redirect_left_open_stays_open() {
    // (name, what the second place does, ends as)
    type Case = (&'static str, fn() -> payments_wasm::subscriber::Answer, Result<(), &'static str>);
    let cases: [Case; 2] = [
        ("paid there as well", || Seller::paid(2, 96), Ok(())),
        ("not reached", Seller::lost, Err("redirected_while_paying")),
    ];
    for (name, second, expected) in cases {
        let mut world = World::new().balance(100).seller(move |send, _| {
            let away = send.target.as_ref().is_some_and(|target| target.origin != world::ORIGIN);
            match &send.token {
                None if away && name == "not reached" => second(),
                None => Seller::offer(&offer("plan", 2)),
                Some(_) if away => second(),
                Some(_) => Seller::redirect(302, Redirected::To(world::target("https://b.example", "/x"))),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(end.spend.outcome, Outcome::Unknown, "{name}");
        assert!(!end.result.is_err_and(|error| error.is_retryable()), "{name}");
    }
}

#[test]
fn rule_13_a_mint_under_way_at_logout_serves_nobody_afterwards() {
    let mut world = World::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    world.fetch("POST", "/ask");
    world.run();
    world.buyer.log_out();
    let delegation = payments_wasm::wire::DelegationId::parse("d-1", "delegationId").unwrap();
    world.buyer.log_in(Some("0x0000000000000000000000000000000000000002".into()), Some(delegation));
    let next = world.fetch("POST", "/ask");
    world.run();
    world.hold_jobs = false;
    world.run();
    assert!(world.end(next).result.is_ok());
    assert_eq!(world.mints, 2);
    assert_eq!(world.presented, [token("t2", false)]);
}
