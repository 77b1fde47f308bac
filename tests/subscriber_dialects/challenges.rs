//! Challenges of MPP, and offers of several dialects.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
        None => ResponseHead { dialects: Some(exact(1)), ..Seller::offer(&offer("plan", 2)) },
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
fn rule_2_offers_of_dialects_are_checked_and_a_broken_header_beside_them_is_skipped() {
    use WireErrorKind::{BadValue, Missing, TooLarge, WrongType};
    let here = target(ORIGIN, "/ask");
    let many = |count| vec![exact(1); count].join("\u{1e}");
    for (text, kind, field) in [
        ("{}".to_string(), BadValue, "dialect"),
        ("[{\"dialect\":\"exact\"}]".into(), BadValue, "dialect"),
        (many(65), TooLarge, "dialects"),
        (exact(1).replace("exact", "lightning"), BadValue, "dialect"),
        (exact(1).replace("\u{1f}1\u{1f}", "\u{1f}0.1\u{1f}"), BadValue, "credits"),
        (exact(1).replace(USDC, "a/b"), BadValue, "planId"),
        (exact(1).replace("h1", ""), Missing, "handle"),
        ("exact".into(), Missing, "planId"),
        (Dialect::error_text(&WireError::new(WrongType, "accepts[0]")), WrongType, "accepts[0]"),
        ("!\u{1f}accepts".into(), WrongType, "accepts"),
    ] {
        let error = Dialect::read_offers(&text, &here).unwrap_err();
        assert_eq!((error.kind, &*error.field), (kind, field), "{text:.80}");
    }
    assert_eq!(Dialect::read_offers(&many(64), &here).unwrap().len(), 64);
    assert_eq!(Dialect::read_offers("", &here).unwrap().len(), 0);
    // A seller's text is a member of its offer, and no other offer.
    let resource = format!("{ORIGIN}/ask\u{1e}mpp\u{1f}plan\0");
    let members = ["exact", USDC, "eip155:84532", "1", "h", "", "0xUSDC", "0xshop", resource.as_str()];
    let read = Dialect::read_offers(&Dialect::offer_text(members), &here).unwrap();
    assert_eq!(read.len(), 1);
    assert!(here.is_not_the_place_of(&read.first().unwrap().resource.url));
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
