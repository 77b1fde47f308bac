//! Rule 12: budgets over tabs and reloads, and what is stored.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_12_two_tabs_cannot_together_exceed_a_limit() {
    // (name, what is held back while both begin: calls of the platform, paid requests)
    for (name, hold_jobs, hold_paid) in [
        ("one after the other", false, false),
        ("all have reserved", true, false),
        ("all that could are on the wire", false, true),
    ] {
        let text = shelf();
        let mut tabs = [tab(&text, "one"), tab(&text, "two")];
        let mut fetches = Vec::new();
        for round in 0..12 {
            let index = round % 2;
            let world = &mut tabs[index];
            (world.hold_jobs, world.hold_paid, world.policy) = (hold_jobs, hold_paid, total(9));
            fetches.push((index, world.fetch("POST", "/ask")));
            world.run();
        }
        for world in &mut tabs {
            (world.hold_jobs, world.hold_paid) = (false, false);
            world.run();
        }
        let ends: Vec<_> =
            fetches.into_iter().map(|(index, fetch)| code(tabs[index].end(fetch).result)).collect();
        assert_eq!(ends.iter().filter(|end| end.is_empty()).count(), 4, "{name}: {ends:?}");
        assert_eq!(ends.iter().filter(|end| *end == "budget_exceeded").count(), 8, "{name}");
        assert_eq!(tabs[0].burned + tabs[1].burned, 8, "{name}");
        let mut third = tab(&text, "three");
        third.policy = total(9);
        let fetch = third.fetch("POST", "/ask");
        assert_eq!(code(third.run_one(fetch).result), "budget_exceeded", "{name}: whoever comes later knows");
        assert_eq!(third.buyer.budget().spent(), Credits::from(8), "{name}");
        assert_eq!(third.buyer.budget().by_origin(), [(support::ORIGIN, Credits::from(8))], "{name}");
        assert_eq!(third.buyer.budget().by_plan(), [("plan", Credits::from(8))], "{name}");
    }
}

#[test]
fn rule_12_what_one_tab_lets_go_another_may_spend() {
    // (name, how far the first comes, what becomes of it, what counts after it, in credits)
    for (name, hold_jobs, hold_paid, end, counts) in [
        ("aborted before it pays", true, false, Some(Event::Aborted), 0),
        ("aborted on the wire", false, true, Some(Event::Aborted), 2),
        ("refused by the seller", false, true, Some(Event::Answered(Seller::status(404))), 2),
        ("cheaper than it was", false, true, Some(Event::Answered(Seller::paid(1, 9))), 2),
        ("no answer", false, true, Some(Event::SendFailed), 2),
        ("the tab dies before it pays", true, false, None, 0),
        ("the tab dies on the wire", false, true, None, 2),
    ] {
        let text = shelf();
        let (mut first, mut second) = (tab(&text, "one"), tab(&text, "two"));
        (first.hold_jobs, first.hold_paid, first.policy) = (hold_jobs, hold_paid, total(2));
        second.policy = total(2);
        let fetch = first.fetch("POST", "/ask");
        first.run();
        let refused = second.fetch("POST", "/ask");
        assert_eq!(code(second.run_one(refused).result), "budget_exceeded", "{name}: as long as it lasts");
        match end {
            Some(event) => first.on(fetch, event),
            None => bury(&text, "one"),
        }
        second.policy = total(2 + counts);
        let fetch = second.fetch("POST", "/ask");
        assert_eq!(code(second.run_one(fetch).result), "", "{name}");
        let fetch = second.fetch("POST", "/ask");
        assert_eq!(code(second.run_one(fetch).result), "budget_exceeded", "{name}: and no more");
        assert_eq!(second.buyer.budget().total(), Credits::from(2 + counts), "{name}");
    }
}

#[test]
fn rule_12_a_budget_survives_a_reload_in_each_of_its_limits() {
    let limit = |credits: u64| Some(Credits::from(credits));
    let by_hour = || Policy { max_credits_per_hour: limit(4), ..anywhere() };
    let by_day = || Policy { max_credits_per_day: limit(4), ..anywhere() };
    let in_all = || Policy { max_credits_total: limit(4), ..anywhere() };
    // (name, the limit, hours that pass before the page is loaded again, what may be spent then)
    for (name, policy, hours, rest) in [
        ("by the hour, at once", by_hour(), 0, 0),
        ("by the hour, two hours later", by_hour(), 2, 2),
        ("by the day, at once", by_day(), 0, 0),
        ("by the day, two hours later", by_day(), 2, 0),
        ("by the day, a day and an hour later", by_day(), 25, 2),
        ("in all, at once", in_all(), 0, 0),
        ("in all, a year later", in_all(), 24 * 365, 0),
    ] {
        let text = shelf();
        let mut world = tab(&text, "one");
        world.now = 40 * HOUR;
        world.policy = Some(policy.clone());
        for _ in 0..2 {
            let fetch = world.fetch("POST", "/ask");
            assert_eq!(code(world.run_one(fetch).result), "", "{name}");
        }
        let mut again = tab(&text, "two");
        again.now = world.now + hours * HOUR;
        again.policy = Some(policy);
        let mut paid = 0;
        for _ in 0..3 {
            let fetch = again.fetch("POST", "/ask");
            paid += u64::from(again.run_one(fetch).result.is_ok());
        }
        assert_eq!(paid, rest, "{name}");
    }
}

#[test]
fn rule_12_what_cannot_be_read_counts_as_everything_for_good() {
    let long = "m 1 1\n".repeat(MAX_STORED / 6) + "s - 1\n";
    for (name, text, readable) in [
        ("nothing yet", "", true),
        ("a total", "s - 0\n", true),
        ("an hour long past", "m 1 4\na https://a.example 4\np plan 4\ns - 4\n", true),
        ("others", "r two 3\ns - 0\n", true),
        ("an order", "o 0x1/plan/1 0\nO 0x1/plan/x 0\ns - 0\n", true),
        ("no total", "m 1 1\n", false),
        ("an empty line alone", "\n", false),
        ("cut off", "m 1 4\ns -", false),
        ("a total that is none", "s - -1\n", false),
        ("a total cut short", "s - 0", false),
        ("a total with more", "s - 1 2\n", false),
        ("a fraction", "m 1 1.5\ns - 1\n", false),
        ("less than one line", "m 1\ns - 1\n", false),
        ("more than there is", &format!("s - {}\n", "9".repeat(79)), false),
        ("another kind of line", "z 1 2\ns - 1\n", false),
        ("a kind of two letters", "mm 1 2\ns - 1\n", false),
        ("what was unreadable before", "? - 1\n", false),
        ("JSON", "{\"spent\":0}", false),
        ("binary", "\u{0}\u{1}\u{fffd}", false),
        ("too long", &long, false),
    ] {
        let shelf = Rc::new(RefCell::new(text.to_string()));
        for round in ["at once", "after it was kept again"] {
            let mut world = tab(&shelf, "one");
            let limit = Some(Credits::from(1_000_000));
            for policy in [
                Policy { max_credits_total: limit, ..anywhere() },
                Policy { max_credits_per_hour: limit, ..anywhere() },
                Policy { max_credits_per_day: limit, ..anywhere() },
            ] {
                world.policy = Some(policy);
                let fetch = world.fetch("POST", "/ask");
                assert_eq!(world.run_one(fetch).result.is_ok(), readable, "{name}, {round}");
            }
            // Where nothing is limited there is nothing to exceed.
            world.policy = Some(anywhere());
            let fetch = world.fetch("POST", "/ask");
            assert_eq!(code(world.run_one(fetch).result), "", "{name}, {round}");
        }
        assert!(shelf.borrow().len() < MAX_STORED, "{name}");
    }
}

#[test]
fn what_is_kept_is_bounded_and_holds_no_secret() {
    let text = shelf();
    let mut world = tab(&text, "one");
    world.policy = Some(anywhere());
    for index in 0..600 {
        let origin =
            format!("https://{}{index}.example", "long-".repeat(if index % 2 == 0 { 40 } else { 400 }));
        let target = support::target(&origin, "/ask");
        world.request = Some(payments_wasm::subscriber::FetchRequest::new(target, "POST"));
        world.now += 60_000;
        let fetch = world.fetch("POST", "/ask");
        world.run_one(fetch);
    }
    let kept = text.borrow().clone();
    assert!(kept.len() < 128 * 1024, "{}", kept.len());
    for token in &world.presented {
        assert!(!kept.contains(token.as_str()));
    }
    assert!(kept.ends_with("s - 1200\n"), "the total counts what is not told apart any more");
    let mut again = Buyer::new();
    again.load(&kept, "two");
    assert_eq!(again.stored_text("two"), kept, "what is kept is what was taken up");
}

#[test]
fn the_bounds_of_what_is_kept_are_themselves_within() {
    let total = "s - 7\n";
    let line = |name: usize| format!("a {} 1\n", "n".repeat(name));
    // Lines of 56 bytes and a first one that makes up the length, to the byte.
    let text = |len: usize| {
        let lines = (len - total.len()) / 56 - 1;
        let first = len - total.len() - lines * 56 - 5;
        [line(first), line(51).repeat(lines), total.to_string()].concat()
    };
    for (name, text, readable) in
        [("just as long as may be", text(MAX_STORED), true), ("a byte longer", text(MAX_STORED + 1), false)]
    {
        let mut buyer = Buyer::new();
        buyer.load(&text, "one");
        assert_eq!(buyer.budget().total() == Credits::from(7), readable, "{name}");
        assert_eq!(buyer.stored_text("one").ends_with(total), readable, "{name}");
    }
    for (name, kept) in [(1, true), (256, true), (257, false)] {
        let mut buyer = Buyer::new();
        buyer.load(&[line(name), total.to_string()].concat(), "one");
        assert_eq!(buyer.stored_text("one").contains(&line(name)), kept, "a name of {name} bytes");
    }
}

#[test]
fn rule_12_what_could_not_be_kept_is_not_spent() {
    // (name, what the step would have done, whether a token is at hand, balance, answers that are awaited)
    for (name, warm, balance, on_the_wire) in [
        ("a payment", true, 100, false),
        ("a mint", false, 100, false),
        ("an order", false, 0, false),
        ("the end of a payment", true, 100, true),
    ] {
        let text = shelf();
        let mut world = tab(&text, "one").balance(balance);
        world.approval = Some(buy());
        world.reported_balance = true;
        if warm {
            let fetch = world.fetch("POST", "/ask");
            assert!(world.run_one(fetch).result.is_ok(), "{name}");
        }
        let (burned, paid_sends, sends) = (world.burned, world.paid_sends, world.sends);
        world.hold_paid = on_the_wire;
        let before = if on_the_wire {
            let fetch = world.fetch("POST", "/ask");
            world.run();
            Some(fetch)
        } else {
            None
        };
        let kept = text.borrow().clone();
        world.shelf.as_mut().unwrap().full = true;
        world.hold_paid = false;
        if let Some(fetch) = before {
            let end = world.run_one(fetch);
            assert!(end.result.is_ok(), "{name}: what was paid for is handed over");
            assert_eq!(end.spend.outcome, Outcome::Settled, "{name}");
            continue;
        }
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(code(end.result), "storage_unavailable", "{name}");
        assert_eq!(
            (end.spend.outcome, end.spend.credits_presented),
            (Outcome::None, Credits::ZERO),
            "{name}"
        );
        assert_eq!(end.spend.purchases, [], "{name}");
        assert_eq!(
            world.mints,
            u32::from(warm || name == "a mint"),
            "{name}: a mint spends nothing and goes on"
        );
        assert_eq!(end.spend.requests, world.sends - sends, "{name}: what was taken back was not sent");
        assert_eq!((world.burned, world.paid_sends, world.orders), (burned, paid_sends, 0), "{name}");
        assert_eq!(*text.borrow(), kept, "{name}");
        world.shelf.as_mut().unwrap().full = false;
        let fetch = world.fetch("POST", "/ask");
        assert_eq!(code(world.run_one(fetch).result), "", "{name}: and once it can be kept again");
        assert_eq!(world.buyer.budget().total(), Credits::from(world.burned), "{name}");
    }
}
