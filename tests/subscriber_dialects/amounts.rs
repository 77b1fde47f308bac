//! Amounts of an asset: consent, limits, signatures and results.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
            asks(&[mpp("c", 2).replace("\u{1f}9\u{1f}", "\u{1f}\u{1f}")]),
            true,
        ),
        (
            "a challenge, and then a plan",
            asks(&[mpp("c", 2).replace("\u{1f}9\u{1f}", "\u{1f}\u{1f}")]),
            plan(),
            true,
        ),
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
