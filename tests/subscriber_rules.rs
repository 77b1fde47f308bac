//! Rules of money for which a file each would be too much, as tables: 7, 11 and 15, and corners of 2, 3, 5, 8 and 9.

mod support;

use payments_wasm::subscriber::{Approval, Event, FetchError, NoticeKind, Outcome, Redirected, ResponseHead};
use payments_wasm::wire::Credits;
use std::cell::RefCell;
use std::rc::Rc;
use support::{
    Seller, SimulatedPlatform, anywhere, buy, buys, encode, held_only, offer, receipt, target, yes,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_7_every_sending_is_of_the_whole_request_to_where_the_caller_pointed() {
    // (name, what the paid sending of that number is answered, sendings in all). The shell keeps the body for as many sendings as this
    // says; it is asked for the caller's own request each time, never for a changed one.
    type Case = (&'static str, fn(u32) -> ResponseHead, usize);
    let cases: [Case; 5] = [
        ("paid at once", |_| Seller::paid(2, 98), 2),
        (
            "a token refused on other terms",
            |paid| if paid == 1 { dearer(paid) } else { Seller::paid(2, 98) },
            3,
        ),
        ("every token refused on other terms", dearer, 3),
        ("a token refused on the same terms", |_| refused(), 2),
        ("the seller fell over", |_| Seller::status(503), 2),
    ];
    for method in ["GET", "POST", "PUT", "DELETE"] {
        for (name, answer, sendings) in cases {
            let sent = Rc::new(RefCell::new(Vec::new()));
            let recorded = sent.clone();
            let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| {
                recorded.borrow_mut().push((send.target.is_some(), send.as_get));
                if send.token.is_some() { answer(world.paid_sends) } else { refused() }
            });
            world.approval = Some(yes());
            let fetch = world.fetch(method, "/ask");
            let end = world.run_one(fetch);
            assert_eq!(*sent.borrow(), vec![(false, false); sendings], "{method}: {name}");
            assert_eq!(end.spend.requests as usize, sendings, "{method}: {name}");
        }
    }
}

#[test]
fn rule_11_a_malformed_receipt_never_destroys_an_answer_that_was_paid_for() {
    let json = |text: &str| encode(text);
    for (name, header) in [
        ("empty", String::new()),
        ("not base64", "{}".into()),
        ("not JSON", json("oops")),
        ("a list", json("[]")),
        ("no success", json("{}")),
        ("success a text", json(r#"{"success":"true"}"#)),
        ("a negative amount", json(r#"{"success":true,"creditsRedeemed":"-2"}"#)),
        ("a balance that is none", json(r#"{"success":true,"remainingBalance":[]}"#)),
        ("too large", json(&format!(r#"{{"success":true,"x":"{}"}}"#, "x".repeat(17 * 1024)))),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::receipt(200, header.clone()),
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!((world.sends, end.receipt.is_none()), (2, true), "{name}");
        // It may have been paid: it counts, and nobody says how much it was.
        assert_eq!((end.spend.outcome, end.spend.credits_settled), (Outcome::Unknown, None), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(2), "{name}");
    }
}

#[test]
fn rule_15_credits_are_waited_for_with_growing_pauses_and_not_for_ever() {
    // (when the credits are there after the order, in milliseconds; looks at the balance; how long it took; ends as)
    for (after, looks, took, expected) in [
        (0, 1, 0, Ok(())),
        (1, 2, 250, Ok(())),
        (250, 2, 250, Ok(())),
        (251, 3, 750, Ok(())),
        (1_751, 5, 3_750, Ok(())),
        (7_751, 7, 11_750, Ok(())),
        (59_750, 19, 59_750, Ok(())),
        (59_751, 20, 63_750, Ok(())),
        (63_751, 20, 63_750, Err("credits_timeout")),
    ] {
        let mut world = SimulatedPlatform::new().balance(0);
        world.policy = Some(buys());
        world.credits_after_ms = after;
        let begun = world.now;
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{after}");
        assert_eq!(world.now - begun, took, "{after}");
        // One look that found nothing before the order, and the mint where it came to one.
        assert_eq!(world.platform_calls - world.orders - world.mints - 1, looks, "{after}");
        assert_eq!((world.orders, end.spend.purchases.len()), (1, 1), "{after}");
    }
}

#[test]
fn rule_5_a_refusal_without_terms_that_can_be_read_is_not_paid_again() {
    // (name, the header of the refusal, its body)
    for (name, header, body) in [
        ("nothing", None, None),
        ("a page", None, Some("<html>".to_string())),
        ("half a body", None, Some(offer("plan", 3).chars().take(40).collect::<String>())),
        ("a body that cannot be read", None, Some("\u{fffd}\u{1}".into())),
        ("a card was declined", None, Some(r#"{"error":{"code":"card_declined"}}"#.into())),
        ("another document", None, Some(r#"{"error":"too late"}"#.into())),
        ("a header that is garbage", Some("!!!".to_string()), None),
        ("a header that is garbage, other terms in the body", Some("!!!".into()), Some(offer("plan", 3))),
        ("x402 without ways to pay", Some(encode(r#"{"x402Version":2,"accepts":[]}"#)), None),
    ] {
        // A token from the store is no reason either: the answer says nothing of an offer.
        for warm in [false, true] {
            let first = u32::from(warm);
            let (header, body) = (header.clone(), body.clone());
            let mut world = SimulatedPlatform::new().balance(100).body(body).seller(move |send, world| {
                match &send.token {
                    None => refused(),
                    Some(_) if world.paid_sends <= first => Seller::paid(2, 98),
                    Some(_) => ResponseHead { offer: header.clone(), ..Seller::status(402) },
                }
            });
            if warm {
                let fetch = world.fetch("POST", "/ask");
                assert!(world.run_one(fetch).result.is_ok(), "{name}");
            }
            let fetch = world.fetch("POST", "/ask");
            let end = world.run_one(fetch);
            assert_eq!(end.result.unwrap_err().code(), "payment_refused", "{name}");
            assert_eq!((end.spend.outcome, end.spend.payment), (Outcome::Unknown, None), "{name}");
            assert_eq!((world.asked, world.mints, world.paid_sends), (1 + first, 1, 1 + first), "{name}");
            assert_eq!(world.buyer.budget().total(), Credits::from(2 + 2 * u64::from(first)), "{name}");
            // The token has ended: the next fetch asks for the terms and a token anew.
            let next = world.fetch("POST", "/ask");
            assert_eq!(world.run_one(next).spend.requests, 2, "{name}");
            assert_eq!(world.mints, 2, "{name}");
        }
    }
}

#[test]
fn rule_5_terms_are_known_where_something_was_delivered_for_them() {
    // (what the paid request is answered, requests of a second fetch)
    for (name, answer, requests) in [
        ("a receipt", Seller::paid(2, 98), 1),
        ("no receipt", Seller::status(200), 1),
        ("no receipt, and nothing in it", Seller::status(204), 1),
        ("not modified", Seller::status(304), 2),
        ("another place", Seller::status(300), 2),
        ("a place that is hidden", Seller::redirect(0, Redirected::Somewhere), 2),
        ("a client error", Seller::status(404), 2),
        ("a server error", Seller::status(500), 2),
        ("delivered, and a receipt that says no", Seller::receipt(200, receipt(false, 0, 0)), 1),
        ("a receipt that says no, and nothing delivered", Seller::receipt(404, receipt(false, 0, 0)), 2),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => refused(),
            Some(_) => answer.clone(),
        });
        world.approval = Some(yes());
        let first = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(first).spend.requests, 2, "{name}");
        let second = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(second).spend.requests, requests, "{name}");
    }
}

#[test]
fn rule_5_a_balance_is_looked_at_only_where_something_hangs_on_it() {
    let no = Approval { purchase: Some(false), ..yes() };
    let session = Approval { remember: true, ..yes() };
    // (name, who is asked, the policy, looks at the balance of a first fetch, and of a second one whose old token is refused
    // with the same terms). Where only what is held may be spent, the plan's terms are read too, once.
    for (name, approval, policy, cold, refused_looks) in [
        ("a yes", Some(yes()), None, 0, 0),
        ("a yes that buys: is it too low?", Some(buy()), None, 1, 1),
        ("a policy", None, Some(anywhere()), 0, 0),
        ("a policy that buys", None, Some(buys()), 1, 1),
        ("a policy that does not buy", None, Some(held_only()), 1, 1),
        ("a yes that does not buy", Some(no), None, 1, 1),
        ("a yes for the session: is it to be asked again?", Some(session), None, 0, 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            Some(_) if world.paid_sends != 2 => Seller::paid(2, 98),
            _ => refused(),
        });
        (world.approval, world.policy) = (approval, policy);
        for (mints, looks) in [(1, cold), (2, cold + refused_looks)] {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
            assert_eq!((world.mints, world.orders), (mints, 0), "{name}");
            assert_eq!(
                world.platform_calls - world.mints - world.terms_read,
                looks,
                "{name}, {mints} tokens"
            );
            assert_eq!(world.terms_read, u32::from(name.contains("does not buy")), "{name}");
        }
    }
}

#[test]
fn rule_3_held_credits_are_looked_at_before_a_token_in_hand_is_sent() {
    let mut world = SimulatedPlatform::new().balance(3);
    world.policy = Some(held_only());
    let first = world.fetch("POST", "/ask");
    assert!(world.run_one(first).result.is_ok());
    // One credit is left.
    let second = world.fetch("POST", "/ask");
    assert_eq!(world.run_one(second).result.unwrap_err().code(), "insufficient_credits");
    assert_eq!((world.mints, world.paid_sends, world.burned), (1, 1, 2));
    let looks = world.platform_calls - world.mints - world.terms_read;
    assert_eq!(looks, 2, "the platform said so, not our own sum");
}

#[test]
fn rule_8_an_abort_tells_of_no_order_of_somebody_else_s() {
    let mut world = SimulatedPlatform::new().balance(0).seller(|send, world| match &send.token {
        None => Seller::offer(&offer(if world.sends == 1 { "bought" } else { "held" }, 2)),
        Some(_) => Seller::paid(2, 98),
    });
    world.plans = [("held".to_string(), Some((100, 0.1))), ("bought".to_string(), Some((0, 0.1)))].into();
    world.approval = Some(buy());
    world.reported_balance = true;
    world.hold_jobs = true;
    let buying = world.fetch("POST", "/bought");
    world.run();
    world.reported_balance = false;
    let paying = world.fetch("POST", "/held");
    world.run();
    for (name, fetch, plans) in [("paying", paying, vec![]), ("buying", buying, vec!["bought"])] {
        world.buyer.handle_event(fetch, Event::Aborted, world.now);
        world.run();
        let end = world.end(fetch);
        assert_eq!(end.result.unwrap_err().code(), "aborted", "{name}");
        let bought_plans: Vec<_> = end.spend.purchases.iter().map(|bought| bought.plan_id.as_str()).collect();
        assert_eq!(bought_plans, plans, "{name}");
    }
}

#[test]
fn rule_8_an_abort_after_a_refusal_says_that_the_refused_token_was_presented() {
    // (name, whether the token is from an earlier fetch, the plan of the terms that come with the refusal, offers in the notices)
    for (name, warm, again, notices) in [
        ("while a token is minted anew", true, "plan", 2),
        ("while asked about other terms", false, "other", 2),
    ] {
        let first = u32::from(warm);
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None => refused(),
            Some(_) if world.paid_sends <= first => Seller::paid(2, 98),
            Some(_) => Seller::offer(&offer(again, 2)),
        });
        world.approval = Some(yes());
        if warm {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
        }
        world.hold_jobs = true;
        let fetch = world.fetch("POST", "/ask");
        world.run();
        if !warm {
            world.work_once();
        }
        world.buyer.handle_event(fetch, Event::Aborted, world.now);
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), "aborted", "{name}");
        assert_eq!((end.spend.outcome, end.spend.payment), (Outcome::Unknown, None), "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{name}");
        assert_eq!(
            world.notices.iter().filter(|kind| **kind == NoticeKind::Offer).count(),
            notices,
            "{name}"
        );
        let counted = Credits::from(2 + 2 * u64::from(first));
        assert_eq!(world.buyer.budget().total(), counted, "{name}");
    }
}

#[test]
fn rule_9_what_was_paid_for_is_in_the_books_wherever_its_answer_led() {
    // (name, the answer to the token, what the books say: outcome, settled)
    let led = |receipt: Option<String>| ResponseHead {
        receipt,
        ..Seller::redirect(303, Redirected::To(target(support::ORIGIN, "/result")))
    };
    for (name, answer, outcome, settled) in [
        ("an answer", Seller::paid(2, 98), Outcome::Settled, Some(2)),
        ("led on, with a receipt", led(Some(receipt(true, 2, 98))), Outcome::Settled, Some(2)),
        ("led on, without one", led(None), Outcome::Unknown, None),
    ] {
        let mut world =
            SimulatedPlatform::new().balance(100).seller(move |send, _| match (&send.token, &send.target) {
                (None, None) => refused(),
                (Some(_), _) => answer.clone(),
                (None, Some(_)) => Seller::status(200),
            });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{name}");
        let books = world.buyer.records();
        assert_eq!(books.len(), 1, "{name}");
        assert_eq!((books[0].outcome, books[0].settled), (outcome, settled.map(Credits::from)), "{name}");
        assert_eq!(
            (books[0].method.as_str(), books[0].offer.target.path.as_str()),
            ("POST", "/ask"),
            "{name}"
        );
        assert_eq!(books[0].at, world.now, "{name}");
    }
}

/// A 402 with the same terms again.
fn refused() -> ResponseHead {
    Seller::offer(&offer("plan", 2))
}

/// A 402 with a price that no answer before had.
fn dearer(paid: u32) -> ResponseHead {
    Seller::offer(&offer("plan", u64::from(2 + paid)))
}
