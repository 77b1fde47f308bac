//! A token that was to be sent and was not: rules 3, 5, 9 and 12.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use payments_wasm::subscriber::{Event, FetchId, FetchRequest, Finish, Outcome, Policy, Redirected};
use payments_wasm::wire::Credits;
use support::{ORIGIN, Seller, SimulatedPlatform, anywhere, held_only, offer, plan, target};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn code(end: &Finish) -> String {
    end.result.as_ref().map_or_else(|error| error.code().into(), |()| "ok".into())
}

fn counted(world: &SimulatedPlatform) -> Credits {
    world.buyer.budget().total()
}

/// A fetch that was told to send a token, and whose shell has not begun to.
fn about_to_send(policy: Policy, single_use: bool) -> (SimulatedPlatform, FetchId) {
    let mut world = SimulatedPlatform::new().balance(100);
    world.single_use = single_use;
    world.policy = Some(policy);
    world.hold_paid = true;
    let fetch = world.fetch("POST", "/ask");
    world.run();
    assert_eq!((world.mints, world.paid_sends), (1, 0));
    assert_eq!(counted(&world), Credits::from(2), "rule 12: counted before it is sent");
    (world, fetch)
}

fn total_of(most: u64) -> Policy {
    Policy { max_credits_total: Some(Credits::from(most)), ..anywhere() }
}

#[test]
fn rule_9_12_what_was_not_sent_is_not_counted_and_not_unknown() {
    // (name, event, how many the shell says that it has begun to send, code, outcome, what counts, whether it can be resumed)
    for (name, event, begun, expected, outcome, counts, open) in [
        ("aborted before", Event::Aborted, Some(0), "aborted", Outcome::None, 0, false),
        ("too late before", Event::TimedOut, Some(0), "send_timeout", Outcome::None, 0, false),
        ("could not be made", Event::SendFailed, Some(0), "network_error", Outcome::None, 0, false),
        ("aborted after", Event::Aborted, Some(1), "aborted", Outcome::Unknown, 2, true),
        ("too late after", Event::TimedOut, Some(1), "send_timeout", Outcome::Unknown, 2, true),
        ("lost", Event::SendFailed, Some(1), "outcome_unknown", Outcome::Unknown, 2, true),
        ("aborted, and nobody says", Event::Aborted, None, "aborted", Outcome::Unknown, 2, true),
        ("too late, and nobody says", Event::TimedOut, None, "send_timeout", Outcome::Unknown, 2, true),
        ("lost, and nobody says", Event::SendFailed, None, "outcome_unknown", Outcome::Unknown, 2, true),
    ] {
        for single_use in [true, false] {
            let (mut world, fetch) = about_to_send(total_of(2), single_use);
            if let Some(begun) = begun {
                world.buyer.token_sends(fetch, begun);
            }
            world.on(fetch, event.clone());
            let end = world.run_one(fetch);
            assert_eq!((code(&end).as_str(), end.spend.outcome), (expected, outcome), "{name}");
            assert_eq!(counted(&world), Credits::from(counts), "{name}");
            assert_eq!(world.buyer.budget().in_hour(world.now), Credits::from(counts), "{name}");
            assert_eq!(end.spend.credits_presented, Credits::from(counts), "rule 9: {name}");
            assert_eq!(end.spend.payment.is_some(), open, "{name}");
            assert_eq!(world.buyer.records().len(), usize::from(open), "{name}");
            // The limit has room for exactly one payment.
            world.hold_paid = false;
            let next = world.fetch("POST", "/ask");
            assert_eq!(code(&world.run_one(next)), if open { "budget_exceeded" } else { "ok" }, "{name}");
        }
    }
}

#[test]
fn rule_3_a_token_that_was_never_sent_is_not_presented_by_a_resume_that_reads_no_balance() {
    for event in [Event::Aborted, Event::TimedOut, Event::SendFailed] {
        let (mut world, fetch) = about_to_send(held_only(), true);
        world.buyer.token_sends(fetch, 0);
        world.on(fetch, event.clone());
        let end = world.run_one(fetch);
        assert_eq!(end.spend.payment, None, "{event:?}");
        // Others have spent what is held: the platform would buy from the delegation.
        world = world.balance(1);
        world.buyer.record_balance(&plan("plan"), Credits::from(1), world.now);
        world.hold_paid = false;
        world.request =
            Some(FetchRequest { resume: Some(fetch), ..FetchRequest::new(target(ORIGIN, "/ask"), "POST") });
        let resumed = world.fetch("POST", "/ask");
        assert_eq!(code(&world.run_one(resumed)), "not_resumable", "{event:?}");
        world.request = None;
        let next = world.fetch("POST", "/ask");
        assert_eq!(code(&world.run_one(next)), "insufficient_credits", "{event:?}");
        assert_eq!(world.paid_sends, 0, "{event:?}");
    }
}

#[test]
fn rule_9_12_what_was_sent_before_a_redirect_stays_unknown_and_counted() {
    for event in [Event::Aborted, Event::TimedOut, Event::SendFailed] {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, world| {
            match (&send.token, world.paid_sends) {
                (None, _) => Seller::offer(&offer("plan", 2)),
                (Some(_), 1) => Seller::redirect(307, Redirected::To(target(ORIGIN, "/moved"))),
                (Some(_), _) => Seller::silent(),
            }
        });
        world.policy = Some(total_of(100));
        let fetch = world.fetch("POST", "/ask");
        world.run();
        assert_eq!((world.paid_sends, counted(&world)), (2, Credits::from(4)));
        world.buyer.token_sends(fetch, 1);
        world.on(fetch, event.clone());
        let end = world.run_one(fetch);
        assert_eq!(end.spend.outcome, Outcome::Unknown, "{event:?}");
        assert_ne!(code(&end), "network_error", "{event:?}");
        assert_eq!((counted(&world), end.spend.credits_presented), (Credits::from(2), Credits::from(2)));
        let books = world.buyer.records();
        assert_eq!(
            (books.len(), books[0].presented, books[0].outcome),
            (1, Credits::from(2), Outcome::Unknown)
        );
    }
}

#[test]
fn rule_9_a_resume_that_was_not_sent_leaves_the_payment_as_open_as_it_was() {
    for event in [Event::Aborted, Event::TimedOut, Event::SendFailed] {
        let (mut world, fetch) = about_to_send(total_of(2), true);
        world.buyer.token_sends(fetch, 1);
        world.on(fetch, Event::SendFailed);
        assert_eq!(world.run_one(fetch).spend.payment, Some(fetch));
        let resume = |world: &mut SimulatedPlatform| {
            let request = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
            world.request = Some(FetchRequest { resume: Some(fetch), ..request });
            let resumed = world.fetch("POST", "/ask");
            world.run();
            resumed
        };
        let resumed = resume(&mut world);
        world.buyer.token_sends(resumed, 0);
        world.on(resumed, event.clone());
        let end = world.run_one(resumed);
        assert_eq!((end.spend.outcome, end.spend.payment), (Outcome::Unknown, Some(fetch)), "{event:?}");
        assert_eq!(counted(&world), Credits::from(2), "the token is out, and counts once: {event:?}");
        world.hold_paid = false;
        let resumed = resume(&mut world);
        assert_eq!(code(&world.run_one(resumed)), "ok", "{event:?}");
        assert_eq!(counted(&world), Credits::from(2), "{event:?}");
    }
}
