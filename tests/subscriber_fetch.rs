//! The buyer's way, as tables: rules of money 1, 2, 8, 9 and 13. A `Buyer` against a scripted seller and platform, in virtual
//! time. Beside it: `subscriber_consent.rs` (3, 10, 12), `subscriber_choice.rs` (3), `subscriber_tokens.rs` (4, 5, 6), `subscriber_redirects.rs`
//! (6), `subscriber_rules.rs` (7, 11, 15), `subscriber_session.rs` (5, 13); rule 14 is in `src/subscriber/login.rs`.

mod support;

use payments_wasm::api::{ApiError, ApiErrorKind};
use payments_wasm::subscriber::{Event, FetchError, FetchId, NoticeKind, Outcome, Redirected};
use payments_wasm::wire::Credits;
use support::{Seller, SimulatedPlatform, buy, offer, receipt, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_1_what_is_not_a_402_comes_back_untouched() {
    for status in [200, 204, 301, 400, 401, 403, 404, 500, 503] {
        let mut world = SimulatedPlatform::new().seller(move |_, _| Seller::status(status));
        let fetch = world.fetch("GET", "/free");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{status}");
        assert_eq!((world.sends, world.mints, world.orders), (1, 0, 0), "{status}");
        assert_eq!(end.spend.outcome, Outcome::None);
    }
}

#[test]
fn rule_2_an_offer_is_read_from_the_header_else_the_body_and_refused_by_name() {
    let long = "A".repeat(90_000);
    let json = offer("plan", 2);
    // Name, header, body, what is wrong with it; an empty text where the 402 is none of ours.
    type Case = (&'static str, Option<String>, Option<String>, Option<&'static str>);
    let card_declined = r#"{"error":{"code":"card_declined"}}"#;
    let (half, list) = (json.chars().take(json.len() / 2).collect::<String>(), format!("[{json}]"));
    let cases: Vec<Case> = vec![
        ("header", Some(support::encode(&json)), None, None),
        ("url-safe header without padding", Some(support::encode_url(&json)), None, None),
        ("body", None, Some(json.clone()), None),
        ("neither", None, None, Some("")),
        ("body that is no x402", None, Some("{}".into()), Some("")),
        ("html body", None, Some("<html>".into()), Some("")),
        ("a card was declined", None, Some(card_declined.into()), Some("")),
        ("half a body", None, Some(half), Some("")),
        ("a list of offers", None, Some(list), Some("")),
        ("an offer without a version", None, Some(json.replace("x402Version", "version")), Some("")),
        ("body too large", None, Some(json.replace("/ask", &long)), Some("")),
        ("x402 without ways to pay", None, Some(r#"{"x402Version":2}"#.into()), Some("accepts is missing")),
        (
            "x402 of another version",
            None,
            Some(json.replace(r#""x402Version":2"#, r#""x402Version":1"#)),
            Some("x402Version is not version 2"),
        ),
        (
            "a header that is garbage, a body that is none",
            Some("!!!".into()),
            Some(json.clone()),
            Some("not base64"),
        ),
        ("empty header", Some(String::new()), None, Some("payment-required is missing")),
        ("not base64", Some("!!!".into()), None, Some("payment-required is not base64")),
        ("too large", Some(long), None, Some("payment-required is too large")),
        ("not JSON", Some("YWJj".into()), None, Some("payment-required is not JSON")),
        (
            "an unsafe plan id",
            Some(support::encode(&json.replace("\"plan\"", "\"../x\""))),
            None,
            Some("accepts[1].planId has a value it cannot have"),
        ),
    ];
    for (name, header, body, wrong) in cases {
        let (mut first, body) = (Seller::status(402), body);
        first.offer = header;
        let mut world = SimulatedPlatform::new().body(body).seller(move |send, _| match &send.token {
            None => first.clone(),
            Some(_) => Seller::paid(2, 98),
        });
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        match wrong {
            None => {
                assert!(end.result.is_ok(), "{name}: {:?}", end.result);
                assert_eq!(world.paid_sends, 1, "{name}");
            }
            Some("") => {
                assert!(end.result.is_ok(), "{name}: {:?}", end.result);
                assert_eq!((world.sends, world.asked, world.platform_calls), (1, 0, 0), "{name}");
                assert_eq!(end.spend.outcome, Outcome::None, "{name}");
            }
            Some(wrong) => {
                let error = end.result.unwrap_err();
                assert_eq!(error.code(), "malformed_offer", "{name}");
                assert!(error.message().ends_with(wrong), "{name}: {}", error.message());
                assert_eq!((world.mints, world.orders), (0, 0), "{name}");
            }
        }
    }
}

#[test]
fn rule_8_and_9_every_end_says_what_was_spent() {
    // (name, abort instead of answering the n-th action, outcome)
    let mut world = SimulatedPlatform::new().balance(100).seller(|send, _| match &send.token {
        None => Seller::offer(&offer("plan", 2)),
        Some(_) => Seller::lost(),
    });
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    let end = world.run_one(fetch);
    assert_eq!(end.result.unwrap_err().code(), "outcome_unknown");
    assert_eq!(end.spend.outcome, Outcome::Unknown);
    assert_eq!(world.buyer.budget().total(), Credits::from(2), "what may be gone counts");

    for (name, stop_at, outcome, budget) in [
        ("bare", 0, Outcome::None, 0),
        ("while asked", 1, Outcome::None, 0),
        ("while paying", 2, Outcome::Unknown, 2),
    ] {
        let mut world = SimulatedPlatform::new().balance(100);
        world.approval = Some(yes());
        world.abort_at = Some(stop_at);
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), "aborted", "{name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(budget), "{name}");
    }
}

#[test]
fn rule_8_an_aborted_leader_does_not_stop_those_who_wait_for_its_mint() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    let (first, second) = (world.fetch("POST", "/ask"), world.fetch("POST", "/ask"));
    world.run();
    world.buyer.handle_event(first, Event::Aborted, world.now);
    world.hold_jobs = false;
    world.run();
    assert_eq!(world.end(first).result.unwrap_err().code(), "aborted");
    assert!(world.end(second).result.is_ok());
    assert_eq!(world.mints, 1);
}

#[test]
fn rule_9_what_an_answer_says_about_the_money() {
    let rows = [
        ("a receipt", Seller::paid(2, 98), Outcome::Settled, 2),
        ("a receipt that says less", Seller::paid(1, 99), Outcome::Settled, 2),
        ("delivered, settlement refused", Seller::receipt(200, receipt(false, 0, 0)), Outcome::Unknown, 2),
        ("delivered without a receipt", Seller::status(200), Outcome::Unknown, 2),
        ("a receipt that is garbage", Seller::receipt(200, "!!".into()), Outcome::Unknown, 2),
        ("server error", Seller::status(500), Outcome::Unknown, 2),
        ("client error", Seller::status(404), Outcome::Unknown, 2),
    ];
    for (name, answer, outcome, budget) in rows {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => answer.clone(),
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "rule 11: {name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(budget), "{name}");
    }
}

#[test]
fn every_error_says_what_happened_and_what_to_do() {
    let api = |retryable| {
        FetchError::Platform(
            ApiError {
                kind: ApiErrorKind::Unavailable,
                code: "BCK.X".into(),
                message: "theirs".into(),
                hint: Some("ask later".into()),
                status: 503,
                correlation_id: None,
                retryable,
                docs_url: None,
            }
            .into(),
        )
    };
    // (error, code, a part of the message, a part of the hint, retryable)
    let table = [
        (FetchError::NoPayableOffer, "no_payable_offer", "no way to pay", "error.response", false),
        (FetchError::Unauthorized, "not_logged_in", "nobody is logged in", "connect()", false),
        (FetchError::ConsentRequired, "consent_required", "nobody agreed", "origins", false),
        (FetchError::ConsentDenied, "consent_denied", "not approved", "", false),
        (FetchError::ApproveFailed, "approve_failed", "callback failed", "", false),
        (FetchError::BudgetExceeded("maxX"), "budget_exceeded", "policy's maxX", "raise the limit", false),
        (FetchError::BudgetExceeded("maxPrice"), "budget_exceeded", "maxPrice", "the platform's", false),
        (FetchError::PurchaseUnbounded, "purchase_not_allowed", "no bounds", "policy.maxPrice", false),
        (FetchError::PurchasePending, "purchase_pending", "not done yet", "check the balance", false),
        (FetchError::ResourceMismatch, "resource_mismatch", "another host", "", false),
        (FetchError::NotKept, "storage_unavailable", "nothing more was paid", "", true),
        (FetchError::InsufficientCredits, "insufficient_credits", "do not cover", "order the plan", false),
        (FetchError::DelegationRequired, "delegation_required", "no delegation", "createDelegation", false),
        (FetchError::InsecureTarget, "insecure_target", "plain HTTP", "", false),
        (FetchError::AmbiguousRedirect, "ambiguous_redirect", "changed the method", "final URL", false),
        (
            FetchError::RedirectedWhilePaying,
            "redirected_while_paying",
            "redirected",
            "check the balance",
            false,
        ),
        (FetchError::PaymentRefused(None), "payment_refused", "refused the payment", "", false),
        (FetchError::PaymentRefused(Some("why".into())), "payment_refused", ": why", "", false),
        (FetchError::OutcomeUnknown, "outcome_unknown", "may have been taken", "resume: error", false),
        (FetchError::SendTimeout, "send_timeout", "did not begin", "", true),
        (FetchError::PlatformTimeout, "platform_timeout", "Nevermined did not", "", true),
        (FetchError::ApproveTimeout, "approve_timeout", "nobody answered", "", false),
        (FetchError::ApproveReentered, "approve_reentered", "the same question", "of its own", false),
        (FetchError::NotResumable, "not_resumable", "gone on with", "", false),
        (FetchError::Unreachable, "network_error", "before anything was paid", "", true),
        (FetchError::Aborted, "aborted", "was aborted", "", false),
        (FetchError::LoggedOut, "session_ended", "session ended", "", false),
        (api(true), "BCK.X", "theirs", "ask later", true),
        (api(false), "BCK.X", "theirs", "ask later", false),
        (FetchError::PlatformUnreachable, "network_error", "Nevermined could not", "", true),
        (FetchError::PurchaseUnknown, "purchase_outcome_unknown", "not known", "before ordering", false),
        (FetchError::CreditsTimeout, "credits_timeout", "not appeared", "before ordering", false),
    ];
    for (error, code, message, hint, retryable) in table {
        assert_eq!(error.code(), code);
        assert!(error.message().contains(message), "{code}: {}", error.message());
        let said = error.hint().unwrap_or_default();
        assert!(said.contains(hint) && said.is_empty() == hint.is_empty(), "{code}: {said}");
        assert_eq!(error.is_retryable(), retryable, "{code}");
    }
}

#[test]
fn rule_9_an_outcome_has_a_name() {
    let named = [Outcome::None, Outcome::Settled, Outcome::Unknown].map(Outcome::as_str);
    assert_eq!(named, ["none", "settled", "unknown"]);
}

#[test]
fn rule_13_logout_drops_the_tokens_and_ends_what_is_under_way() {
    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    let first = world.fetch("POST", "/ask");
    world.run_one(first);
    world.buyer.log_out();
    let after = world.fetch("POST", "/ask");
    let end = world.run_one(after);
    assert_eq!(end.result.unwrap_err().code(), "not_logged_in");
    assert_eq!(world.presented.len(), 1);

    let mut world = SimulatedPlatform::new().balance(100);
    world.approval = Some(yes());
    world.hold_jobs = true;
    let under_way = world.fetch("POST", "/ask");
    world.run();
    world.buyer.log_out();
    world.hold_jobs = false;
    world.run();
    assert_eq!(world.end(under_way).result.unwrap_err().code(), "session_ended");
    assert_eq!(world.presented.len(), 0);
}

#[test]
fn only_what_has_ended_is_forgotten() {
    let mut world = SimulatedPlatform::new().balance(100);
    let fetches = [(); 3].map(|()| world.fetch("POST", "/ask"));
    assert_eq!(fetches.map(FetchId::number), [1, 2, 3]);
    world.buyer.forget(fetches[0]);
    assert_eq!(world.buyer.open_fetches(), 3);
    world.run();
    for (fetch, open) in fetches.into_iter().zip([2, 1, 0]) {
        world.buyer.forget(fetch);
        assert_eq!(world.buyer.open_fetches(), open);
    }
}

#[test]
fn rule_9_a_seller_that_cannot_be_reached_has_taken_nothing() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|_, _| Seller::lost());
    world.approval = Some(yes());
    let fetch = world.fetch("POST", "/ask");
    let end = world.run_one(fetch);
    let error = end.result.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("network_error", true));
    assert_eq!(end.spend.outcome, Outcome::None);
}

#[test]
fn events_tell_the_way_in_order() {
    let mut world = SimulatedPlatform::new().balance(0);
    world.approval = Some(buy());
    world.reported_balance = true;
    let fetch = world.fetch("POST", "/ask");
    let end = world.run_one(fetch);
    let order = |tx: &str| NoticeKind::Order { tx_hash: Some(tx.into()) };
    assert_eq!(
        world.notices,
        [
            NoticeKind::Request,
            NoticeKind::Offer,
            NoticeKind::Consent,
            NoticeKind::Order { tx_hash: None },
            order("0xorder"),
            NoticeKind::Mint { single_use: false },
            NoticeKind::Paid,
            NoticeKind::Receipt(end.receipt.unwrap()),
        ]
    );
}

#[test]
fn rule_2_a_malformed_offer_elsewhere_after_a_payment_is_an_error_and_no_silence() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|send, _| {
        let away = send.target.as_ref().is_some_and(|target| target.origin != support::ORIGIN);
        match &send.token {
            None if away => {
                let mut answer = Seller::status(402);
                answer.offer = Some("!!!".into());
                answer
            }
            Some(_) => Seller::redirect(302, Redirected::To(support::target("https://b.example", "/x"))),
            None => Seller::offer(&offer("plan", 2)),
        }
    });
    world.approval = Some(yes());
    let fetch = world.fetch("GET", "/ask");
    let end = world.run_one(fetch);
    assert_eq!(end.result.unwrap_err().code(), "malformed_offer");
    assert_eq!(end.spend.outcome, Outcome::Unknown, "the first place was sent a token");
}

#[test]
fn rule_9_a_402_or_401_with_a_receipt_is_not_paid_again_and_a_refusal_s_receipt_is_handed_over() {
    for (status, success, ok, outcome) in [
        (402, true, true, Outcome::Settled),
        (402, false, false, Outcome::Unknown),
        (401, true, true, Outcome::Settled),
        (401, false, true, Outcome::Unknown),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            let mut answer = Seller::offer(&offer("plan", 2));
            if send.token.is_some() {
                (answer.status, answer.receipt) = (status, Some(receipt(success, 2, 9)));
            }
            answer
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        let name = format!("{status} {success}");
        let expected = if ok { Ok(()) } else { Err("payment_refused") };
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!((world.paid_sends, world.mints, end.spend.outcome), (1, 1, outcome), "{name}");
        assert_eq!(end.receipt.map(|receipt| receipt.success()), Some(success), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(2), "{name}");
        assert_eq!(end.spend.payment, None, "the token has ended: {name}");
    }
}

#[test]
fn rule_9_what_a_redirect_left_open_stays_open() {
    // (name, what the second place does, ends as)
    type Case = (&'static str, fn() -> payments_wasm::subscriber::ResponseHead, Result<(), &'static str>);
    let cases: [Case; 2] = [
        ("paid there as well", || Seller::paid(2, 96), Ok(())),
        ("not reached", Seller::lost, Err("redirected_while_paying")),
    ];
    for (name, second, expected) in cases {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            let away = send.target.as_ref().is_some_and(|target| target.origin != support::ORIGIN);
            match &send.token {
                None if away && name == "not reached" => second(),
                None => Seller::offer(&offer("plan", 2)),
                Some(_) if away => second(),
                Some(_) => Seller::redirect(302, Redirected::To(support::target("https://b.example", "/x"))),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert_eq!(end.spend.outcome, Outcome::Unknown, "{name}");
        assert!(!end.result.is_err_and(|error| error.is_retryable()), "{name}");
    }
}
