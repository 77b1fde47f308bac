//! The gate as a property: any order of requests, faults, replays, crashes and instances, against a ledger that knows what
//! really happened (money rules 19, 21, 22, 24).
//!
//! - Nothing is burned twice for one request, whoever sends the settle and however late it arrives.
//! - What is delivered and not burned is `unresolved` or `owed` in the journal, or its token ended while it was owed.
//! - Of one payer and plan no more than `maxOpen` answers are delivered and neither settled nor given up at any time.
//! - The state admits nobody whom the facilitator did not verify; a single-use token is at work in one place.
//! - Of a reusable token no settle is sent again unless the one before certainly burned nothing.
//!
//! `GATE_RUNS` says how many stories are told; some thousand where it says nothing.
#![cfg(not(target_arch = "wasm32"))]
// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod checks;
mod platform;
mod requests;
#[path = "../support/rows.rs"]
mod rows;

use payments_wasm::api;
use payments_wasm::paywall::state::{
    self, Command, Entry, EntryStatus, PlatformResponse, Reply, StateCall, Task,
};
use payments_wasm::paywall::{
    Action, Bindings, EndReason, Ending, Event, FacilitatorError, Gate, Meter, OriginResponse, RequestFlow,
    RequestHead, Settings,
};
use payments_wasm::wire::base64;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rows::Map;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PRICE: u64 = 2;
const START: u64 = 1_790_000_000_000;
/// A story is shorter than a claim lasts, so that no claim runs out in the middle of it.
const LONGEST_MS: u64 = 800_000;
/// How long a call may take, where nothing else is configured.
const TIMEOUT_MS: u64 = 10_000;
/// How long after it was sent a settle may arrive.
const LATEST_MS: u64 = 120_000;
const PAYERS: usize = 2;
/// A route, its plan, and how much may be open of that.
const ROUTES: [(&str, &str, usize); 4] =
    [("/before", "one", 1), ("/after", "one", 1), ("/end", "one", 1), ("/two", "two", 2)];

/// The next operation. The numbers select one of the available objects.
#[derive(Debug, Clone)]
enum Op {
    /// A request by a payer for a route: with the reusable token, a fresh single-use one, or the last one again.
    Ask {
        payer: usize,
        route: usize,
        token: u8,
        instance: usize,
    },
    /// A request goes one step on; what it does meets this fate.
    Step {
        which: usize,
        fate: Fate,
    },
    /// An isolate dies. What it was doing may have been done.
    Crash {
        which: usize,
        done: bool,
    },
    /// A client hangs up.
    Leave {
        which: usize,
    },
    /// A word behind an answer arrives; it may arrive again.
    Note {
        which: usize,
        again: bool,
    },
    /// The alarm of an object rings; what it asks meets this fate, or its object dies while it waits.
    Alarm {
        which: usize,
        fate: Fate,
        dies: bool,
    },
    /// A settle that was given up arrives.
    Arrive {
        which: usize,
    },
    /// Somebody else burns what the payer holds, or buys more for them.
    Credits {
        payer: usize,
        held: u64,
    },
    /// The payer's token is revoked: from now on there is another.
    Revoke {
        payer: usize,
    },
    Wait {
        ms: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    /// It never arrives.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    /// Nobody answers, and it is done some time later.
    Late,
    /// A clear no: too little credit at the platform, not found at the origin.
    Refused,
    /// Not now.
    Busy,
    /// The platform says that the burn failed; the origin fails.
    Failed,
}

use Fate::{Busy, Failed, Fine, Late, LostAfter, LostBefore, Refused};

/// A request on its way.
struct Live {
    name: usize,
    flow: RequestFlow,
    action: Action,
    /// Its meter, while the response is sent.
    meter: Option<Meter>,
}

/// The facts about a request, independent of each party's knowledge.
#[derive(Debug, Default, Clone)]
struct Truth {
    payer: usize,
    route: usize,
    nonce: Option<String>,
    verified: bool,
    /// The origin did the work.
    worked: bool,
    /// It is at the origin, or its response waits for settlement.
    at_work: bool,
    delivered: bool,
    crashed: bool,
    /// Its client disconnected before delivery.
    gone: bool,
    burned: u32,
    /// A settle was sent, and its result is unknown.
    doubted: bool,
    /// Its lease expired once, so that it was given up.
    lapsed: bool,
}

struct SimulatedPlatform {
    gates: Vec<Gate>,
    objects: BTreeMap<String, Map>,
    now: u64,
    held: [u64; PAYERS],
    /// How often the payer's reusable token was replaced.
    edition: [u32; PAYERS],
    spent: BTreeSet<String>,
    nonces: [Vec<String>; PAYERS],
    live: Vec<Live>,
    truths: Vec<Truth>,
    notes: Vec<StateCall>,
    /// Settles that nobody waits for any more, and when they were sent.
    late: Vec<(u64, Value)>,
}

fn gate(cache: &str) -> Gate {
    let route = |plan: &str, more: Value| {
        let mut route = json!({ "planId": plan, "scheme": "nvm:erc4337", "credits": PRICE });
        route.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        route
    };
    let routes = json!({
        "GET /before/:name": route("one", json!({})),
        "GET /after/:name": route("one", json!({ "settle": "after-delivery" })),
        "GET /end/:name": route("one", json!({ "settle": "at-end-of-stream" })),
        "GET /two/:name": route("two", json!({ "settle": "at-end-of-stream", "maxOpen": 2 })),
    });
    let variable = |name: &str| match name {
        "NVM_API_KEY" => Some("sandbox:e30.e30.c2ln".to_string()),
        "ORIGIN_URL" => Some("https://origin.example".to_string()),
        "UNLISTED" => Some("deny".to_string()),
        "VERIFY_CACHE_SECONDS" => Some(cache.to_string()),
        "ROUTES" => Some(routes.to_string()),
        _ => None,
    };
    Gate::new(Settings::read(variable, Bindings { state: true, ..Bindings::default() }).unwrap())
}

fn payer(index: usize) -> String {
    format!("0x{:040x}", index + 1)
}

fn answered(status: u16, body: Value) -> Event {
    Event::Answered(api::Response { status, body: body.to_string(), correlation_id: None })
}

impl SimulatedPlatform {
    fn new() -> Self {
        Self {
            gates: vec![gate("0"), gate("60")],
            objects: BTreeMap::new(),
            now: START,
            held: [6, 100],
            edition: [0; PAYERS],
            spent: BTreeSet::new(),
            nonces: Default::default(),
            live: Vec::new(),
            truths: Vec::new(),
            notes: Vec::new(),
            late: Vec::new(),
        }
    }

    fn go(&mut self, op: Op) {
        match op {
            Op::Ask { payer, route, token, instance } => self.ask(payer, route, token, instance),
            Op::Step { which, fate } if !self.live.is_empty() => {
                let which = which % self.live.len();
                let live = self.live.remove(which);
                self.step(live, fate);
            }
            Op::Crash { which, done } if !self.live.is_empty() => {
                let which = which % self.live.len();
                let mut live = self.live.remove(which);
                if done {
                    let _ = self.perform(&mut live, LostAfter);
                }
                let truth = &mut self.truths[live.name];
                (truth.crashed, truth.at_work) = (true, false);
            }
            Op::Leave { which } if !self.live.is_empty() => {
                let which = which % self.live.len();
                let mut live = self.live.remove(which);
                let answered = live.meter.is_some();
                if !answered && live.flow.client_left() {
                    live.action = live.flow.handle_event(Event::ClientGone, self.now);
                    self.settle_in(live);
                } else {
                    self.truths[live.name].gone |= !answered;
                    self.live.insert(which, live);
                }
            }
            Op::Note { which, again } if !self.notes.is_empty() => {
                let which = which % self.notes.len();
                let note = if again { self.notes[which].clone() } else { self.notes.remove(which) };
                let _ = self.tell(&note);
            }
            Op::Alarm { which, fate, dies } if !self.objects.is_empty() => {
                let shard = self.objects.keys().nth(which % self.objects.len()).unwrap().clone();
                self.alarm(&shard, fate, dies);
            }
            Op::Arrive { which } if !self.late.is_empty() => {
                let (_, body) = self.late.remove(which % self.late.len());
                let _ = self.burn(&body);
            }
            Op::Credits { payer, held } => self.held[payer] = held,
            Op::Revoke { payer } => self.edition[payer] += 1,
            Op::Wait { ms } if self.now - START + ms < LONGEST_MS => {
                // No call lasts longer than its timeout, so none is still under way after a long time.
                while ms >= TIMEOUT_MS
                    && let Some(which) = self
                        .live
                        .iter()
                        .position(|live| matches!(live.action, Action::Call(_) | Action::State(_)))
                {
                    let live = self.live.remove(which);
                    self.step(live, Late);
                    self.check();
                }
                self.passes(ms);
            }
            _ => {}
        }
        self.check();
    }

    fn passes(&mut self, ms: u64) {
        // A sent message arrives within two minutes, or never.
        while let Some(at) = self.late.iter().position(|(sent, _)| sent + LATEST_MS <= self.now + ms) {
            let (_, body) = self.late.remove(at);
            let _ = self.burn(&body);
        }
        self.now += ms;
        for map in self.objects.values() {
            for ((kind, _), (value, due)) in &map.0 {
                if kind == "entry" && due.is_some_and(|due| due <= self.now) {
                    let entry: Entry = serde_json::from_str(value).unwrap();
                    if matches!(entry.status, EntryStatus::Delivering | EntryStatus::Settling) {
                        self.truths[name_of(&entry.id)].lapsed = true;
                    }
                }
            }
        }
    }
}

fn name_of(id: &str) -> usize {
    usize::try_from(u128::from_str_radix(id, 16).unwrap() - 1).unwrap()
}

fn authorization(body: &Value) -> Value {
    let token = base64::decode(body["x402AccessToken"].as_str().unwrap(), 4096, "token").unwrap();
    let token: Value = serde_json::from_slice(&token).unwrap();
    token["payload"]["authorization"].clone()
}

/// Whose token it is, and which edition.
fn holder(body: &Value) -> (usize, u64) {
    let authorization = authorization(body);
    let from = authorization["from"].as_str().unwrap();
    ((0..PAYERS).find(|index| payer(*index) == from).unwrap(), authorization["edition"].as_u64().unwrap())
}

fn nonce_of(body: &Value) -> Option<String> {
    authorization(body)["nonce"].as_str().map(Into::into)
}

/// The request that a settle is for.
fn settled_for(body: &Value) -> usize {
    let url = body["paymentRequired"]["resource"]["url"].as_str().unwrap();
    url.rsplit('/').next().unwrap().parse().unwrap()
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        8 => Just(Fine), 1 => Just(LostBefore), 1 => Just(LostAfter), 1 => Just(Late), 1 => Just(Refused),
        1 => Just(Busy), 1 => Just(Failed),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    let pick = 0..64_usize;
    prop_oneof![
        6 => (0..PAYERS, 0..ROUTES.len(), 0..4_u8, 0..2_usize)
            .prop_map(|(payer, route, token, instance)| Op::Ask { payer, route, token: token.saturating_sub(1), instance }),
        24 => (pick.clone(), fates()).prop_map(|(which, fate)| Op::Step { which, fate }),
        1 => (pick.clone(), any::<bool>()).prop_map(|(which, done)| Op::Crash { which, done }),
        1 => pick.clone().prop_map(|which| Op::Leave { which }),
        6 => (pick.clone(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Op::Note { which, again }),
        3 => (pick.clone(), fates(), prop::bool::weighted(0.1))
            .prop_map(|(which, fate, dies)| Op::Alarm { which, fate, dies }),
        1 => pick.prop_map(|which| Op::Arrive { which }),
        1 => (0..PAYERS, prop_oneof![Just(0), Just(1), Just(2), Just(4), Just(100)])
            .prop_map(|(payer, held)| Op::Credits { payer, held }),
        1 => (0..PAYERS).prop_map(|payer| Op::Revoke { payer }),
        2 => prop_oneof![Just(50), Just(4_000), Just(30_000), Just(70_000), Just(140_000)].prop_map(|ms| Op::Wait { ms }),
    ]
}

#[test]
fn whatever_happens_nothing_is_burned_twice_and_what_is_not_paid_for_is_known_and_bounded() {
    let runs = std::env::var("GATE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2_000);
    let config =
        Config { cases: runs, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&prop::collection::vec(ops(), 1..120), |ops| {
        let mut world = SimulatedPlatform::new();
        for op in ops {
            world.go(op);
        }
        world.ends();
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
