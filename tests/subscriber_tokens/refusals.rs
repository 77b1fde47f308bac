//! A token or terms that a seller refuses (rules 5 and 13).

use crate::support::{self, Seller, SimulatedPlatform, offer, token, yes};
use payments_wasm::subscriber::{FetchError, Outcome};
use payments_wasm::wire::Credits;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
    let (long, words) = ("x".repeat(99), "no ".repeat(90));
    for (name, body, reason) in [
        ("a message", Some(r#"{"error":"e","message":"too late"}"#.to_string()), Some("too late")),
        ("only an error", Some(r#"{"error":"e"}"#.into()), Some("e")),
        ("an empty message", Some(r#"{"error":"e","message":""}"#.into()), Some("e")),
        ("the token in it", Some(format!(r#"{{"message":"no: {printed}!"}}"#)), None),
        ("the token alone", Some(format!(r#"{{"message":"{printed}"}}"#)), None),
        (
            "a word of 99 letters",
            Some(format!(r#"{{"message":"no: {long}"}}"#)),
            Some(&*format!("no: {long}")),
        ),
        ("a word of 100, which may be the token", Some(format!(r#"{{"message":"no: {long}%"}}"#)), None),
        ("one that is not told whole", Some(format!(r#"{{"message":"{words}{long}9"}}"#)), None),
        ("no JSON", Some("sorry".into()), None),
        ("nothing", None, None),
    ] {
        let mut world =
            SimulatedPlatform::new().balance(100).body(body).seller(|_, _| Seller::offer(&offer("plan", 2)));
        let fetch = world.fetch("POST", "/ask");
        let error = world.run_one(fetch).result.unwrap_err();
        assert_eq!(world.presented.last(), Some(&printed), "{name}");
        assert_eq!(error, FetchError::PaymentRefused(reason.map(Into::into)), "{name}");
    }
    let long = format!(r#"{{"message":"{}"}}"#, "x ".repeat(1_000));
    let mut world = SimulatedPlatform::new()
        .balance(100)
        .body(Some(long))
        .seller(|_, _| Seller::offer(&offer("plan", 2)));
    let fetch = world.fetch("POST", "/ask");
    let error = world.run_one(fetch).result.unwrap_err();
    assert_eq!(error, FetchError::PaymentRefused(Some("x ".repeat(150))));
}

#[test]
fn rule_13_a_receipt_with_the_token_in_it_is_none_and_the_answer_stays() {
    let printed = token("t1", true);
    let of = |transaction: &str| {
        support::encode(&format!(r#"{{"success":true,"transaction":"{transaction}","creditsRedeemed":"2"}}"#))
    };
    let part = |letters: usize| printed.chars().skip(30).take(letters).collect::<String>();
    let doubled = format!("{0}, {0}", of(&printed));
    for (name, header, is_kept) in [
        ("of other words", of("0x1"), true),
        ("the token", of(&printed), false),
        ("a part of it, in capitals", of(&part(24).to_uppercase()), false),
        ("23 letters of it", of(&part(23)), true),
        ("a header that a proxy has doubled", doubled, false),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::receipt(200, header.clone()),
        });
        world.single_use = true;
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!(world.presented, std::slice::from_ref(&printed), "{name}");
        assert_eq!(end.receipt.is_some(), is_kept, "{name}");
        assert_eq!(world.buyer.records()[0].transaction.is_some(), is_kept, "{name}");
        let outcome = if is_kept { Outcome::Settled } else { Outcome::Unknown };
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(2), "{name}");
    }
}
