//! Rule of money 6 as a table of trails: which requests go where, with a token or without, when a seller answers with
//! redirects.

mod support;

use payments_wasm::subscriber::{
    FetchError, Outcome, Redirected, Redirects, ResponseHead, SendRequest, Target,
};
use payments_wasm::wire::Credits;
use std::cell::RefCell;
use std::rc::Rc;
use support::{ORIGIN, Seller, SimulatedPlatform, offer, receipt, target, yes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const AWAY: &str = "https://b.example";

/// Where a request goes, seen from the first seller: `/ask`, `/moved`, `b/x`.
fn place(send: &SendRequest) -> String {
    send.target.as_ref().map_or("/ask".into(), |target| {
        if target.origin == ORIGIN { target.path.clone() } else { format!("b{}", target.path) }
    })
}

fn to(origin: &str, path: &str, status: u16) -> ResponseHead {
    Seller::redirect(status, Redirected::To(target(origin, path)))
}

fn somewhere() -> ResponseHead {
    Seller::redirect(0, Redirected::Somewhere)
}

/// How a fetch ended, and what was sent for it: the place, `+` with a token, `GET` where the method was changed.
struct Trail {
    sent: Vec<String>,
    result: Result<(), String>,
    outcome: Outcome,
    requests: u32,
}

/// The trail of a fetch at a seller of two credits a request, who answers a token with `paid`: by the place, and by how many
/// tokens came so far.
fn trail(method: &str, mode: Redirects, paid: impl Fn(&str, u32) -> ResponseHead + 'static) -> Trail {
    let sent = Rc::new(RefCell::new(Vec::new()));
    let recorded = sent.clone();
    let mut world = SimulatedPlatform::new().balance(100).seller(move |send, world| {
        let place = place(send);
        let (mark, verb) =
            (if send.token.is_some() { "+" } else { "" }, if send.as_get { " GET" } else { "" });
        recorded.borrow_mut().push(format!("{place}{mark}{verb}"));
        match &send.token {
            // A fetch that paid at the first place and is then redirected here without a token gets the answer.
            None if place == "/free" => Seller::status(200),
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => paid(&place, world.paid_sends),
        }
    });
    world.approval = Some(yes());
    world.redirects = mode;
    let fetch = world.fetch(method, "/ask");
    let end = world.run_one(fetch);
    assert!(world.all_paid_sends_were_manual);
    let result = end.result.map_err(|error: FetchError| error.code().to_string());
    let sent = sent.borrow().clone();
    Trail { sent, result, outcome: end.spend.outcome, requests: end.spend.requests }
}

#[test]
fn rule_6_the_trail_of_a_token() {
    use Outcome::{Settled, Unknown};
    use Redirects::{Error, Follow, Manual};
    type Paid = fn(&str, u32) -> ResponseHead;
    let near: Paid = |place, _| if place == "/ask" { to(ORIGIN, "/moved", 307) } else { Seller::paid(2, 98) };
    let near_302: Paid =
        |place, _| if place == "/ask" { to(ORIGIN, "/moved", 302) } else { Seller::paid(2, 98) };
    let away: Paid = |place, _| if place == "/ask" { to(AWAY, "/x", 307) } else { Seller::paid(2, 98) };
    let away_303: Paid = |place, _| match place {
        "/ask" => to(AWAY, "/x", 303),
        "b/x" => to(ORIGIN, "/y", 307),
        _ => Seller::paid(2, 98),
    };
    let free: Paid = |_, _| to(ORIGIN, "/free", 303);
    let circle: Paid = |_, _| to(ORIGIN, "/ask", 307);
    let file: Paid = |_, _| {
        Seller::redirect(
            302,
            Redirected::To(Target {
                url: "file:///etc/passwd".into(),
                origin: "null".into(),
                path: "/etc/passwd".into(),
            }),
        )
    };
    let data: Paid = |_, _| {
        Seller::redirect(
            307,
            Redirected::To(Target {
                url: "data:text/plain,x".into(),
                origin: "null".into(),
                path: "text/plain,x".into(),
            }),
        )
    };
    let blob: Paid = |_, _| {
        Seller::redirect(
            307,
            Redirected::To(Target {
                url: format!("blob:{ORIGIN}/1"),
                origin: ORIGIN.into(),
                path: "/1".into(),
            }),
        )
    };
    // The same once the token is off the request.
    let away_then_file: Paid = |place, _| match place {
        "/ask" => to(AWAY, "/x", 307),
        _ => Seller::redirect(
            307,
            Redirected::To(Target { url: "file:///x".into(), origin: "null".into(), path: "/x".into() }),
        ),
    };
    let to_and_fro: Paid = |place, _| to(if place == "b/x" { ORIGIN } else { AWAY }, "/x", 307);
    let hidden: Paid = |_, _| somewhere();
    let hidden_once: Paid = |_, came| if came == 1 { somewhere() } else { Seller::paid(2, 98) };
    let led: Result<(), &str> = Err("redirected_while_paying");
    // (name, method, what the caller wants done, the seller, what is sent, how it ends, what is known of the money)
    type Row = (&'static str, &'static str, Redirects, Paid, &'static str, Result<(), &'static str>, Outcome);
    let rows: Vec<Row> = vec![
        ("within the origin", "GET", Follow, near, "/ask, /ask+, /moved+", Ok(()), Settled),
        ("within the origin, body kept", "POST", Follow, near, "/ask, /ask+, /moved+", Ok(()), Settled),
        // The first place was sent a token and said nothing of the money: that stays open, whatever the second says.
        (
            "within the origin, as another request",
            "POST",
            Follow,
            near_302,
            "/ask, /ask+, /moved GET, /moved+ GET",
            Ok(()),
            Unknown,
        ),
        ("the caller takes it", "GET", Manual, near, "/ask, /ask+", Ok(()), Unknown),
        ("the caller takes it, elsewhere", "GET", Manual, away, "/ask, /ask+", Ok(()), Unknown),
        ("the caller takes it, hidden", "GET", Manual, hidden, "/ask, /ask+", Ok(()), Unknown),
        ("the caller wants none", "GET", Error, near, "/ask, /ask+", led, Unknown),
        ("the caller wants none, elsewhere", "GET", Error, away, "/ask, /ask+", led, Unknown),
        ("the caller wants none, hidden", "GET", Error, hidden, "/ask, /ask+", led, Unknown),
        ("elsewhere, another offer", "GET", Follow, away, "/ask, /ask+, b/x, b/x+", Ok(()), Unknown),
        ("elsewhere, body kept", "PUT", Follow, away, "/ask, /ask+, b/x, b/x+", Ok(()), Unknown),
        (
            "what became a GET stays one",
            "POST",
            Follow,
            away_303,
            // Two tokens are the most that one call presents.
            "/ask, /ask+, b/x GET, b/x+ GET, /y GET",
            led,
            Unknown,
        ),
        ("to what is free", "POST", Follow, free, "/ask, /ask+, /free GET", Ok(()), Unknown),
        ("in a circle", "GET", Follow, circle, "/ask, /ask+, /ask+, /ask+, /ask+, /ask+", led, Unknown),
        ("to and fro", "GET", Follow, to_and_fro, "/ask, /ask+, b/x, b/x+, /x", led, Unknown),
        ("to a file", "GET", Follow, file, "/ask, /ask+", led, Unknown),
        ("to a file", "POST", Follow, file, "/ask, /ask+", led, Unknown),
        ("to a file, the caller takes it", "GET", Manual, file, "/ask, /ask+", Ok(()), Unknown),
        ("to data", "GET", Follow, data, "/ask, /ask+", led, Unknown),
        ("to a blob, whose origin is the seller's", "GET", Follow, blob, "/ask, /ask+", led, Unknown),
        ("elsewhere, then to a file", "GET", Follow, away_then_file, "/ask, /ask+, b/x, b/x+", led, Unknown),
        ("hidden, as good twice", "GET", Follow, hidden_once, "/ask, /ask+, /ask, /ask+", Ok(()), Unknown),
        ("hidden, as good twice", "HEAD", Follow, hidden_once, "/ask, /ask+, /ask, /ask+", Ok(()), Unknown),
        ("hidden, and again", "GET", Follow, hidden, "/ask, /ask+, /ask, /ask+", led, Unknown),
        ("hidden, not as good twice", "POST", Follow, hidden, "/ask, /ask+", led, Unknown),
    ];
    for (name, method, mode, paid, sent, result, outcome) in rows {
        let trail = trail(method, mode, paid);
        assert_eq!(trail.sent.join(", "), sent, "{name}");
        assert_eq!(trail.result.as_ref().map_err(String::as_str).copied(), result, "{name}");
        assert_eq!(trail.requests as usize, trail.sent.len(), "{name}");
        assert_eq!(trail.outcome, outcome, "{name}");
    }
}

#[test]
fn rule_6_a_redirect_that_says_it_was_paid_is_followed_without_the_token() {
    // (name, whether the receipt says yes, requests with a token, what was spent by the receipts, what counts)
    for (name, success, paid, spent, counted) in [("paid", true, 1, 2, 2), ("not paid", false, 2, 2, 4)] {
        let mut world =
            SimulatedPlatform::new().balance(100).seller(move |send, _| match (&send.token, &send.target) {
                (None, None) => Seller::offer(&offer("plan", 2)),
                (Some(_), None) => {
                    let mut answer = to(ORIGIN, "/moved", 307);
                    answer.receipt = Some(receipt(success, 2, 98));
                    answer
                }
                (None, Some(_)) => Seller::status(200),
                (Some(_), Some(_)) => Seller::paid(2, 98),
            });
        world.approval = Some(yes());
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        assert_eq!((end.result.is_ok(), world.paid_sends), (true, paid), "{name}");
        assert_eq!(end.spend.outcome, Outcome::Settled, "{name}");
        assert_eq!(end.spend.credits_settled, Some(Credits::from(spent)), "{name}");
        assert_eq!(end.spend.credits_presented, Credits::from(counted), "{name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(counted), "{name}");
        let books: Vec<_> = world.buyer.records().iter().map(|one| one.presented).collect();
        assert_eq!(books, [Credits::from(counted)], "{name}");
    }
}

#[test]
fn rule_9_a_redirect_that_cannot_be_followed_says_what_its_receipt_says() {
    for (name, header, outcome, spent) in [
        ("no receipt", None, Outcome::Unknown, 2),
        ("a yes", Some(receipt(true, 2, 98)), Outcome::Settled, 2),
        ("a no", Some(receipt(false, 0, 0)), Outcome::Unknown, 2),
    ] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| match &send.token {
            None => Seller::offer(&offer("plan", 2)),
            Some(_) => ResponseHead { receipt: header.clone(), ..somewhere() },
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(end.result.unwrap_err().code(), "redirected_while_paying", "{name}");
        assert_eq!(end.spend.outcome, outcome, "{name}");
        assert_eq!(world.buyer.records()[0].outcome, outcome, "the books: {name}");
        assert_eq!(world.buyer.budget().total(), Credits::from(spent), "{name}");
    }
}

#[test]
fn rule_9_what_a_redirect_left_open_cannot_be_gone_on_with() {
    // (name, whether the first place leads on, whether the fetch can be gone on with)
    for (name, leads_on, open) in [("one place", false, true), ("two places", true, false)] {
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            match (&send.token, place(send).as_str()) {
                (None, _) => Seller::offer(&offer("plan", 2)),
                (Some(_), "/ask") if leads_on => to(AWAY, "/x", 307),
                (Some(_), _) => Seller::lost(),
            }
        });
        world.approval = Some(yes());
        let fetch = world.fetch("POST", "/ask");
        let end = world.run_one(fetch);
        assert_eq!(
            (end.result.unwrap_err().code(), end.spend.outcome),
            ("outcome_unknown", Outcome::Unknown),
            "{name}"
        );
        assert_eq!(end.spend.payment.is_some(), open, "{name}");
    }
}

#[test]
fn rule_6_an_offer_is_paid_where_it_came_from() {
    let (near, away) = (target(ORIGIN, "/moved"), target(AWAY, "/x"));
    let same = target(ORIGIN, "/ask");
    // (name, method, where the 402 came from, whether redirects were followed, where the token goes)
    let own = Ok("the caller's URL");
    for (name, method, from, redirected, expected) in [
        ("nobody says", "POST", None, false, own),
        ("the same place", "POST", Some(same.clone()), false, own),
        ("round and back", "GET", Some(same), true, own),
        ("led on", "GET", Some(near.clone()), true, Ok("https://api.example/moved")),
        ("led away", "HEAD", Some(away.clone()), true, Ok("https://b.example/x")),
        ("led on, the method may have changed", "POST", Some(near), true, Err("ambiguous_redirect")),
        ("led away, the method may have changed", "PUT", Some(away), true, Err("ambiguous_redirect")),
        ("led nobody says where", "DELETE", None, true, Err("ambiguous_redirect")),
    ] {
        let went = Rc::new(RefCell::new(None));
        let goes = went.clone();
        let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
            if send.token.is_some() {
                let to = send.target.as_ref().map_or("the caller's URL".into(), |target| target.url.clone());
                *goes.borrow_mut() = Some(to);
                return Seller::paid(2, 98);
            }
            ResponseHead { target: from.clone(), redirected, ..Seller::offer(&offer("plan", 2)) }
        });
        world.approval = Some(yes());
        let fetch = world.fetch(method, "/ask");
        let end = world.run_one(fetch);
        assert_eq!(went.borrow().as_deref(), expected.ok(), "{name}");
        assert_eq!(
            end.result.err().map(|error| error.code().to_string()).as_deref(),
            expected.err(),
            "{name}"
        );
        assert_eq!(world.mints, u32::from(expected.is_ok()), "{name}");
    }
}

#[test]
fn rule_6_what_a_redirect_led_to_may_lead_on_before_it_is_paid() {
    // A token is answered with a redirect elsewhere; the 402 there came by another redirect, which the platform followed.
    let paid_at = Rc::new(RefCell::new(Vec::new()));
    let recorded = paid_at.clone();
    let mut world = SimulatedPlatform::new().balance(100).seller(move |send, _| {
        match (&send.token, place(send).as_str()) {
            (Some(_), at) => {
                recorded.borrow_mut().push(at.to_string());
                if at == "/ask" { to(AWAY, "/x", 302) } else { Seller::paid(2, 96) }
            }
            (None, "/ask") => Seller::offer(&offer("plan", 2)),
            (None, _) => ResponseHead {
                target: Some(target(AWAY, "/y")),
                redirected: true,
                ..Seller::offer(&offer("plan", 2))
            },
        }
    });
    world.approval = Some(yes());
    let fetch = world.fetch("GET", "/ask");
    assert!(world.run_one(fetch).result.is_ok());
    assert_eq!(*paid_at.borrow(), ["/ask", "b/y"]);
    assert_eq!((world.mints, world.asked), (2, 2), "a token of its own, and a consent of its own");
}
