//! The gate with its state against a facilitator, an origin and a storage that fail in every way, in virtual time, and an
//! isolate that may die at any step; then the reconciler comes to its end (money rules 19, 21, 22 and 24).

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/rows.rs"]
mod rows;

use payments_wasm::api;
use payments_wasm::paywall::state::{
    self, Command, Entry, EntryStatus, PlatformResponse, Reply, Rows, StateCall, Task,
};
use payments_wasm::paywall::{
    Action, Bindings, EndReason, Ending, Event, FacilitatorError, Gate, OriginResponse, RequestHead, Settings,
};
use payments_wasm::wire::base64;
use rows::Map;
use serde_json::{Value, json};
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PRICE: u64 = 2;
const PAYER: &str = "0x00000000000000000000000000000000000000b1";
const START: u64 = 1_790_000_000_000;

/// The fate of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It never arrives.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    /// A clear no.
    Refused,
    /// Not now.
    Busy,
}

use Fate::{Busy, Fine, LostAfter, LostBefore, Refused};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    route: &'static str,
    /// The token is single-use.
    once: bool,
    verify: Fate,
    /// The first settle and those after it.
    settle: [Fate; 2],
    /// The origin's status; 0 for none.
    origin: u16,
    /// How its body ends.
    how: EndReason,
    /// The fates of the first and the second command to the state.
    state: [Fate; 2],
    /// After how many steps the isolate dies.
    dies: Option<usize>,
    /// After how many steps the client goes away.
    leaves: Option<usize>,
}

const PLAIN: Way = Way {
    route: "/before",
    once: true,
    verify: Fine,
    settle: [Fine, Fine],
    origin: 200,
    how: EndReason::Whole,
    state: [Fine, Fine],
    dies: None,
    leaves: None,
};

/// The facts, independent of each party's knowledge.
#[derive(Debug, Default)]
struct Truth {
    burned: u64,
    settles: usize,
    questions: usize,
    delivered: bool,
    /// The client disconnected before a settle was sent.
    gone: bool,
    logged: bool,
    spent: bool,
    receipt: Option<Value>,
}

fn gate() -> Gate {
    let routes = json!({
        "GET /before": { "planId": "plan", "scheme": "nvm:erc4337", "credits": 2 },
        "GET /after": { "planId": "plan", "scheme": "nvm:erc4337", "credits": 2, "settle": "after-delivery" },
        "GET /end": { "planId": "plan", "scheme": "nvm:erc4337", "credits": 2, "settle": "at-end-of-stream" },
    });
    let variable = |name: &str| match name {
        "NVM_API_KEY" => Some("sandbox:e30.e30.c2ln".to_string()),
        "ORIGIN_URL" => Some("https://origin.example".to_string()),
        "UNLISTED" => Some("deny".to_string()),
        "ROUTES" => Some(routes.to_string()),
        _ => None,
    };
    Gate::new(Settings::read(variable, Bindings { state: true, ..Bindings::default() }).unwrap())
}

fn answered(status: u16, body: Value) -> Event {
    Event::Answered(api::Response { status, body: body.to_string(), correlation_id: None })
}

/// The facilitator: burns once for a single-use token, and as often as it is asked for any other.
fn facilitate(call: &api::Request, fate: Fate, once: bool, truth: &mut Truth) -> Event {
    let settle = call.path.ends_with("/settle");
    truth.settles += usize::from(settle);
    match fate {
        LostBefore => return Event::Unanswered(FacilitatorError::Unreachable),
        Busy => return answered(429, json!({})),
        Refused => return answered(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" })),
        Fine | LostAfter => {}
    }
    if truth.spent {
        return answered(402, json!({ "code": "BCK.X402.0059", "message": "used" }));
    }
    if settle {
        truth.burned += PRICE;
        truth.spent = once;
    }
    if fate == LostAfter {
        return Event::Unanswered(FacilitatorError::TimedOut);
    }
    if settle {
        return answered(
            200,
            json!({ "success": true, "transaction": "0x1", "network": "n", "creditsRedeemed": "2" }),
        );
    }
    answered(200, json!({ "isValid": true, "payer": PAYER, "agentRequestId": "r-1" }))
}

fn token(once: bool) -> String {
    let mut authorization = json!({ "from": PAYER, "sessionKeys": [] });
    if once {
        authorization["nonce"] = "0x01".into();
    }
    let payload = json!({
        "x402Version": 2,
        "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "plan", "extra": {} },
        "payload": { "signature": "0xfeed", "authorization": authorization },
        "extensions": {},
    });
    base64::encode_url(payload.to_string().as_bytes())
}

fn question(rows: &mut Map, call: &StateCall, fate: Fate, now: u64) -> Event {
    if fate == LostBefore {
        return Event::StateFailed;
    }
    let reply = state::apply(rows, &call.command, now).unwrap();
    if fate == LostAfter { Event::StateFailed } else { Event::State(reply) }
}

/// Responses of a working facilitator and of the seller's ledger to the state.
fn tell(task: &Task, way: Way, truth: &mut Truth) -> PlatformResponse {
    let Task::Call(call) = task else { return PlatformResponse::Heard };
    match facilitate(call, Fine, way.once, truth) {
        Event::Answered(answer) => PlatformResponse::Answered(answer),
        _ => PlatformResponse::Unanswered,
    }
}

/// One request through the gate, as far as it comes.
fn serve(gate: &Gate, way: Way, rows: &mut Map, truth: &mut Truth) {
    let mut now = START;
    let head = RequestHead {
        method: "GET".into(),
        url: ["https://api.example", way.route].concat(),
        headers: [("payment-signature", token(way.once))].into_iter().collect(),
        seed: [7; 16],
        now,
        ..RequestHead::new("", "", [0; 16], 0)
    };
    let (mut flow, mut action) = gate.open(&head);
    let mut settles = way.settle.into_iter();
    let mut state = way.state.into_iter();
    for step in 0.. {
        now += 10;
        let event = match action {
            Action::Respond(_) | Action::Finish(_) => break,
            Action::Deliver(delivery) => {
                truth.delivered = (200..300).contains(&way.origin) && way.leaves.is_none_or(|at| at >= step);
                truth.logged |= delivery.journal.is_some();
                if let Some(receipt) = delivery.headers.get("payment-response") {
                    truth.receipt = serde_json::from_slice(&base64::decode(receipt, 4096, "x").unwrap()).ok();
                }
                if delivery.meter.is_none() {
                    break;
                }
                Event::Ended(Ending { how: way.how, bytes: 10, ..Ending::default() })
            }
            Action::Call(call) if call.path.ends_with("/verify") => {
                facilitate(&call, way.verify, way.once, truth)
            }
            Action::Call(call) => {
                let fate = settles.next().expect("settled a third time");
                facilitate(&call, fate, way.once, truth)
            }
            Action::State(call) => {
                truth.questions += 1;
                question(rows, &call, state.next().unwrap_or(Fine), now)
            }
            Action::Price(_) => panic!("no handler is configured"),
            Action::Wait(_) => panic!("nothing is asked of the plan"),
            Action::Forward(_) if way.origin == 0 => Event::OriginFailed,
            Action::Forward(_) => {
                Event::Origin(OriginResponse { status: way.origin, ..OriginResponse::default() })
            }
        };
        if way.dies == Some(step) {
            return;
        }
        let left = way.leaves.is_some_and(|at| at <= step);
        let gone = left && flow.client_left();
        truth.gone |= gone;
        action = flow.handle_event(if gone { Event::ClientGone } else { event }, now);
    }
    for note in flow.take_deferred() {
        // Each may arrive twice.
        for _ in 0..2 {
            state::apply(rows, &note.command, now).unwrap();
        }
    }
}

/// Lets the reconciler come to its end, with a facilitator that is well again.
fn reconcile(way: Way, rows: &mut Map, truth: &mut Truth) -> Vec<Entry> {
    let mut last = Vec::new();
    for _ in 0..200 {
        last = entries(rows);
        if last.iter().all(|entry| entry.status.is_final()) {
            break;
        }
        let now = rows.next_due().unwrap().expect("an open entry is due some time");
        while let Some(job) = state::due(rows, now, &mut |_| ()).unwrap() {
            let response = tell(&job.task, way, truth);
            state::on_response(rows, &job, response, now, &mut |_| ()).unwrap();
        }
    }
    last
}

fn entries(rows: &Map) -> Vec<Entry> {
    let of_kind = rows.0.iter().filter(|((kind, _), _)| kind == "entry");
    of_kind.map(|(_, (value, _))| serde_json::from_str(value).unwrap()).collect()
}

fn ways() -> Vec<Way> {
    let mut ways = Vec::new();
    let settles = [Fine, LostBefore, LostAfter, Refused, Busy];
    let states = [Fine, LostBefore, LostAfter];
    for route in ["/before", "/after", "/end"] {
        for once in [true, false] {
            let plain = Way { route, once, ..PLAIN };
            for first in settles {
                for second in settles {
                    for one in states {
                        for two in states {
                            let settle = [first, second];
                            ways.push(Way { settle, state: [one, two], ..plain });
                            for dies in 0..10 {
                                ways.push(Way { settle, state: [one, two], dies: Some(dies), ..plain });
                            }
                        }
                    }
                }
            }
            for verify in settles {
                ways.push(Way { verify, ..plain });
            }
            for origin in [0, 101, 302, 404, 500] {
                ways.push(Way { origin, ..plain });
            }
            for how in [EndReason::ClientLeft, EndReason::OriginBroke] {
                ways.push(Way { how, ..plain });
            }
            for leaves in 0..9 {
                for first in settles {
                    for second in settles {
                        ways.push(Way { leaves: Some(leaves), settle: [first, second], ..plain });
                    }
                }
            }
        }
    }
    ways
}

#[test]
fn whatever_fails_the_ledger_is_what_receipts_and_journal_say() {
    let (gate, ways) = (gate(), ways());
    assert!(ways.len() > 14_000, "{}", ways.len());
    let mut statuses: BTreeMap<String, u32> = BTreeMap::new();
    for way in ways {
        let (mut rows, mut truth) = (Map::default(), Truth::default());
        serve(&gate, way, &mut rows, &mut truth);
        let burned_by_then = truth.burned;
        let entries = reconcile(way, &mut rows, &mut truth);
        assert!(entries.len() <= 1, "{way:?}");
        let entry = entries.first();
        let stands = entry.map(|entry| entry.status);
        let case = format!("{way:?}\n{truth:?}\n{entry:?}");
        *statuses.entry(format!("{stands:?}")).or_default() += 1;

        assert!(truth.burned <= PRICE, "burned twice: {case}");
        assert!(stands.is_none_or(EntryStatus::is_final), "left open: {case}");
        // Delivered: paid for, or in the journal.
        if truth.delivered && truth.burned == 0 {
            let known = matches!(
                stands,
                Some(
                    EntryStatus::Unresolved
                        | EntryStatus::Unpaid
                        | EntryStatus::Refused
                        | EntryStatus::Released
                )
            );
            let free = way.how == EndReason::OriginBroke && way.route != "/before";
            assert!(known || truth.logged || free, "unpaid and unknown: {case}");
            assert!(!way.once || way.route != "/before", "a single-use token's answer unpaid: {case}");
        }
        // Burned: the journal says so, or does not know.
        if truth.burned > 0 {
            match stands {
                Some(EntryStatus::Settled) => {
                    let receipt = entry.and_then(|entry| entry.receipt.clone()).unwrap();
                    assert_eq!(receipt["creditsRedeemed"], "2", "{case}");
                }
                Some(EntryStatus::Unresolved) => assert!(!way.once, "{case}"),
                _ => panic!("burned, and not in the journal: {case}"),
            }
            // For something, unless the isolate died.
            let late = way.leaves.is_some() && burned_by_then > 0;
            assert!(truth.delivered || way.dies.is_some() || late, "burned for nothing: {case}");
        }
        // Every settle of a single-use token gets a known result.
        let sent = entry.is_some_and(|entry| entry.sent);
        assert!(stands != Some(EntryStatus::Unresolved) || !way.once || !sent, "{case}");
        // The reconciler settles nothing that was not delivered.
        if truth.burned > burned_by_then {
            assert!(truth.delivered && entry.is_some_and(|entry| entry.delivered), "{case}");
        }
        // A settle goes out a second time only with a single-use token, or where the first was certainly not done.
        assert!(truth.settles < 2 || way.once || way.settle[0] == Busy, "settled again: {case}");
        // The journal's yes is the ledger's.
        if stands == Some(EntryStatus::Settled) {
            let receipt = entry.and_then(|entry| entry.receipt.clone()).unwrap();
            assert_eq!(
                receipt["creditsRedeemed"].as_str().unwrap().parse::<u64>().unwrap(),
                truth.burned,
                "{case}"
            );
        }
        if let Some(receipt) = &truth.receipt
            && receipt["success"] == true
        {
            assert_eq!(receipt["creditsRedeemed"], truth.burned.to_string(), "{case}");
        }
        // A client that is gone before a settle is sent pays nothing.
        assert!(!truth.gone || truth.burned == 0, "{case}");
        // Whoever lost nothing may use the token again; whoever was served may not.
        if way.once {
            let admit = Command::Admit {
                id: "another".into(),
                rates: Vec::new(),
                claim: Some(state::Claim { nonce: "0x01".into(), lease: 1000 }),
                allowance: None,
                open: None,
                entry: None,
            };
            let reply = state::apply(&mut rows, &admit, START + 10_000_000_000).unwrap();
            if truth.delivered || truth.burned > 0 {
                let used = reply == Reply::Used;
                // Delivered without a burn and closed: refused after delivery.
                assert!(used || stands == Some(EntryStatus::Refused), "a second answer: {case}");
            }
        }
    }
    println!("{statuses:?}");
    for stands in ["Settled", "Refused", "Released", "Unpaid", "Unresolved"] {
        assert!(statuses.contains_key(&format!("Some({stands})")), "{stands}: {statuses:?}");
    }
}
