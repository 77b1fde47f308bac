//! Going on with a payment whose outcome is not known (rules 3, 5, 8, 9 and 12).

use crate::support::{ORIGIN, Seller, SimulatedPlatform, offer, plan, receipt, target, yes};
use crate::{code, counted, held_only_yes, limit, request};
use payments_wasm::subscriber::{
    Approval, FetchError, FetchId, FetchRequest, Finish, NoticeKind, Outcome, Policy,
};
use payments_wasm::wire::Credits;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A first fetch whose paid request got no answer that says anything.
fn unknown(world: &mut SimulatedPlatform) -> FetchId {
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    let end = world.run_one(fetch);
    assert_eq!(end.spend.outcome, Outcome::Unknown);
    end.spend.payment.expect("it can be gone on with")
}

fn resume(world: &mut SimulatedPlatform, payment: FetchId) -> Finish {
    world.request = Some(FetchRequest { resume: Some(payment), ..request() });
    let fetch = world.fetch("POST", "/ask");
    world.request = None;
    world.run_one(fetch)
}

#[test]
fn rule_5_9_12_a_single_use_token_is_presented_again_and_counts_once() {
    // (name, what the seller says to it the second time, code, outcome, what counts)
    let later = |answer: fn() -> payments_wasm::subscriber::ResponseHead| {
        move |send: &payments_wasm::subscriber::SendRequest, world: &SimulatedPlatform| match (
            &send.token,
            world.paid_sends,
        ) {
            (None, _) => Seller::offer(&offer("plan", 2)),
            (Some(_), 1) => Seller::lost(),
            (Some(_), _) => answer(),
        }
    };
    type Case =
        (&'static str, fn() -> payments_wasm::subscriber::ResponseHead, &'static str, Outcome, u64, bool);
    let table: [Case; 9] = [
        ("settled", || Seller::paid(2, 98), "ok", Outcome::Settled, 2, false),
        ("settled for less", || Seller::paid(1, 99), "ok", Outcome::Settled, 2, false),
        ("lost once more", Seller::lost, "outcome_unknown", Outcome::Unknown, 2, true),
        ("an error of the server's", || Seller::status(503), "ok", Outcome::Unknown, 2, true),
        ("an error of the caller's", || Seller::status(404), "ok", Outcome::Unknown, 2, true),
        (
            "delivered, not settled",
            || Seller::receipt(200, receipt(false, 0, 0)),
            "ok",
            Outcome::Unknown,
            2,
            false,
        ),
        ("refused", || Seller::offer(&offer("plan", 2)), "payment_refused", Outcome::Unknown, 2, false),
        (
            "refused on other terms",
            || Seller::offer(&offer("plan", 3)),
            "payment_refused",
            Outcome::Unknown,
            2,
            false,
        ),
        ("refused by a 401", || Seller::status(401), "ok", Outcome::Unknown, 2, false),
    ];
    for (name, answer, expected, outcome, in_budget, open) in table {
        let mut world = SimulatedPlatform::new().balance(100).seller(later(answer));
        world.single_use = true;
        let payment = unknown(&mut world);
        let end = resume(&mut world, payment);
        assert_eq!(code(&end), expected, "{name}");
        assert_eq!(world.presented[0], world.presented[1], "the very same: {name}");
        assert_eq!((world.mints, world.asked, world.sends), (1, 1, 3), "{name}");
        assert_eq!((end.spend.outcome, counted(&world)), (outcome, in_budget), "{name}");
        assert_eq!(end.spend.payment.is_some(), open, "{name}");
        let books = world.buyer.records();
        assert_eq!(books.len(), 1, "one payment: {name}");
        assert_eq!((books[0].outcome, books[0].presented), (outcome, Credits::from(2)), "{name}");
        // The first fetch cannot be resumed again. The second fetch can be resumed if its payment is still open.
        let more = resume(&mut world, payment);
        assert_eq!((code(&more).as_str(), more.spend.requests), ("not_resumable", 0), "{name}");
        if let Some(payment) = end.spend.payment {
            assert_ne!(code(&resume(&mut world, payment)), "not_resumable", "{name}");
            assert_eq!(world.presented[0], world.presented[2], "{name}");
        }
    }
}

#[test]
fn rule_5_12_a_token_is_presented_again_only_where_the_window_of_now_has_room_for_it() {
    const HOUR: u64 = 3_600_000;
    // (name, what an hour allows, whether another payment is made in the hour of the resume, what that hour counts after it)
    for (name, allowed, other, expected, in_hour) in [
        ("the same hour's limit, and nothing else was paid", 2, false, "ok", 2),
        ("room for both", 4, true, "ok", 4),
        ("no room beside the other", 3, true, "budget_exceeded", 2),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, world| {
            match (&send.token, world.paid_sends) {
                (None, _) => Seller::offer(&offer("plan", 2)),
                (Some(_), 1) => Seller::lost(),
                (Some(_), _) => Seller::paid(2, 98),
            }
        });
        world.single_use = true;
        world.policy =
            Some(Policy { max_credits_per_hour: Some(Credits::from(allowed)), ..Policy::default() });
        let began = world.now;
        let payment = unknown(&mut world);
        world.now += HOUR + 60_000;
        if other {
            let fetch = world.fetch("POST", "/other");
            assert_eq!(code(&world.run_one(fetch)), "ok", "{name}");
        }
        let (sends, total) = (world.sends, counted(&world));
        let end = resume(&mut world, payment);
        let paid = expected == "ok";
        assert_eq!(code(&end), expected, "{name}");
        assert_eq!(world.sends - sends, u32::from(paid), "{name}");
        assert_eq!(world.buyer.budget().in_hour(world.now), Credits::from(in_hour), "{name}");
        assert_eq!(counted(&world), total, "it counts once, then or now: {name}");
        assert_eq!(
            world.buyer.budget().in_hour(began),
            Credits::from(if paid { in_hour } else { 2 + in_hour }),
            "{name}"
        );
        if !paid {
            assert_eq!((end.spend.payment, end.spend.outcome), (Some(payment), Outcome::Unknown), "{name}");
            // Another window has room again.
            world.now += HOUR + 60_000;
            assert_eq!(code(&resume(&mut world, payment)), "ok", "{name}");
            assert_eq!(world.presented.first(), world.presented.last(), "{name}");
            assert_eq!(counted(&world), total, "{name}");
        }
    }
}

/// Makes a payment with a reusable token and loses its answer. `held` is the balance before the payment, as an earlier answer said.
/// After the payment, `burned` credits are missing from the 100 of the account.
fn reusable(held: Option<u64>, burned: u64) -> (SimulatedPlatform, FetchId) {
    let mut world =
        SimulatedPlatform::new().balance(100).seller(|send, world| match (&send.token, world.paid_sends) {
            (None, _) => Seller::offer(&offer("plan", 2)),
            (Some(_), 1) => Seller::lost(),
            (Some(_), _) => Seller::paid(2, 96),
        });
    if let Some(held) = held {
        world.buyer.record_balance(&plan("plan"), Credits::from(held), world.now);
    }
    let payment = unknown(&mut world);
    world = world.balance(100 - burned);
    (world, payment)
}

#[test]
fn rule_5_to_resume_with_a_reusable_token_is_another_payment_whatever_the_balance_says() {
    // (name, known before, burned by the first)
    for (name, held, burned) in [
        ("as much is held as before", Some(100), 0),
        ("less is held", Some(100), 2),
        ("much less is held", Some(100), 50),
        ("nobody knows what was held", None, 0),
    ] {
        let (mut world, payment) = reusable(held, burned);
        let end = resume(&mut world, payment);
        assert_eq!((code(&end).as_str(), end.spend.outcome), ("ok", Outcome::Settled), "{name}");
        assert_eq!(world.platform_calls, world.mints, "no balance proves anything: {name}");
        assert_eq!(world.asked, 2, "{name}");
        assert_eq!(world.offers.iter().map(|offer| offer.again).collect::<Vec<_>>(), [false, true], "{name}");
        assert_eq!(counted(&world), 4, "{name}");
        let books: Vec<_> = world.buyer.records().iter().map(|one| one.outcome).collect();
        assert_eq!(books, [Outcome::Unknown, Outcome::Settled], "{name}");
        assert_eq!((world.mints, world.sends), (1, 3), "{name}");
        let next = world.fetch("POST", "/ask");
        assert_eq!(code(&world.run_one(next)), "ok");
        assert_eq!(
            world.offers.last().map(|offer| offer.again),
            Some(false),
            "the next is no repetition: {name}"
        );
    }
}

#[test]
fn rule_3_to_pay_again_needs_a_consent_of_its_own() {
    type Case = (&'static str, fn(&mut SimulatedPlatform), &'static str, bool, u64);
    // (name, what is different, code, whether the first payment can still be gone on with, what counts)
    let table: [Case; 5] = [
        ("denied", |w| w.approval = Some(Approval::default()), "consent_denied", true, 2),
        ("a limit that the first has used up", |w| w.policy = Some(limit(3)), "budget_exceeded", true, 2),
        ("a limit that leaves room", |w| w.policy = Some(limit(4)), "ok", false, 4),
        (
            "a policy that does not name the plan",
            |w| w.policy = Some(Policy { plans: vec!["other".into()], ..Policy::default() }),
            "no_payable_offer",
            true,
            2,
        ),
        (
            "agreed to for the whole session",
            |w| {
                // The grant is for the like of it, not for the same again.
                w.approval = Some(Approval { remember: true, ..yes() });
                let other = w.fetch("POST", "/other");
                assert!(w.run_one(other).result.is_ok());
                w.approval = Some(Approval::default());
            },
            "consent_denied",
            true,
            4,
        ),
    ];
    for (name, change, expected, open, in_budget) in table {
        let (mut world, payment) = reusable(Some(100), 2);
        change(&mut world);
        let end = resume(&mut world, payment);
        assert_eq!(code(&end), expected, "{name}");
        assert_eq!(end.spend.outcome == Outcome::Unknown, open, "rule 9: {name}");
        assert_eq!(end.spend.payment, open.then_some(payment), "all is as it was: {name}");
        assert_eq!(counted(&world), in_budget, "rule 12: {name}");
    }
}

#[test]
fn rule_5_12_a_resumed_token_that_is_refused_ends_and_stays_counted() {
    // (name, whether the first presentation was burned: nobody can tell)
    for (name, burned) in [("burned", 2), ("not burned", 0)] {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, world| {
            match (&send.token, world.paid_sends) {
                (None, _) => Seller::offer(&offer("plan", 2)),
                (Some(_), 1) => Seller::lost(),
                (Some(_), 2) => Seller::offer(&offer("plan", 2)),
                (Some(_), _) => Seller::paid(2, 96),
            }
        });
        world.single_use = true;
        world.buyer.record_balance(&plan("plan"), Credits::from(100), world.now);
        let payment = unknown(&mut world);
        world = world.balance(100 - burned);
        let end = resume(&mut world, payment);
        assert_eq!((code(&end).as_str(), end.spend.outcome), ("payment_refused", Outcome::Unknown), "{name}");
        assert_eq!((world.asked, world.mints, world.paid_sends), (1, 1, 2), "{name}");
        assert_eq!(world.presented[0], world.presented[1], "{name}");
        assert_eq!((end.spend.payment, counted(&world)), (None, 2), "{name}");
        let books: Vec<_> = world.buyer.records().iter().map(|one| (one.outcome, one.presented)).collect();
        assert_eq!(books, [(Outcome::Unknown, Credits::from(2))], "{name}");
        assert!(world.notices.contains(&NoticeKind::Refused), "{name}");
        // A new fetch is a new payment.
        let next = world.fetch("POST", "/ask");
        assert_eq!(code(&world.run_one(next)), "ok", "{name}");
        assert_eq!((world.asked, world.mints, counted(&world)), (2, 2, 4), "{name}");
    }
}

#[test]
fn rule_9_the_books_forget_the_payment_that_is_gone_on_with_and_no_other() {
    let mut world =
        SimulatedPlatform::new().balance(100).seller(|send, world| match (&send.token, world.paid_sends) {
            (None, _) => Seller::offer(&offer("plan", 2)),
            (Some(_), 2) => Seller::lost(),
            (Some(_), _) => Seller::paid(2, 98),
        });
    world.single_use = true;
    // Two payments of the same at the same moment: the first is settled, of the second nobody knows.
    world.approval = Some(yes());
    let fetches = [world.fetch("POST", "/ask"), world.fetch("POST", "/ask")];
    world.run();
    let ends = fetches.map(|fetch| world.end(fetch));
    assert_eq!(world.buyer.records()[0].at, world.buyer.records()[1].at);
    let payment = ends[1].spend.payment.expect("it can be gone on with");
    world.now += 1;
    let books =
        |world: &SimulatedPlatform| world.buyer.records().iter().map(|one| one.outcome).collect::<Vec<_>>();
    assert_eq!(books(&world), [Outcome::Settled, Outcome::Unknown]);
    assert_eq!(code(&resume(&mut world, payment)), "ok");
    assert_eq!(books(&world), [Outcome::Settled, Outcome::Settled]);
    assert_eq!(world.buyer.records()[0].offer.target, world.buyer.records()[1].offer.target);
    let spent: Vec<_> = world.buyer.records().iter().map(|one| one.settled).collect();
    assert_eq!(spent, [Some(Credits::from(2)); 2]);
}

#[test]
fn rule_9_what_is_gone_on_with_is_that_payment_of_that_request() {
    type Case = (&'static str, fn(&mut SimulatedPlatform, &mut FetchRequest));
    let table: [Case; 4] = [
        ("another path", |_, request| request.target = target(ORIGIN, "/other")),
        ("another method", |_, request| request.method = "PUT".into()),
        ("no such payment", |_, request| request.resume = Some(FetchId::from(77))),
        ("another session", |world, _| {
            world.buyer.log_out();
            let delegation = payments_wasm::wire::DelegationRef::parse("d-1", "delegationId").unwrap();
            world.buyer.log_in(Some("0x0000000000000000000000000000000000000001".into()), Some(delegation));
        }),
    ];
    for (name, change) in table {
        let (mut world, payment) = reusable(Some(100), 0);
        let (sends, asked) = (world.sends, world.asked);
        let mut request = FetchRequest { resume: Some(payment), ..request() };
        change(&mut world, &mut request);
        world.request = Some(request);
        let fetch = world.fetch("POST", "/ask");
        assert_eq!(world.run_one(fetch).result, Err(FetchError::NotResumable), "{name}");
        assert_eq!((world.sends, world.asked), (sends, asked), "{name}");
        if name != "another session" {
            assert_eq!(code(&resume(&mut world, payment)), "ok", "the right one still can be: {name}");
        }
    }
}

#[test]
fn rule_8_9_a_resumption_that_ends_before_anything_went_out_leaves_all_as_it_was() {
    type Case = (&'static str, fn(&mut SimulatedPlatform, FetchId) -> Finish, &'static str);
    let table: [Case; 3] = [
        (
            "aborted",
            |world, fetch| {
                world.buyer.handle_event(fetch, payments_wasm::subscriber::Event::Aborted, world.now);
                world.run_one(fetch)
            },
            "aborted",
        ),
        ("the balance takes too long", SimulatedPlatform::time_out, "platform_timeout"),
        (
            "the balance cannot be read",
            |world, fetch| {
                world.plans.insert("plan".into(), None);
                world.hold_jobs = false;
                world.run_one(fetch)
            },
            "http_500",
        ),
    ];
    for (name, end_it, expected) in table {
        let (mut world, payment) = reusable(None, 0);
        world.hold_jobs = true;
        world.approval = Some(held_only_yes());
        world.request = Some(FetchRequest { resume: Some(payment), ..request() });
        let fetch = world.fetch("POST", "/ask");
        world.run();
        let end = end_it(&mut world, fetch);
        assert_eq!(code(&end), expected, "{name}");
        assert_eq!((end.spend.outcome, end.spend.payment), (Outcome::Unknown, Some(payment)), "{name}");
        assert_eq!((counted(&world), world.buyer.records().len()), (2, 1), "{name}");
        world.hold_jobs = false;
        world.plans.clear();
        assert_eq!(code(&resume(&mut world, payment)), "ok", "{name}");
        assert_eq!((counted(&world), world.asked), (4, 3), "{name}");
    }
}

#[test]
fn rule_9_only_what_got_no_goods_and_whose_token_has_not_ended_can_be_gone_on_with() {
    type Case = (&'static str, fn() -> payments_wasm::subscriber::ResponseHead, bool);
    let table: [Case; 11] = [
        ("no answer", Seller::lost, true),
        ("refused", || Seller::offer(&offer("plan", 2)), false),
        ("refused without an offer", || Seller::status(402), false),
        ("refused by a 401", || Seller::status(401), false),
        ("delivered, not settled", || Seller::receipt(200, receipt(false, 0, 0)), false),
        ("not delivered, not settled", || Seller::receipt(503, receipt(false, 0, 0)), true),
        ("settled, and the server fell over", || Seller::receipt(500, receipt(true, 2, 98)), false),
        ("a server that fell over", || Seller::status(500), true),
        ("delivered without a receipt", || Seller::status(200), false),
        ("settled", || Seller::paid(2, 98), false),
        ("an error of the caller's", || Seller::status(404), true),
    ];
    for (name, answer, open) in table {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => answer(),
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.spend.payment, open.then_some(fetch), "{name}");
        if open {
            assert_ne!(code(&resume(&mut world, fetch)), "not_resumable", "{name}");
        }
    }
}
