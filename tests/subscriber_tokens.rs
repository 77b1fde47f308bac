//! Tokens and where they go, as tables: rules of money 4, 5 and 6.

mod support;

use payments_wasm::subscriber::{FetchError, FetchRequest, Outcome, Redirected, Redirects};
use payments_wasm::wire::Credits;
use support::{ORIGIN, Seller, SimulatedPlatform, buy, offer, receipt, target, token, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
        let (other, saw) = (support::target("https://other.example", "/"), seen.clone());
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            if send.target.as_ref().is_some_and(|target| target.origin != support::ORIGIN) {
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
fn rule_4_a_hundred_first_fetches_cause_one_mint_and_one_order() {
    for (balance, orders, slow) in [(1_000, 0, false), (0, 1, false), (1_000, 0, true), (0, 1, true)] {
        let mut world = SimulatedPlatform::new().balance(balance);
        world.plan_credits = 1_000;
        world.approval = Some(buy());
        world.told_balance = true;
        // A slow platform answers nothing until everybody waits for it.
        world.hold_jobs = slow;
        let fetches: Vec<_> = (0..100).map(|_| world.fetch("POST", "/ask")).collect();
        world.run();
        world.hold_jobs = false;
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
    let mut world = SimulatedPlatform::new().balance(100);
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
    let other_origin = || Some(FetchRequest::new(support::target("https://other.example", "/ask"), "POST"));
    // (name, method, path, elsewhere, requests without a token)
    for (name, method, path, elsewhere, bare) in [
        ("the same", "POST", "/ask", false, 0),
        ("another method", "GET", "/ask", false, 1),
        ("another path", "POST", "/other", false, 1),
        ("another origin", "POST", "/ask", true, 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
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
    let mut world = SimulatedPlatform::new().balance(1_000).seller(|send, world| match &send.token {
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
    let mut world = SimulatedPlatform::new().balance(1_000);
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
fn rule_5_an_old_token_that_is_refused_is_minted_anew_once_and_a_fresh_one_never() {
    // (name, whether a first fetch has paid before, refusals on the same terms, whether it ends well, then of the last fetch:
    // sends, presentations and mints)
    for (name, warm, refused, ok, sends, paid, mints) in [
        ("a fresh token", false, 0, true, 2, 1, 1),
        ("a fresh token is refused", false, 1, false, 2, 1, 1),
        ("an old token", true, 0, true, 1, 1, 0),
        ("an old token is refused", true, 1, true, 2, 2, 1),
        ("an old token and the fresh one are refused", true, 2, false, 2, 2, 1),
    ] {
        let first = u32::from(warm);
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            Some(_) if world.paid_sends <= first || world.paid_sends > first + refused => Seller::paid(2, 98),
            _ => Seller::offer(&offer("plan", 2)),
        });
        world.approval = Some(yes());
        if warm {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
        }
        let before = (world.sends, world.paid_sends, world.mints);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        let expected = if ok { Ok(()) } else { Err("payment_refused") };
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(
            (world.sends - before.0, world.paid_sends - before.1, world.mints - before.2),
            (sends, paid, mints),
            "{name}"
        );
        assert_eq!(world.asked, 1 + first, "the same terms need no second consent: {name}");
        assert_eq!(end.spend.credits_presented, Credits::from(2 * u64::from(paid)), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(2 * u64::from(paid + first)), "{name}");
        let outcome = if ok { Outcome::Settled } else { Outcome::Unknown };
        assert_eq!(end.spend.outcome, outcome, "{name}");
    }
}

#[test]
fn rule_5_other_terms_after_a_refusal_are_another_offer_with_its_own_consent() {
    let agent = offer("plan", 2).replace(r#""extra":{"#, r#""extra":{"agentId":"9","#);
    // (name, the offer that comes with each refusal, whether a fresh token follows it, what both presentations count)
    for (name, again, follows, counted) in [
        ("the same", offer("plan", 2), false, 2),
        ("the same among others", offers_too(&offer("plan", 2), "other"), false, 2),
        (
            "another description",
            offer("plan", 2).replace(r#""url":"/ask""#, r#""url":"/ask","description":"x""#),
            false,
            2,
        ),
        ("dearer", offer("plan", 50), true, 52),
        ("cheaper", offer("plan", 1), true, 3),
        ("without a price", support::offer_without_price("plan"), true, 3),
        ("another plan", offer("other", 2), true, 4),
        ("another network", offer("plan", 2).replace("eip155:84532", "eip155:8453"), true, 4),
        ("another agent", agent, true, 4),
    ] {
        for status in [402, 401] {
            // The second token is refused on yet other terms: there is no third.
            for last in [false, true] {
                let (first, third) = (again.clone(), offer("third", 7));
                let mut world =
                    SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
                        None => Seller::offer(&offer("plan", 2)),
                        Some(_) => {
                            let json = if world.paid_sends == 1 { &first } else { &third };
                            match world.paid_sends > 1 && !last {
                                true => Seller::paid(1, 50),
                                false => {
                                    payments_wasm::subscriber::ResponseHead { status, ..Seller::offer(json) }
                                }
                            }
                        }
                    });
                world.approval = Some(yes());
                let fetch = world.fetch("POST", "/ask");
                let end = world.run_one(fetch);
                let name = format!("{name}, {status}, last: {last}");
                let paid = 1 + u32::from(follows);
                assert_eq!((world.paid_sends, world.mints, world.asked), (paid, paid, paid), "{name}");
                let refused = (!follows || last) && status == 402;
                assert_eq!(
                    end.result.err().map(|error| error.code().to_string()).as_deref(),
                    refused.then_some("payment_refused"),
                    "{name}"
                );
                assert_eq!(world.buyer.budget().total(), Credits::from(counted), "{name}");
                let settled = follows && !last;
                assert_eq!(end.spend.outcome == Outcome::Settled, settled, "{name}");
            }
        }
    }
}

/// An offer with another plan beside its own.
fn offers_too(json: &str, plan: &str) -> String {
    let other = format!(
        r#""accepts":[{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"{plan}","extra":{{}}}},"#
    );
    json.replace(r#""accepts":["#, &other)
}

#[test]
fn rule_5_dearer_terms_after_a_refusal_need_a_new_consent() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|send, world| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) if world.paid_sends == 1 => Seller::offer(&offer("plan", 50)),
        Some(_) => Seller::paid(50, 50),
    });
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.asked, 2);
    assert_eq!(
        world.buyer.budget().total(),
        Credits::from(52),
        "what the first token presented stays counted"
    );
}

#[test]
fn rule_6_a_token_goes_only_where_it_was_meant_to() {
    // (name, method, redirect, status, tokens seen by the other origin, ends as)
    let other = support::target("https://evil.example", "/catch");
    let near = support::target(support::ORIGIN, "/moved");
    let rows = [
        ("within the origin", "GET", Redirected::To(near.clone()), 307, Ok(())),
        ("within the origin, POST kept", "POST", Redirected::To(near), 308, Ok(())),
        ("elsewhere", "GET", Redirected::To(other.clone()), 302, Ok(())),
        ("elsewhere, POST", "POST", Redirected::To(other), 303, Ok(())),
        ("somewhere, POST", "POST", Redirected::Somewhere, 0, Err("redirected_while_paying")),
    ];
    for (name, method, to, status, expected) in rows {
        let goes = to.clone();
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            let at = send.target.as_ref().map_or(support::ORIGIN, |target| &target.origin);
            let path = send.target.as_ref().map_or("/ask", |target| &target.path);
            if at != support::ORIGIN {
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
fn rule_13_a_place_that_has_the_token_in_its_name_is_not_gone_to() {
    for (name, origin) in [("elsewhere", "https://evil.example"), ("within the origin", support::ORIGIN)] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(token) => {
                let path = format!("/catch?t={}", token.expose());
                Seller::redirect(307, Redirected::To(support::target(origin, &path)))
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), "redirected_while_paying", "{name}");
        assert_eq!(world.sends, 2, "{name}");
    }
}

#[test]
fn rule_6_no_token_over_plain_http_to_another_machine() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|_, _| {
        let mut answer = Seller::offer(&offer("plan", 2));
        answer.target = Some(support::target("http://api.example", "/ask"));
        answer
    });
    world.approval = Some(yes());
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "insecure_target");
    assert_eq!((world.mints, world.asked), (0, 0));
}

#[test]
fn a_single_use_token_is_asked_for_by_resource_and_method_and_minted_ahead() {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    world.single_use = true;
    world.request = Some(FetchRequest {
        single_use: Some(true),
        prefetch: 2,
        ..FetchRequest::new(support::target(support::ORIGIN, "/ask"), "POST")
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

    // Mints that are under way count: two fetches at once fill the store once.
    world.hold_jobs = true;
    let pair = [world.fetch("POST", "/ask"), world.fetch("POST", "/ask")];
    world.run();
    world.hold_jobs = false;
    world.run();
    for fetch in pair {
        assert_eq!(world.end(fetch).spend.requests, 1);
    }
    assert_eq!(world.mints, 6, "two used, two at hand again");

    // A platform that does not know them mints a reusable one: nothing is minted ahead.
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.approval = Some(yes());
    world.request = Some(FetchRequest {
        single_use: Some(true),
        prefetch: 2,
        ..FetchRequest::new(support::target(support::ORIGIN, "/ask"), "POST")
    });
    for _ in 0..3 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
    }
    assert_eq!(world.mints, 1);
}

#[test]
fn a_caller_who_handles_redirects_gets_them() {
    for (mode, expected) in [(Redirects::Manual, Ok(())), (Redirects::Error, Err("redirected_while_paying"))]
    {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::redirect(302, Redirected::To(support::target(support::ORIGIN, "/moved"))),
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
        let mut world = SimulatedPlatform::new().balance(100);
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

#[test]
fn rule_5_a_token_that_ends_at_once_by_our_clock_is_minted_once() {
    let jwt = format!("a.{}.c", support::encode_url(r#"{"exp":900}"#));
    let token = support::encode_url(&format!(
        r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"plan","extra":{{}}}},"payload":{{"token":"{jwt}"}},"extensions":{{}}}}"#
    ));
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.mint_answer = Some(Some((200, format!(r#"{{"accessToken":"{token}"}}"#))));
    let fetch = world.fetch("POST", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(world.mints, 1);
}

/// The answer to a mint: a token that ends then, in seconds since 1970.
fn ending(name: &str, end: u64, nonce: &str) -> Option<(u16, String)> {
    let jwt = format!("a.{}.c", support::encode_url(&format!(r#"{{"exp":{end}}}"#)));
    Some((
        200,
        token_json(&format!(
            r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"plan","extra":{{}}}},"payload":{{"token":"{jwt}","signature":"{name}","authorization":{{"from":"0xme"{nonce}}}}},"extensions":{{}}}}"#
        )),
    ))
}

#[test]
fn rule_5_a_fast_clock_throws_no_token_away() {
    const HOUR: u64 = 3_600;
    let start = SimulatedPlatform::new().now / 1000;
    // (name, how wrong this clock is in seconds, when the token ends by the right one)
    for (name, fast, end) in [
        ("right", 0, start + HOUR),
        ("fast by two hours", 2 * HOUR, start + HOUR),
        ("fast by two days", 48 * HOUR, start + HOUR),
        ("fast by all but half a minute", HOUR - 30, start + HOUR),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(yes());
        world.now += fast * 1000;
        world.mint_answer = Some(ending("t", end, ""));
        for _ in 0..3 {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
            world.now += 1_000;
        }
        assert_eq!((world.mints, world.paid_sends), (1, 3), "{name}");
    }
    // Where the clock was right when it came, a token is not presented after its end.
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.mint_answer = Some(ending("t", start + HOUR, ""));
    for _ in 0..2 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
        world.now += HOUR * 1000;
    }
    assert_eq!(world.mints, 2);
}

#[test]
fn rule_5_a_fast_clock_throws_no_single_use_token_away_that_was_minted_ahead() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    let end = world.now / 1000 + 3_600;
    world.now += 7_200_000;
    world.mint_answer = Some(ending("t", end, r#","nonce":"n""#));
    let wanted = FetchRequest {
        single_use: Some(true),
        prefetch: 1,
        ..FetchRequest::new(target(ORIGIN, "/ask"), "POST")
    };
    world.request = Some(wanted);
    for calls in 1..=3 {
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok());
        assert_eq!(world.mints, calls + 1, "one for each call, and one at hand");
    }
}

#[test]
fn rule_5_a_token_that_has_paid_or_is_for_once_does_not_follow_a_redirect() {
    for (name, single_use, settled) in [("single-use", true, false), ("settled", false, true)] {
        let mut world =
            SimulatedPlatform::new().balance(100).seller(move |send, _| match (&send.token, &send.target) {
                (Some(_), None) => {
                    let near = support::target(support::ORIGIN, "/moved");
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
fn rule_13_a_mint_under_way_at_logout_serves_nobody_afterwards() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    world.fetch("POST", "/ask");
    world.run();
    world.buyer.log_out();
    let delegation = payments_wasm::wire::DelegationRef::parse("d-1", "delegationId").unwrap();
    world.buyer.log_in(Some("0x0000000000000000000000000000000000000002".into()), Some(delegation));
    let next = world.fetch("POST", "/ask");
    world.run();
    world.hold_jobs = false;
    world.run();
    assert!(world.end(next).result.is_ok());
    assert_eq!(world.mints, 2);
    assert_eq!(world.presented, [token("t2", false)]);
}

fn token_json(payload: &str) -> String {
    format!(r#"{{"accessToken":"{}"}}"#, support::encode_url(payload))
}

#[test]
fn rule_5_a_401_is_the_caller_s_unless_an_old_token_is_refused_with_an_offer() {
    // (name, whether a first fetch has paid before, 401s to paid requests, whether they carry the offer, requests of the last
    // fetch, mints in all)
    for (name, warm, refusals, offers, requests, mints) in [
        ("a fresh token", false, 1, false, 2, 1),
        ("a fresh token, and an offer", false, 1, true, 2, 1),
        ("an old token", true, 1, false, 1, 1),
        ("an old token, and an offer", true, 1, true, 2, 2),
        ("an old token and a fresh one, and offers", true, 2, true, 2, 2),
    ] {
        let first = u32::from(warm);
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if world.paid_sends > first && world.paid_sends <= first + refusals => {
                let offer = offers.then(|| support::encode(&offer("plan", 2)));
                payments_wasm::subscriber::ResponseHead { offer, ..Seller::status(401) }
            }
            Some(_) => Seller::paid(2, 98),
        });
        world.approval = Some(yes());
        if warm {
            let fetch = world.fetch("POST", "/ask");
            world.run_one(fetch);
        }
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!((end.spend.requests, world.mints), (requests, mints), "{name}");
        assert_eq!(world.asked, 1 + first, "nobody is asked twice for one fetch: {name}");
        // The token has ended.
        if end.spend.outcome == Outcome::Unknown {
            let next = world.fetch("POST", "/ask");
            assert!(world.run_one(next).result.is_ok(), "{name}");
            assert_eq!(world.mints, mints + 1, "{name}");
        }
    }
}

#[test]
fn rule_13_what_a_seller_says_of_a_refusal_is_told_unless_it_prints_the_token() {
    let printed = token("t1", false);
    for (name, body, told) in [
        ("a message", Some(r#"{"error":"e","message":"too late"}"#.to_string()), Some("too late")),
        ("only an error", Some(r#"{"error":"e"}"#.into()), Some("e")),
        ("an empty message", Some(r#"{"error":"e","message":""}"#.into()), Some("e")),
        ("the token in it", Some(format!(r#"{{"message":"no: {printed}!"}}"#)), None),
        ("the token alone", Some(format!(r#"{{"message":"{printed}"}}"#)), None),
        ("no JSON", Some("sorry".into()), None),
        ("nothing", None, None),
    ] {
        let mut world =
            SimulatedPlatform::new().balance(100).body(body).seller(|_, _| Seller::offer(&offer("plan", 2)));
        let fetch = world.fetch("POST", "/ask");
        let error = world.run_one(fetch).result.unwrap_err();
        assert_eq!(world.presented.last(), Some(&printed), "{name}");
        assert_eq!(error, FetchError::PaymentRefused(told.map(Into::into)), "{name}");
    }
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(1_000));
    let mut world = SimulatedPlatform::new()
        .balance(100)
        .body(Some(long))
        .seller(|_, _| Seller::offer(&offer("plan", 2)));
    let fetch = world.fetch("POST", "/ask");
    let error = world.run_one(fetch).result.unwrap_err();
    assert_eq!(error, FetchError::PaymentRefused(Some("x".repeat(300))));
}
