//! Rules 3, 5, 9 and 12: receipts and statuses that contradict each other.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_12_a_receipt_that_names_more_counts_up_to_what_the_plan_allows() {
    let named = |redeemed: &str| encode(&format!(r#"{{"success":true,"creditsRedeemed":"{redeemed}"}}"#));
    // (what the receipt says, what counts; the offer says two, the plan allows ten)
    for (redeemed, counted) in [("0", 2), ("1", 2), ("2", 2), ("3", 3), ("10", 10), ("11", 10), (MOST, 10)] {
        let header = named(redeemed);
        let mut world = SimulatedPlatform::new().balance(1_000).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::receipt(200, header.clone()),
        });
        world.plan_bounds = (1, 10);
        // Nothing is limited, so the plan's terms were not read before.
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{redeemed}");
        assert_eq!(world.buyer.budget().total(), Credits::from(counted), "{redeemed}");
        assert_eq!(world.buyer.budget().by_origin(), [(ORIGIN, Credits::from(counted))], "{redeemed}");
        assert_eq!(world.terms_read, u32::from(counted > 2), "{redeemed}");
        // Another seller of another plan is paid as before.
        world.policy = Some(Policy { max_credits_total: Some(Credits::from(counted + 10)), ..anywhere() });
        let other = world.fetch("POST", "/other");
        assert!(world.run_one(other).result.is_ok(), "{redeemed}");
    }
}

#[test]
fn rule_12_a_receipt_that_names_more_stops_no_other_tab() {
    // (what the receipt says, what counts for both tabs: the plan allows ten)
    for (redeemed, counted) in [("2", 2), ("7", 7), (MOST, 10)] {
        let text = Rc::new(RefCell::new(String::new()));
        let tab = |name| {
            let header = encode(&format!(r#"{{"success":true,"creditsRedeemed":"{redeemed}"}}"#));
            let mut world =
                SimulatedPlatform::new().balance(1_000).seller(move |send, _| match &send.token {
                    None => Seller::offer(&offer("plan", 2)),
                    Some(_) => Seller::receipt(200, header.clone()),
                });
            world.plan_bounds = (1, 10);
            world.shelf = Some(Shelf { text: text.clone(), tab: name, full: false });
            world
        };
        let mut first = tab("a");
        first.approval = Some(yes());
        let fetch = first.fetch("POST", "/ask");
        assert!(first.run_one(fetch).result.is_ok(), "{redeemed}");
        assert_eq!(first.buyer.budget().total(), Credits::from(counted), "{redeemed}");
        // Another tab, another seller's path, and a page that is loaded again: what is left is left.
        for name in ["b", "c"] {
            for (most, paid) in [(counted + 9, false), (counted + 10, true)] {
                let mut other = tab(name);
                *other.shelf.as_mut().map(|shelf| &mut shelf.text).unwrap() =
                    Rc::new(RefCell::new(text.borrow().clone()));
                other.policy = Some(Policy { max_credits_total: Some(Credits::from(most)), ..anywhere() });
                let fetch = other.fetch("POST", "/other");
                assert_eq!(other.run_one(fetch).result.is_ok(), paid, "{redeemed}, {most}");
            }
        }
    }
}

#[test]
fn rule_5_a_401_that_says_it_was_paid_is_not_paid_again() {
    // (name, status, whether the token is from an earlier fetch, whether the answer carries the offer)
    for status in [401, 402] {
        for warm in [false, true] {
            for again in [None, Some(2), Some(3)] {
                let name = format!("{status}, old: {warm}, offer: {again:?}");
                let first = u32::from(warm);
                let mut world =
                    SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
                        None => Seller::offer(&offer("plan", 2)),
                        Some(_) if world.paid_sends <= first => Seller::paid(2, 98),
                        Some(_) => ResponseHead {
                            status,
                            offer: again.map(|price| encode(&offer("plan", price))),
                            ..Seller::receipt(status, receipt(true, 2, 96))
                        },
                    });
                world.approval = Some(yes());
                for _ in 0..first {
                    let fetch = world.fetch("POST", "/ask");
                    assert!(world.run_one(fetch).result.is_ok(), "{name}");
                }
                let fetch = world.fetch("POST", "/ask");
                let end = world.run_one(fetch);
                assert!(end.result.is_ok(), "the answer is the caller's: {name}");
                assert_eq!((world.paid_sends, world.mints, world.asked), (1 + first, 1, 1 + first), "{name}");
                assert_eq!(end.spend.outcome, Outcome::Settled, "{name}");
                assert_eq!(end.spend.credits_settled, Some(Credits::from(2)), "{name}");
            }
        }
    }
}

#[test]
fn rule_5_a_402_of_an_origin_that_failed_is_the_caller_s_to_read() {
    let not_settled = || Some(encode(r#"{"success":false,"errorReason":"not_settled","transaction":""}"#));
    for (status, warm, again) in [
        (402, false, None),
        (402, false, Some(2)),
        (402, true, Some(2)),
        (402, true, Some(3)),
        (401, true, Some(2)),
    ] {
        let name = format!("{status}, old: {warm}, offer: {again:?}");
        let first = u32::from(warm);
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if world.paid_sends <= first => Seller::paid(2, 98),
            Some(_) => ResponseHead {
                status,
                offer: again.map(|price| encode(&offer("plan", price))),
                receipt: not_settled(),
                ..ResponseHead::default()
            },
        });
        world.approval = Some(yes());
        for _ in 0..first {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
        }
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!((world.paid_sends, world.mints), (1 + first, 1), "the handler runs once: {name}");
        assert_eq!((end.spend.outcome, end.spend.payment), (Outcome::Unknown, None), "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{name}");
    }
}

#[test]
fn rule_9_a_second_receipt_does_not_replace_the_first_in_what_was_settled() {
    let no_amount = || encode(r#"{"success":true,"transaction":"0x2"}"#);
    // (name, the receipt of the place that the first payment leads to, what was settled in all, the outcome)
    for (name, second, settled, outcome) in [
        ("an amount", Some(receipt(true, 3, 90)), 5, Outcome::Settled),
        ("nothing redeemed", Some(receipt(true, 0, 90)), 2, Outcome::Settled),
        ("no amount", Some(no_amount()), 2, Outcome::Settled),
        ("not paid", Some(receipt(false, 0, 0)), 2, Outcome::Unknown),
        ("garbage", Some("!!!".into()), 2, Outcome::Unknown),
        ("none", None, 2, Outcome::Unknown),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if world.paid_sends == 1 => ResponseHead {
                receipt: Some(receipt(true, 2, 98)),
                ..Seller::redirect(303, Redirected::To(target(ORIGIN, "/second")))
            },
            Some(_) => ResponseHead { receipt: second.clone(), ..Seller::status(200) },
        });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!(world.paid_sends, 2, "{name}");
        assert_eq!(end.spend.credits_settled, Some(Credits::from(settled)), "{name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.records()[0].settled, Some(Credits::from(2)), "the books: {name}");
    }
}

#[test]
fn rule_3_an_offer_for_a_resource_of_another_host_is_refused() {
    // (what the offer says it is for, whether it may be paid)
    for (resource, paid) in [
        ("/ask", true),
        ("", true),
        ("https://api.example/ask", true),
        ("http://api.example/ask", true),
        ("mcp://tools/search", true),
        ("https://honest.example/ask", false),
        ("https://api.example:8443/ask", false),
        ("https://api.example.evil.example/ask", false),
        ("//honest.example/ask", false),
        ("HTTPS://honest.example", false),
        // As it stands in JSON: parsers leave a tab or a line end out.
        (r"h\tttps://honest.example/ask", false),
        (r"/\n/honest.example/ask", false),
        (r"\u00a0https://honest.example/ask", false),
    ] {
        for by_body in [false, true] {
            for approval in [None, Some(buy())] {
                let json = offer("plan", 2).replace(r#""url":"/ask""#, &format!(r#""url":"{resource}""#));
                let body = by_body.then(|| json.clone());
                let mut world = SimulatedPlatform::new().balance(100).body(body).seller(move |send, _| {
                    match &send.token {
                        None if by_body => Seller::status(402),
                        None => Seller::offer(&json),
                        Some(_) => Seller::paid(2, 98),
                    }
                });
                (world.approval, world.policy) = (approval, Some(anywhere()));
                let fetch = world.fetch("POST", "/ask");
                let error = world.run_one(fetch).result.err();
                let code = error.as_ref().map(|error| error.code());
                assert_eq!(code, (!paid).then_some("resource_mismatch"), "{resource}");
                if !paid {
                    assert_eq!((world.asked, world.platform_calls, world.sends), (0, 0, 1), "{resource}");
                }
            }
        }
    }
}
