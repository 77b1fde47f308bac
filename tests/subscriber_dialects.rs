//! Dialects beside x402 with a plan, as tables: amounts of an asset that a wallet signs for, and challenges of MPP. Rules of
//! money 2, 3, 5, 6, 9 and 12.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod support;

use payments_wasm::subscriber::{
    AmountLimit, Approval, Buyer, Dialect, DialectKind, FetchError, FetchRequest, Finish, NoticeKind,
    Outcome, Policy, Redirected, ResponseHead,
};
use payments_wasm::wire::{Credits, WireErrorKind};
use std::cell::RefCell;
use std::rc::Rc;
use support::{ORIGIN, Seller, Shelf, SimulatedPlatform, anywhere, encode, offer, signature, target, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const USDC: &str = "eip155:84532:0xusdc";
const HOUR: u64 = 3_600_000;

/// The offer of an amount, as a shell reads it.
fn exact(amount: u64) -> String {
    exact_of(USDC, amount)
}

fn exact_of(currency: &str, amount: u64) -> String {
    format!(
        r#"{{"dialect":"exact","planId":"{currency}","network":"eip155:84532","credits":"{amount}","handle":"h{amount}","asset":"0xUSDC","payTo":"0xshop","resource":"{ORIGIN}/ask"}}"#
    )
}

fn mpp(id: &str, credits: u64) -> String {
    format!(
        r#"{{"dialect":"mpp","planId":"plan","network":"eip155:84532","credits":"{credits}","handle":"{id}","agentId":"9","resource":"/ask"}}"#
    )
}

fn asks(offers: &[String]) -> ResponseHead {
    ResponseHead { status: 402, dialects: Some(format!("[{}]", offers.join(","))), ..ResponseHead::default() }
}

fn settled() -> ResponseHead {
    let receipt = r#"{"success":true,"transaction":"0xtx","network":"eip155:84532","payer":"0xme"}"#;
    Seller::receipt(200, encode(receipt))
}

/// A seller of amounts, who takes what is signed.
fn shop(amount: u64) -> SimulatedPlatform {
    SimulatedPlatform::new().seller(move |send, _| match &send.token {
        None => asks(&[exact(amount)]),
        Some(_) => settled(),
    })
}

fn one(world: &mut SimulatedPlatform) -> Finish {
    let fetch = world.fetch("POST", "/ask");
    world.run_one(fetch)
}

fn code(end: &Finish) -> &str {
    end.result.as_ref().map_or_else(FetchError::code, |()| "")
}

fn limit() -> AmountLimit {
    AmountLimit { currency: USDC.into(), ..AmountLimit::default() }
}

fn limited(limit: AmountLimit) -> Policy {
    Policy { max_amounts: vec![limit], ..anywhere() }
}

#[test]
fn rule_3_an_amount_is_signed_for_after_consent_and_counted_by_its_currency() {
    let mut world = shop(10_000);
    world.approval = Some(yes());
    let end = one(&mut world);
    assert_eq!(code(&end), "");
    assert_eq!((world.asked, world.signed.clone(), world.paid_sends), (1, vec!["h10000".to_string()], 1));
    let asked = world.offers.first().unwrap();
    assert_eq!(
        (asked.is_money(), asked.scheme_name(), asked.credits()),
        (true, "exact", Some(10_000.into()))
    );
    assert_eq!(asked.dialect().unwrap().pay_to, "0xshop");
    // No platform has a part in it, and no credits are counted.
    assert_eq!((world.mints, world.platform_calls, world.terms_read), (0, 1, 0));
    assert_eq!(
        (end.spend.outcome, end.spend.credits_presented, end.spend.single_use),
        (Outcome::Settled, Credits::ZERO, true)
    );
    assert_eq!(end.spend.amounts_presented, vec![(USDC.to_string(), Credits::from(10_000))]);
    let budget = world.buyer.budget();
    assert_eq!((budget.spent(), budget.by_currency()), (Credits::ZERO, vec![(USDC, Credits::from(10_000))]));
    assert!(world.all_paid_sends_were_manual);
    // It is asked about each time: terms of an amount are not remembered.
    one(&mut world);
    assert_eq!((world.asked, world.sends, world.signed.len()), (2, 4, 2));
}

#[test]
fn an_amount_needs_no_login_and_no_delegation() {
    let mut world = shop(5);
    world.buyer = Buyer::new();
    world.approval = Some(yes());
    assert_eq!(code(&one(&mut world)), "");
    // A plan beside it does.
    let mut world = SimulatedPlatform::new().seller(|_, _| Seller::offer(&offer("plan", 2)));
    world.buyer = Buyer::new();
    world.approval = Some(yes());
    assert_eq!(code(&one(&mut world)), "not_logged_in");
}

#[test]
fn rule_3_without_a_question_an_amount_is_paid_only_where_its_currency_is_limited() {
    let total = |amount: u64| AmountLimit { total: Some(amount.into()), ..limit() };
    let other = AmountLimit { currency: "eip155:8453:0xusdc".into(), total: Some(100_000.into()), ..limit() };
    for (name, policy, expected) in [
        ("no policy", None, "consent_required"),
        ("a policy without limits on amounts", Some(anywhere()), "consent_required"),
        (
            "a limit on credits",
            Some(Policy { max_credits_total: Some(100_000.into()), ..anywhere() }),
            "consent_required",
        ),
        ("the same asset on another chain", Some(limited(other.clone())), "no_payable_offer"),
        ("enough", Some(limited(total(10_000))), ""),
        ("too little", Some(limited(total(9_999))), "budget_exceeded"),
        (
            "a limit, and no origin",
            Some(Policy { origins: vec![], ..limited(total(10_000)) }),
            "consent_required",
        ),
        (
            "another origin",
            Some(Policy { origins: vec!["https://b.example".into()], ..limited(total(10_000)) }),
            "no_payable_offer",
        ),
        (
            "another scheme",
            Some(Policy { schemes: vec!["nvm:erc4337".into()], ..limited(total(10_000)) }),
            "no_payable_offer",
        ),
        (
            "another network",
            Some(Policy { networks: vec!["eip155:8453".into()], ..limited(total(10_000)) }),
            "no_payable_offer",
        ),
        ("plans alone", Some(Policy { plans: vec!["plan".into()], ..anywhere() }), "no_payable_offer"),
        ("plans, and a limit", Some(Policy { plans: vec!["plan".into()], ..limited(total(10_000)) }), ""),
        ("only held credits", Some(Policy { purchase: Some(false), ..limited(total(10_000)) }), ""),
    ] {
        let mut world = shop(10_000);
        world.policy = policy;
        let end = one(&mut world);
        assert_eq!(code(&end), expected, "{name}");
        let signed = usize::from(expected.is_empty());
        assert_eq!((world.signed.len(), end.spend.outcome == Outcome::None), (signed, signed == 0), "{name}");
    }
}

#[test]
fn rule_12_limits_on_amounts_hold_whoever_says_yes() {
    let of = |change: fn(&mut AmountLimit)| {
        let mut limit = limit();
        change(&mut limit);
        limited(limit)
    };
    for (name, policy, fits, broken) in [
        ("a request", of(|limit| limit.per_request = Some(10.into())), 9, "maxAmounts.perRequest"),
        ("an hour", of(|limit| limit.per_hour = Some(25.into())), 2, "maxAmounts.perHour"),
        ("a day", of(|limit| limit.per_day = Some(25.into())), 2, "maxAmounts.perDay"),
        ("in all", of(|limit| limit.total = Some(25.into())), 2, "maxAmounts.total"),
    ] {
        for approval in [None, Some(yes())] {
            let mut world = shop(10);
            world.policy = Some(policy.clone());
            world.approval = approval;
            for index in 0..fits {
                assert_eq!(code(&one(&mut world)), "", "{name} {index}");
            }
            if fits == 2 {
                let end = one(&mut world);
                assert_eq!(end.result, Err(FetchError::BudgetExceeded(broken)), "{name}");
                assert_eq!(world.signed.len(), 2, "{name}: nothing is signed beyond it");
            }
            world.now += 25 * HOUR;
            let later = if broken == "maxAmounts.total" { "budget_exceeded" } else { "" };
            assert_eq!(code(&one(&mut world)), later, "{name}, a day later");
        }
    }
    let mut dear = shop(11);
    dear.policy = Some(of(|limit| limit.per_request = Some(10.into())));
    assert_eq!(one(&mut dear).result, Err(FetchError::BudgetExceeded("maxAmounts.perRequest")));
}

#[test]
fn rule_12_limits_on_amounts_hold_under_concurrency_and_over_tabs() {
    let policy = limited(AmountLimit { total: Some(25.into()), ..limit() });
    let text = Rc::new(RefCell::new(String::new()));
    let mut tabs = ["a", "b"].map(|tab| {
        let mut world = shop(10);
        world.policy = Some(policy.clone());
        world.shelf = Some(Shelf { text: text.clone(), tab, full: false });
        // All are signed for before the first is sent.
        world.hold_jobs = true;
        world
    });
    let fetches = tabs.each_mut().map(|world| [world.fetch("POST", "/ask"), world.fetch("POST", "/ask")]);
    let mut ends = Vec::new();
    tabs.iter_mut().for_each(SimulatedPlatform::run);
    for (world, fetches) in tabs.iter_mut().zip(fetches) {
        world.hold_jobs = false;
        world.run();
        ends.extend(fetches.map(|fetch| code(&world.end(fetch)).to_string()));
    }
    ends.sort();
    assert_eq!(tabs.each_ref().map(|world| world.signed.len()), [2, 2], "all were signed for");
    assert_eq!(ends, ["", "", "budget_exceeded", "budget_exceeded"]);
    let kept = text.borrow().clone();
    assert!(kept.contains(&format!("x {USDC} 20\n")), "{kept}");
    let mut reloaded = shop(10);
    reloaded.policy = Some(policy);
    reloaded.shelf = Some(Shelf { text, tab: "c", full: false });
    assert_eq!(code(&one(&mut reloaded)), "budget_exceeded");
}

#[test]
fn rule_12_an_amount_is_written_before_it_is_sent() {
    let mut world = shop(10);
    world.approval = Some(yes());
    world.shelf = Some(Shelf { text: Rc::default(), tab: "a", full: true });
    let end = one(&mut world);
    assert_eq!((code(&end), world.paid_sends, end.spend.outcome), ("storage_unavailable", 0, Outcome::None));
    assert!(end.spend.amounts_presented.iter().all(|(_, amount)| amount.is_zero()));
}

#[test]
fn rule_9_what_becomes_of_an_amount_is_said() {
    type Answer = fn() -> ResponseHead;
    let cases: [(&str, Answer, &str, Outcome); 6] = [
        ("lost", Seller::lost, "outcome_unknown", Outcome::Unknown),
        ("no receipt", || Seller::status(200), "", Outcome::Unknown),
        ("an error without a receipt", || Seller::status(500), "", Outcome::Unknown),
        ("refused", || asks(&[exact(10)]), "payment_refused", Outcome::Unknown),
        ("refused, and dearer", || asks(&[exact(20)]), "", Outcome::Settled),
        (
            "led elsewhere",
            || Seller::redirect(302, Redirected::To(target("https://b.example", "/x"))),
            "resource_mismatch",
            Outcome::Unknown,
        ),
    ];
    for (name, answer, expected, outcome) in cases {
        let mut world =
            SimulatedPlatform::new().seller(move |send, world| match (&send.token, world.paid_sends) {
                (None, _) => asks(&[exact(10)]),
                (Some(_), 1) => answer(),
                (Some(_), _) => settled(),
            });
        world.approval = Some(yes());
        let end = one(&mut world);
        assert_eq!((code(&end), end.spend.outcome), (expected, outcome), "{name}");
        // A second amount has a consent and a signature of its own, and both count.
        let paid = u64::from(world.paid_sends);
        assert_eq!((u64::from(world.asked), world.signed.len() as u64), (paid, paid), "{name}");
        let presented: Vec<_> = world.presented.iter().collect();
        assert_eq!(
            presented,
            (1..=paid).map(|n| signature(&format!("s{n}"))).collect::<Vec<_>>().iter().collect::<Vec<_>>(),
            "{name}"
        );
    }
}

#[test]
fn an_unknown_amount_is_resumed_by_the_same_signature() {
    let mut world = SimulatedPlatform::new().seller(|send, world| match (&send.token, world.paid_sends) {
        (None, _) => asks(&[exact(10)]),
        (Some(_), 1) => Seller::lost(),
        (Some(_), _) => settled(),
    });
    world.approval = Some(yes());
    let lost = one(&mut world);
    let request = FetchRequest::new(target(ORIGIN, "/ask"), "POST");
    world.request = Some(FetchRequest { resume: lost.spend.payment, can_ask: true, ..request });
    let end = one(&mut world);
    assert_eq!(
        (code(&end), end.spend.outcome, world.signed.len(), world.asked),
        ("", Outcome::Settled, 1, 1)
    );
    assert_eq!(world.presented, vec![signature("s1"), signature("s1")]);
    assert_eq!(world.buyer.budget().by_currency(), vec![(USDC, Credits::from(10))], "it counts once");
}

#[test]
fn a_wallet_that_refuses_ends_the_fetch_and_nothing_is_spent() {
    let mut world = shop(10);
    (world.approval, world.wallet_refuses) = (Some(yes()), true);
    let end = one(&mut world);
    assert_eq!((code(&end), end.spend.outcome, world.paid_sends), ("wallet_refused", Outcome::None, 0));
    assert_eq!(world.buyer.budget().by_currency(), vec![]);
    // A signature that comes after an abort is used for nothing.
    let mut world = shop(10);
    (world.approval, world.hold_jobs) = (Some(yes()), true);
    let fetch = world.fetch("POST", "/ask");
    world.run();
    world.on(fetch, payments_wasm::subscriber::Event::Aborted);
    world.hold_jobs = false;
    assert_eq!(code(&world.run_one(fetch)), "aborted");
    one(&mut world);
    assert_eq!(world.presented, vec![signature("s2")]);
}

#[test]
fn a_remembered_yes_covers_the_same_recipient_and_no_dearer_amount() {
    let other_currency = || exact_of("eip155:8453:0xusdc", 5);
    let plan = || ResponseHead { offer: Some(encode(&offer("plan", 2))), ..Seller::status(402) };
    // (name, what a yes to ten for the shop was remembered for, the next offer, whether somebody is asked again)
    for (name, agreed, next, again) in [
        ("the same", asks(&[exact(10)]), asks(&[exact(10)]), false),
        ("a cheaper one", asks(&[exact(10)]), asks(&[exact(5)]), false),
        ("a dearer one", asks(&[exact(10)]), asks(&[exact(11)]), true),
        ("another recipient", asks(&[exact(10)]), asks(&[exact(5).replace("0xshop", "0xother")]), true),
        ("another currency", asks(&[exact(10)]), asks(&[other_currency()]), true),
        (
            "a challenge for the same plan",
            plan(),
            asks(&[mpp("c", 2).replace(r#""agentId":"9","#, "")]),
            true,
        ),
        ("a challenge, and then a plan", asks(&[mpp("c", 2).replace(r#""agentId":"9","#, "")]), plan(), true),
    ] {
        let first = Rc::new(RefCell::new(true));
        let is_first = first.clone();
        let mut world =
            SimulatedPlatform::new().seller(move |send, _| match (&send.token, *is_first.borrow()) {
                (None, true) => agreed.clone(),
                (None, false) => next.clone(),
                (Some(_), _) => settled(),
            });
        world.approval = Some(Approval { remember: true, ..yes() });
        assert_eq!(code(&one(&mut world)), "", "{name}");
        *first.borrow_mut() = false;
        // Another path, of which no terms are known.
        let fetch = world.fetch("POST", "/other");
        assert_eq!(code(&world.run_one(fetch)), "", "{name}");
        assert_eq!((world.asked, world.paid_sends), (1 + u32::from(again), 2), "{name}");
    }
}

#[test]
fn one_policy_chooses_among_dialects_held_credits_then_the_price_then_the_sellers_order() {
    let both = |first: &str, second: &str| {
        let offers = [first.to_string(), second.to_string()];
        move |send: &payments_wasm::subscriber::SendRequest, _: &SimulatedPlatform| match &send.token {
            None => asks(&offers),
            Some(_) => settled(),
        }
    };
    let cheap = exact_of("eip155:8453:0xusdc", 900);
    for (name, held, price, first, second, chosen) in [
        ("held credits", 10, 5.0, exact(1), mpp("c", 2), DialectKind::Mpp),
        ("credits that are not held, and dearer", 0, 5.0, mpp("c", 2), exact(1_000), DialectKind::Exact),
        ("credits that are not held, and cheaper", 0, 0.0001, exact(1_000), mpp("c", 2), DialectKind::Mpp),
        ("two amounts", 0, 0.0001, exact(1_000), cheap, DialectKind::Exact),
    ] {
        let mut world = SimulatedPlatform::new().seller(both(&first, &second));
        world.plans.insert("plan".into(), Some((held, price)));
        world.approval = Some(yes());
        let end = one(&mut world);
        assert_eq!(code(&end), "", "{name}");
        let asked = world.offers.first().unwrap();
        assert_eq!(asked.dialect().unwrap().kind, chosen, "{name}");
        if name == "two amounts" {
            assert_eq!(asked.plan_id().as_str(), "eip155:8453:0xusdc", "the cheaper one");
        }
    }
    // A plan of x402 stands beside them, in the header.
    let mut world = SimulatedPlatform::new().seller(|send, _| match &send.token {
        None => {
            ResponseHead { dialects: Some(format!("[{}]", exact(1))), ..Seller::offer(&offer("plan", 2)) }
        }
        Some(_) => Seller::paid(2, 98),
    });
    world.approval = Some(yes());
    world.plans.insert("plan".into(), Some((100, 1.0)));
    one(&mut world);
    assert!(world.offers.first().unwrap().dialect().is_none());
    assert_eq!((world.mints, world.signed.len()), (1, 0));
}

#[test]
fn a_challenge_is_paid_by_a_token_of_its_own_and_each_request_has_its_challenge() {
    let mut world = SimulatedPlatform::new().seller(|send, world| match &send.token {
        None => asks(&[mpp(&format!("c{}", world.sends), 2)]),
        Some(_) => Seller::paid(2, 98),
    });
    world.approval = Some(yes());
    let end = one(&mut world);
    assert_eq!((code(&end), end.spend.credits_settled), ("", Some(Credits::from(2))));
    assert_eq!(world.mint_paths, vec!["/api/v1/mpp/permissions"]);
    // Neither a version nor a resource: the challenge binds.
    let body = world.mint_bodies.first().unwrap();
    assert!(
        !body.contains("tokenVersion") && !body.contains("resource") && body.contains(r#""agentId":"9""#),
        "{body}"
    );
    // The token is used again, the challenge is not: each request asks for its own.
    one(&mut world);
    assert_eq!((world.mints, world.sends, world.asked), (1, 4, 2));
    // A token for x402 is another one.
    let mut plain = world.seller(|send, _| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) => Seller::paid(2, 96),
    });
    one(&mut plain);
    assert_eq!(plain.mint_paths.last().unwrap(), "/api/v1/x402/permissions");
}

#[test]
fn a_challenge_that_expired_is_answered_anew_and_one_that_was_rejected_is_not() {
    for (body, single, expected, paid) in [
        (r#"{"code":"BCK.MPP.0004","retryable":true}"#, false, "", 2),
        (r#"{"code":"BCK.MPP.0005","retryable":true}"#, false, "", 2),
        (
            r#"{"code":"BCK.MPP.0003","retryable":false,"message":"Credential rejected"}"#,
            false,
            "payment_refused",
            1,
        ),
        ("{}", false, "payment_refused", 1),
        ("no JSON", false, "payment_refused", 1),
    ] {
        let mut world = SimulatedPlatform::new().body(Some(body.into())).seller(|send, world| {
            match (&send.token, world.paid_sends) {
                (None, _) => asks(&[mpp("first", 2)]),
                (Some(_), 1) => asks(&[mpp("fresh", 2)]),
                (Some(_), _) => {
                    assert_eq!(send.dialect.as_ref().unwrap().handle, "fresh");
                    Seller::paid(2, 98)
                }
            }
        });
        world.single_use = single;
        let end = one(&mut world);
        assert_eq!((code(&end), world.paid_sends, world.asked), (expected, paid, 1), "{body}");
    }
}

#[test]
fn limits_on_credits_hold_for_a_challenge() {
    let mut world = SimulatedPlatform::new().seller(|send, _| match &send.token {
        None => asks(&[mpp("c", 2)]),
        Some(_) => Seller::paid(2, 98),
    });
    world.policy = Some(Policy { max_credits_total: Some(3.into()), ..anywhere() });
    assert_eq!(code(&one(&mut world)), "");
    assert_eq!(code(&one(&mut world)), "budget_exceeded");
    assert_eq!((world.paid_sends, world.terms_read), (1, 1));
}

#[test]
fn rule_6_an_amount_goes_by_https_to_the_host_that_asked() {
    for (origin, resource, expected) in [
        ("http://api.example", "/ask", "insecure_target"),
        (ORIGIN, "https://b.example/ask", "resource_mismatch"),
        (ORIGIN, "mcp://tools/ask", ""),
    ] {
        let offers = exact(10).replace(&format!("{ORIGIN}/ask"), resource);
        let mut world = SimulatedPlatform::new().seller(move |send, _| match &send.token {
            None => asks(std::slice::from_ref(&offers)),
            Some(_) => settled(),
        });
        world.approval = Some(yes());
        world.request = Some(FetchRequest::new(target(origin, "/ask"), "POST"));
        assert_eq!(code(&one(&mut world)), expected, "{origin} {resource}");
    }
}

#[test]
fn rule_2_offers_of_dialects_are_checked_and_a_broken_header_beside_them_is_skipped() {
    use WireErrorKind::{BadValue, Missing, TooLarge, WrongType};
    let here = target(ORIGIN, "/ask");
    for (json, kind, field) in [
        ("{}".to_string(), WrongType, "dialects"),
        ("[1]".into(), WrongType, "dialects"),
        (format!("[{}]", vec![exact(1); 65].join(",")), TooLarge, "dialects"),
        (format!("[{}]", exact(1).replace("\"exact\"", "\"lightning\"")), BadValue, "dialect"),
        (format!("[{}]", exact(1).replace("\"1\"", "\"0.1\"")), BadValue, "credits"),
        (format!("[{}]", exact(1).replace(USDC, "a/b")), BadValue, "planId"),
        (r#"[{"dialect":"exact"}]"#.into(), Missing, "credits"),
    ] {
        let error = Dialect::read_offers(&json, &here).unwrap_err();
        assert_eq!((error.kind, &*error.field), (kind, field), "{json:.80}");
    }
    let mut world = SimulatedPlatform::new().seller(|send, _| match &send.token {
        None => ResponseHead { offer: Some("!!!".into()), ..asks(&[exact(10)]) },
        Some(_) => settled(),
    });
    world.approval = Some(yes());
    assert_eq!(code(&one(&mut world)), "");
    assert!(world.notices.iter().any(|notice| matches!(notice, NoticeKind::Receipt(_))));
    let mut empty = SimulatedPlatform::new().seller(|_, _| asks(&[]));
    empty.approval = Some(yes());
    assert_eq!(code(&one(&mut empty)), "no_payable_offer");
}

#[test]
fn rule_6_what_pays_by_a_dialect_is_not_sent_along_with_a_redirect() {
    let moved = || target(ORIGIN, "/moved");
    for (name, terms, single_use) in
        [("an amount", exact as fn(u64) -> String, true), ("a challenge", |credits| mpp("c", credits), false)]
    {
        for status in [301, 302, 303, 307, 308] {
            let mut world = SimulatedPlatform::new().seller(move |send, world| {
                let is_moved = send.target.as_ref().is_some_and(|target| target.path == "/moved");
                match (&send.token, world.paid_sends) {
                    (None, _) => asks(&[terms(2)]),
                    (Some(_), 1) => Seller::redirect(status, Redirected::To(moved())),
                    (Some(_), _) => {
                        assert!(is_moved);
                        settled()
                    }
                }
            });
            world.approval = Some(yes());
            let end = one(&mut world);
            assert_eq!(code(&end), "", "{name}, {status}");
            // There it makes an offer of its own, which is asked about and paid by itself.
            assert_eq!((world.sends, world.paid_sends, world.asked), (4, 2, 2), "{name}, {status}");
            assert_eq!(end.spend.single_use, single_use, "{name}, {status}");
            assert_eq!(world.presented[0] != world.presented[1], single_use, "{name}, {status}");
        }
    }
}
