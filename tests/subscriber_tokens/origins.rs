//! The places that a token goes to (rules 6 and 13).

use crate::support::{self, Seller, SimulatedPlatform, offer, receipt, yes};
use payments_wasm::subscriber::{FetchError, Redirected, Redirects};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rule_6_a_redirect_keeps_the_method_as_fetch_does() {
    // (method, status, whether what is sent elsewhere is a GET without a body)
    for (method, status, as_get) in [
        ("POST", 301, true),
        ("POST", 302, true),
        ("POST", 303, true),
        ("POST", 307, false),
        ("PUT", 301, false),
        ("DELETE", 302, false),
        ("PUT", 303, true),
        ("PATCH", 308, false),
        ("GET", 303, false),
    ] {
        let recorded = std::rc::Rc::new(std::cell::Cell::new(None));
        let (other, saw) = (support::target("https://other.example", "/"), recorded.clone());
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            if send.target.as_ref().is_some_and(|target| target.origin != support::ORIGIN) {
                saw.set(Some(send.as_get));
                return Seller::status(200);
            }
            match &send.token {
                None => Seller::offer(&offer("plan", 2)),
                Some(_) => Seller::redirect(status, Redirected::To(other.clone())),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch(method, "/ask");
        assert!(world.run_one(fetch).result.is_ok(), "{method} {status}");
        assert_eq!(recorded.get(), Some(as_get), "{method} {status}");
    }
}

#[test]
fn rule_6_a_token_goes_only_where_it_was_meant_to() {
    // (name, method, redirect, status, tokens seen by the other origin, ends as)
    let other = support::target("https://evil.example", "/catch");
    let near = support::target(support::ORIGIN, "/moved");
    let rows = [
        ("within the origin", "GET", Redirected::To(near.clone()), 307, Ok(())),
        ("within the origin, POST kept", "POST", Redirected::To(near), 308, Ok(())),
        ("elsewhere", "GET", Redirected::To(other.clone()), 302, Ok(())),
        ("elsewhere, POST", "POST", Redirected::To(other), 303, Ok(())),
        ("somewhere, POST", "POST", Redirected::Somewhere, 0, Err("redirected_while_paying")),
    ];
    for (name, method, to, status, expected) in rows {
        let goes = to.clone();
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            let at = send.target.as_ref().map_or(support::ORIGIN, |target| &target.origin);
            let path = send.target.as_ref().map_or("/ask", |target| &target.path);
            if at != support::ORIGIN {
                assert!(send.token.is_none(), "a token left its origin");
                return Seller::status(200);
            }
            match (&send.token, path) {
                (None, _) => Seller::offer(&offer("plan", 2)),
                (Some(_), "/moved") => Seller::paid(2, 98),
                (Some(_), _) => Seller::redirect(status, goes.clone()),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch(method, "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected, "{name}");
        assert!(world.all_paid_sends_were_manual, "{name}");
    }
}

#[test]
fn rule_13_a_place_that_has_the_token_in_its_name_is_not_gone_to() {
    for (name, origin) in [("elsewhere", "https://evil.example"), ("within the origin", support::ORIGIN)] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(token) => {
                let path = format!("/catch?t={}", token.expose());
                Seller::redirect(307, Redirected::To(support::target(origin, &path)))
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), "redirected_while_paying", "{name}");
        assert_eq!(world.sends, 2, "{name}");
    }
}

#[test]
fn rule_6_no_token_over_plain_http_to_another_machine() {
    let mut world = SimulatedPlatform::new().balance(100).seller(|_, _| {
        let mut answer = Seller::offer(&offer("plan", 2));
        answer.target = Some(support::target("http://api.example", "/ask"));
        answer
    });
    world.approval = Some(yes());
    let fetch = world.fetch("GET", "/ask");
    assert_eq!(world.run_one(fetch).result.unwrap_err().code(), "insecure_target");
    assert_eq!((world.mints, world.asked), (0, 0));
}

#[test]
fn a_caller_who_handles_redirects_gets_them() {
    for (mode, expected) in [(Redirects::Manual, Ok(())), (Redirects::Error, Err("redirected_while_paying"))]
    {
        let mut world = SimulatedPlatform::new().balance(100).seller(|send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => Seller::redirect(302, Redirected::To(support::target(support::ORIGIN, "/moved"))),
        });
        world.approval = Some(yes());
        world.redirects = mode;
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.as_ref().map_err(FetchError::code).copied(), expected);
    }
}

#[test]
fn rule_5_a_token_that_has_paid_or_is_for_once_does_not_follow_a_redirect() {
    for (name, single_use, settled) in [("single-use", true, false), ("settled", false, true)] {
        let mut world =
            SimulatedPlatform::new().balance(100).seller(move |send, _| match (&send.token, &send.target) {
                (Some(_), None) => {
                    let near = support::target(support::ORIGIN, "/moved");
                    let mut answer = Seller::redirect(302, Redirected::To(near));
                    answer.receipt = settled.then(|| receipt(true, 2, 98));
                    answer
                }
                (None, None) => Seller::offer(&offer("plan", 2)),
                _ => Seller::status(200),
            });
        world.approval = Some(yes());
        world.single_use = single_use;
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert!(end.result.is_ok(), "{name}");
        assert_eq!((world.sends, world.paid_sends), (3, 1), "{name}");
        assert_eq!(end.receipt.is_some(), settled, "rule 11: {name}");
    }
}
