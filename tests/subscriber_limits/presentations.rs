//! Rules 5, 6 and 12: what a presentation counts, and when it is written.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_12_an_offer_s_own_price_counts_at_an_origin_that_is_trusted_by_name_and_nowhere_else() {
    let total =
        |credits: u64| Policy { max_credits_total: Some(Credits::from(credits)), ..Policy::default() };
    let here = || vec![ORIGIN.to_string()];
    let trusting = |origins| Policy { count_price: true, origins, ..total(1_000) };
    let other = || "https://other.example".to_string();
    // (name, the call's policy, the instance's, the plan's least and most, the offer's price, what counts)
    type Row = (&'static str, Policy, Option<Policy>, (u64, u64), Option<u64>, u64);
    let rows: Vec<Row> = vec![
        ("trusted by name", trusting(here()), None, (1, 10), Some(2), 2),
        ("among others", trusting(vec![other(), ORIGIN.into()]), None, (1, 10), Some(2), 2),
        ("not trusted", Policy { count_price: false, ..trusting(here()) }, None, (1, 10), Some(2), 10),
        ("trusted with every origin", trusting(vec!["*".into()]), None, (1, 10), Some(2), 10),
        ("trusted, and no price", trusting(here()), None, (1, 10), None, 10),
        ("trusted, and the plan takes more at the least", trusting(here()), None, (7, 7), Some(1), 7),
        ("trusted, and dearer than the plan", trusting(here()), None, (1, 10), Some(12), 12),
        ("the instance's limits do not trust", trusting(here()), Some(total(1_000)), (1, 10), Some(2), 10),
        (
            "the instance's limits trust too",
            trusting(here()),
            Some(Policy { count_price: true, origins: here(), ..total(1_000) }),
            (1, 10),
            Some(2),
            2,
        ),
        ("the instance limits no credits", trusting(here()), Some(Policy::default()), (1, 10), Some(2), 2),
        (
            "only the instance's limits trust",
            Policy { origins: here(), ..total(1_000) },
            Some(trusting(here())),
            (1, 10),
            Some(2),
            10,
        ),
    ];
    for (name, own, instance, bounds, price, counts) in rows {
        let json = price.map_or_else(|| support::offer_without_price("plan"), |price| offer("plan", price));
        let mut world = SimulatedPlatform::new().balance(1_000).seller(move |send, _| match &send.token {
            None => Seller::offer(&json),
            Some(_) => Seller::status(200),
        });
        world.plan_bounds = bounds;
        world.policy = Some(own);
        let request = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
        world.request = Some(FetchRequest { limits: instance.map(Arc::new), ..request });
        let end = one(&mut world, "/ask");
        assert_eq!(code(&end), "", "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(counts), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(counts), "{name}");
    }
}

#[test]
fn rule_12_a_plan_s_terms_are_read_once_a_session_before_anybody_is_asked_and_only_where_a_limit_is_set() {
    let limited = || Policy { max_credits_per_day: Some(Credits::from(100)), ..anywhere() };
    // (name, who is asked, the policy, looks at the terms over three fetches of which two are at once)
    for (name, approval, policy, looks) in [
        ("a limit", None, Some(limited()), 1),
        ("a limit, and somebody is asked", Some(yes()), Some(limited()), 1),
        ("no limit", Some(yes()), Some(anywhere()), 0),
        ("nothing at all", Some(yes()), None, 0),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
        (world.approval, world.policy) = (approval, policy);
        (world.hold_jobs, world.hold_terms) = (true, true);
        let pair = [world.fetch("POST", "/ask"), world.fetch("POST", "/other")];
        world.run();
        if looks > 0 {
            assert_eq!((world.asked, world.mints), (0, 0), "{name}: first the terms");
        }
        (world.hold_jobs, world.hold_terms) = (false, false);
        world.run();
        for fetch in pair {
            assert_eq!(code(&world.end(fetch)), "", "{name}");
        }
        assert_eq!(code(&one(&mut world, "/third")), "", "{name}");
        assert_eq!(world.terms_read, looks, "{name}");
        let asks_for_single_use = world.mint_bodies[0].contains(r#""tokenVersion":3"#);
        assert_eq!(asks_for_single_use, looks > 0, "{name}: a reusable token can be settled again");
    }
}

#[test]
fn rule_12_what_is_presented_is_kept_before_it_is_sent() {
    // (name, how each paid sending is answered, what is kept before each of them)
    type Answered = fn(u32) -> payments_wasm::subscriber::ResponseHead;
    let near: Answered = |paid| match paid {
        1 => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
        _ => Seller::paid(2, 9),
    };
    let dearer: Answered =
        |paid| if paid == 1 { Seller::offer(&offer("plan", 3)) } else { Seller::paid(3, 9) };
    let table: [(&str, Answered, &[u64]); 4] = [
        ("paid", |_| Seller::paid(2, 9), &[2]),
        ("no answer", |_| Seller::lost(), &[2]),
        ("led on within the origin", near, &[2, 4]),
        ("refused on other terms", dearer, &[2, 5]),
    ];
    for (name, answer, expected) in table {
        let text = Rc::new(RefCell::new(String::new()));
        let (shelf, counted) = (text.clone(), Rc::new(RefCell::new(Vec::new())));
        let kept = counted.clone();
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| {
            if send.token.is_none() {
                return Seller::offer(&offer("plan", 2));
            }
            kept.borrow_mut().push(spent(&shelf.borrow()));
            answer(world.paid_sends)
        });
        world.shelf = Some(Shelf { text, tab: "one", full: false });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        world.run_one(fetch);
        assert_eq!(*counted.borrow(), expected, "{name}");
    }
}

#[test]
fn rule_12_what_cannot_be_kept_is_not_sent_and_what_was_sent_before_stays_unknown() {
    // (name, whether the first answer leads on or refuses on other terms)
    for (name, leads_on) in [("led on within the origin", true), ("refused on other terms", false)] {
        let text = Rc::new(RefCell::new(String::new()));
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) if leads_on => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
            Some(_) => Seller::offer(&offer("plan", 3)),
        });
        world.shelf = Some(Shelf { text: text.clone(), tab: "one", full: false });
        world.approval = Some(yes());
        world.hold_paid = true;
        let fetch = world.fetch("GET", "/ask");
        world.run();
        world.hold_paid = false;
        world.shelf.as_mut().unwrap().full = true;
        let end = world.run_one(fetch);
        assert_eq!(code(&end), "storage_unavailable", "{name}");
        assert_eq!(world.paid_sends, 1, "{name}");
        assert_eq!(end.spend.outcome, payments_wasm::subscriber::Outcome::Unknown, "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(2), "{name}");
        let books: Vec<_> = world.buyer.records().iter().map(|one| (one.outcome, one.presented)).collect();
        assert_eq!(books, [(payments_wasm::subscriber::Outcome::Unknown, Credits::from(2))], "{name}");
        assert_eq!(spent(&text.borrow()), 2, "{name}");
    }
}

#[test]
fn rule_6_12_a_redirect_is_followed_with_the_token_only_within_the_limits() {
    let limit = |credits: u64| Some(Credits::from(credits));
    // (name, the policy, what is held, presentations)
    for (name, policy, held, paid) in [
        ("no limit", anywhere(), 100, 2),
        ("a call may present four", Policy { max_credits_per_request: limit(4), ..anywhere() }, 100, 2),
        ("a call may present three", Policy { max_credits_per_request: limit(3), ..anywhere() }, 100, 1),
        ("four in all", Policy { max_credits_total: limit(4), ..anywhere() }, 100, 2),
        ("three in all", Policy { max_credits_total: limit(3), ..anywhere() }, 100, 1),
        ("only what is held, enough for both", held_only(), 4, 2),
        ("only what is held, enough for one", held_only(), 3, 1),
    ] {
        let mut world = SimulatedPlatform::new().balance(held);
        let came = Cell::new(0);
        world.says = Some(Rc::new(move || match came.replace(came.get() + 1) {
            0 => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
            _ => Seller::status(200),
        }));
        (world.policy, world.redirects) = (Some(policy), Redirects::Follow);
        let end = one(&mut world, "/ask");
        assert_eq!(world.paid_sends, paid, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(2 * u64::from(paid)), "{name}");
        assert_eq!(end.result.is_ok(), paid == 2, "{name}");
    }
}

#[test]
fn rule_5_a_token_that_ended_is_not_presented_by_a_fetch_that_waits_with_it() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|send, world| match &send.token {
        Some(_) if world.paid_sends == 2 => Seller::status(402),
        Some(_) => Seller::paid(2, 98),
        None => Seller::offer(&offer("plan", 2)),
    });
    world.approval = Some(yes());
    assert_eq!(code(&one(&mut world, "/ask")), "");
    // Two fetches have the token in hand: one is on the wire, the other waits for the balance.
    world.hold_paid = true;
    let refused = world.fetch("POST", "/ask");
    world.run();
    world.hold_jobs = true;
    world.approval = Some(Approval { purchase: Some(false), ..yes() });
    let waiting = world.fetch("POST", "/ask");
    world.run();
    world.hold_paid = false;
    world.run();
    assert_eq!(code(&world.end(refused)), "payment_refused");
    world.hold_jobs = false;
    world.run();
    assert_eq!(code(&world.end(waiting)), "");
    assert_eq!((world.paid_sends, world.mints), (3, 2));
    assert_ne!(world.presented[1], world.presented[2]);
}
