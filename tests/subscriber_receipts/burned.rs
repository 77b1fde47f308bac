//! Rules 10 and 12: what is burned, presented and ordered, whatever a seller says.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_12_whatever_a_seller_says_no_more_is_burned_than_a_limit_allows() {
    let limit = Some(Credits::from(10));
    let policies = [
        ("in all", Policy { max_credits_total: limit, ..anywhere() }),
        ("an hour", Policy { max_credits_per_hour: limit, ..anywhere() }),
        ("a day", Policy { max_credits_per_day: limit, ..anywhere() }),
    ];
    for plan in plans() {
        for (status, answer) in answers() {
            for (said, header) in receipts() {
                for (index, (window, policy)) in policies.iter().enumerate() {
                    let name = format!("{}, {status}, {said}, {window}", plan.name);
                    let (mut world, burned) =
                        takes_all(&plan, ResponseHead { receipt: header.clone(), ..answer.clone() });
                    world.policy = Some(policy.clone());
                    // Single-use tokens are asked for; a platform may hand out others.
                    world.single_use = index != 0;
                    for _ in 0..7 {
                        let fetch = world.fetch("GET", "/ask");
                        let end = world.run_one(fetch);
                        assert_rule_9(&end, &name);
                    }
                    let counted = number(world.buyer.budget().total());
                    assert!(burned.get() <= 10 && counted <= 10, "{name}: {} burned", burned.get());
                    assert!(counted >= burned.get(), "{name}: {counted} counted");
                    // The budget is not used up by a word either: it is what was presented, at what that can cost.
                    let (paid, cost) = (u64::from(world.paid_sends), plan.counts);
                    if !status.contains("offer") {
                        assert_eq!(counted, paid * cost, "{name}");
                        assert!(paid >= (10 / cost).min(7), "{name}: {paid} presentations");
                    }
                    assert_eq!(world.terms_read, 1, "{name}");
                }
            }
        }
    }
}

#[test]
fn rule_12_one_call_presents_no_more_than_its_limit_allows() {
    for (status, answer) in answers() {
        for (said, header) in receipts() {
            for (limit, most) in [(1, 0), (2, 2), (3, 2), (5, 5)] {
                let name = format!("{status}, {said}, at most {limit}");
                let plan = &plans()[0];
                let (mut world, burned) =
                    takes_all(plan, ResponseHead { receipt: header.clone(), ..answer.clone() });
                let limit = Some(Credits::from(limit));
                world.policy = Some(Policy { max_credits_per_request: limit, ..anywhere() });
                for round in 1..4 {
                    let before = burned.get();
                    let fetch = world.fetch("GET", "/ask");
                    let end = world.run_one(fetch);
                    assert!(burned.get() - before <= most, "{name}, round {round}");
                    assert!(end.spend.credits_presented <= Credits::from(most), "{name}, round {round}");
                }
            }
        }
    }
}

#[test]
fn rule_10_whatever_a_seller_says_nothing_is_ordered_where_the_credits_suffice() {
    for (status, answer) in answers() {
        for (said, header) in receipts() {
            for by_policy in [true, false] {
                let name = format!("{status}, {said}, by policy: {by_policy}");
                let answer = ResponseHead { receipt: header.clone(), ..answer.clone() };
                let mut world = SimulatedPlatform::new().balance(1_000).body(None);
                world.says = Some(Rc::new(move || answer.clone()));
                world.approval = (!by_policy).then(buy);
                world.policy = by_policy.then(buys);
                for _ in 0..5 {
                    let fetch = world.fetch("GET", "/ask");
                    world.run_one(fetch);
                    // Time goes on, or it does not.
                    world.now += if by_policy { 1 } else { 0 };
                }
                assert_eq!(world.orders, 0, "{name}");
            }
        }
    }
}

#[test]
fn rule_10_whatever_a_seller_says_only_what_is_held_is_presented_where_nothing_may_be_bought() {
    // Five credits are held, two are taken each time: the third payment would make the platform buy.
    for (status, answer) in answers() {
        for (said, header) in receipts() {
            let name = format!("{status}, {said}");
            let answer = ResponseHead { receipt: header, ..answer.clone() };
            let mut world = SimulatedPlatform::new().balance(5).body(None);
            world.says = Some(Rc::new(move || answer.clone()));
            (world.approval, world.policy) = (None, Some(held_only()));
            let mut codes = Vec::new();
            for _ in 0..5 {
                let fetch = world.fetch("GET", "/ask");
                codes.extend(world.run_one(fetch).result.err().map(|error| error.code().to_string()));
            }
            // A cheaper offer, or one without a price, needs no less: the platform can take two all the same.
            assert_eq!((world.paid_sends, world.burned, world.orders), (2, 4, 0), "{name}");
            assert_eq!(codes.last().map(String::as_str), Some("insufficient_credits"), "{name}");
        }
    }
}
