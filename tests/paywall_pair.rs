//! The buyer against the gate, in one process and virtual time: whatever is lost on the way, nobody is told that
//! nothing happened when something did, and nobody gets what was not paid for (money rules 9, 19, 21).

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::unreachable)]

mod support;

use payments_wasm::api;
use payments_wasm::paywall::{Action, Event, FacilitatorError, Gate, OriginResponse, RequestHead, Settings};
use payments_wasm::subscriber::{Approval, Outcome, ResponseHead};
use payments_wasm::wire::Credits;
use std::cell::RefCell;
use std::rc::Rc;
use support::SimulatedPlatform;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PRICE: u64 = 2;

/// The fate of a call to the facilitator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It never arrives.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    /// It is done, and the answer is a 500.
    BrokenAfter,
    /// A clear no.
    Refused,
    /// Not now.
    Busy,
    /// The seller's key is not taken.
    KeyEnded,
}

use Fate::{BrokenAfter, Busy, Fine, KeyEnded, LostAfter, LostBefore, Refused};

const FATES: [Fate; 7] = [Fine, LostBefore, LostAfter, BrokenAfter, Refused, Busy, KeyEnded];

/// The fate of the request at the origin, and of its response on the way back to the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    verify: Fate,
    settle: Fate,
    /// The origin's status; 0 for none.
    origin: u16,
    /// The connection to the buyer dies before the answer.
    answer_lost: bool,
}

/// The facts, independent of each party's knowledge.
#[derive(Debug, Default)]
struct Truth {
    burned: u64,
    journalled: u32,
    verified: u32,
    worked: u32,
    delivered: u32,
}

fn gate() -> Gate {
    let settings = Settings::read(
        |name| {
            let text = match name {
                "NVM_API_KEY" => "sandbox:e30.e30.c2ln",
                "ORIGIN_URL" => "https://origin.example",
                "ROUTES" => r#"{"GET /ask": {"planId": "plan", "credits": 2, "scheme": "nvm:erc4337"}}"#,
                "UNLISTED" => "deny",
                _ => return None,
            };
            Some(text.into())
        },
        false,
    );
    Gate::new(settings.unwrap())
}

/// The facilitator: does what it is asked and answers, or as `fate` has it.
fn facilitate(call: &api::Request, way: Way, truth: &mut Truth) -> Event {
    let settle = call.path.ends_with("/settle");
    let fate = if settle { way.settle } else { way.verify };
    let answered = |status, body: &str| {
        Event::Answered(api::Response { status, body: body.into(), correlation_id: None })
    };
    match fate {
        LostBefore => return Event::Unanswered(FacilitatorError::Unreachable),
        Refused => return answered(402, r#"{"code":"BCK.X402.0005","message":"no"}"#),
        Busy => return answered(429, "{}"),
        KeyEnded => return answered(401, r#"{"code":"BCK.AUTH.0002","message":"no"}"#),
        Fine | LostAfter | BrokenAfter => {}
    }
    if settle {
        truth.burned += PRICE;
    } else {
        truth.verified += 1;
    }
    match fate {
        LostAfter => Event::Unanswered(FacilitatorError::TimedOut),
        BrokenAfter => answered(500, ""),
        _ if settle => answered(
            200,
            r#"{"success":true,"transaction":"0x1","network":"eip155:84532","creditsRedeemed":"2","remainingBalance":"98"}"#,
        ),
        _ => answered(200, r#"{"isValid":true,"payer":"0xme","agentRequestId":"r-1"}"#),
    }
}

/// One request through the gate.
fn serve(gate: &Gate, token: Option<&str>, way: Way, truth: &mut Truth) -> ResponseHead {
    let head = RequestHead {
        method: "GET".into(),
        url: "https://api.example/ask".into(),
        headers: token.map(|token| ("payment-signature", token)).into_iter().collect(),
        ..RequestHead::new("", "", [0; 16], 0)
    };
    let (mut flow, mut action) = gate.open(&head);
    let answer = loop {
        let event = match action {
            Action::Respond(answer) => {
                break ResponseHead {
                    status: answer.status,
                    offer: answer.headers.get("payment-required").map(Into::into),
                    receipt: answer.headers.get("payment-response").map(Into::into),
                    ..ResponseHead::default()
                };
            }
            Action::Deliver(delivery) => {
                truth.journalled += u32::from(delivery.journal.is_some());
                truth.delivered += u32::from((200..300).contains(&way.origin));
                break ResponseHead {
                    status: way.origin,
                    receipt: delivery.headers.get("payment-response").map(Into::into),
                    ..ResponseHead::default()
                };
            }
            Action::Call(call) => facilitate(&call, way, truth),
            Action::State(_) | Action::Price(_) | Action::Wait(_) | Action::Finish(_) => {
                unreachable!("nothing of it is configured")
            }
            Action::Forward(_) => {
                truth.worked += 1;
                match way.origin {
                    0 => Event::OriginFailed,
                    status => Event::Origin(OriginResponse { status, ..OriginResponse::default() }),
                }
            }
        };
        action = flow.handle_event(event, 1_000_000);
    };
    // 999 is how this world says that the connection died.
    if way.answer_lost && token.is_some() {
        ResponseHead { status: 999, ..ResponseHead::default() }
    } else {
        answer
    }
}

#[test]
fn whatever_is_lost_nobody_is_told_that_nothing_happened_when_it_did() {
    let mut ways = Vec::new();
    for verify in FATES {
        for settle in FATES {
            for origin in [200, 404, 0] {
                for answer_lost in [false, true] {
                    ways.push(Way { verify, settle, origin, answer_lost });
                }
            }
        }
    }
    assert_eq!(ways.len(), 294);
    let mut outcomes = [0; 3];
    for way in ways {
        let truth = Rc::new(RefCell::new(Truth::default()));
        let (gate, known) = (gate(), truth.clone());
        let mut world = SimulatedPlatform::new().seller(move |send, _| {
            let token = send.token.as_ref().map(|token| token.expose());
            serve(&gate, token, way, &mut known.borrow_mut())
        });
        world.approval = Some(Approval { approve: true, ..Approval::default() });
        let fetch = world.fetch("GET", "/ask");
        let end = world.run_one(fetch);
        let truth = truth.borrow();
        let spend = &end.spend;

        // The seller's side.
        assert!(truth.worked <= truth.verified, "work before a verify: {way:?}");
        assert!(
            truth.delivered == 0 || truth.burned > 0 || truth.journalled > 0,
            "delivered, and neither paid nor written down: {way:?}"
        );
        assert!(truth.burned == 0 || truth.delivered > 0, "burned, and nothing delivered: {way:?}");
        assert!(truth.burned <= PRICE, "charged twice for one answer: {way:?}");
        if way.verify != Fine {
            assert_eq!((truth.worked, truth.burned), (0, 0), "{way:?}");
        }
        // The buyer's side.
        outcomes[match spend.outcome {
            Outcome::None => 0,
            Outcome::Settled => 1,
            Outcome::Unknown => 2,
        }] += 1;
        match spend.outcome {
            Outcome::None => assert_eq!(truth.burned, 0, "told that nothing happened: {way:?}"),
            Outcome::Settled => {
                assert_eq!(spend.credits_settled, Some(Credits::from(truth.burned)), "{way:?}");
                assert_eq!(truth.burned, PRICE, "{way:?}");
            }
            Outcome::Unknown => {}
        }
        if way == (Way { verify: Fine, settle: Fine, origin: 200, answer_lost: false }) {
            assert_eq!((spend.outcome, spend.requests, spend.mints), (Outcome::Settled, 2, 1));
            assert!(end.result.is_ok());
        }
        assert!(spend.requests <= 3, "{way:?}");
    }
    // A token was presented each time, so nobody is told that nothing happened; and only a receipt says that it was settled.
    assert_eq!(outcomes, [0, 1, 293], "none, settled, unknown");
}
