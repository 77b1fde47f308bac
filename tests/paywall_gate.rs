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

use payments_wasm::api;
use payments_wasm::paywall::state::{
    self, Command, Entry, EntryStatus, PlatformResponse, Reply, Row, Rows, RowsError, StateCall, Task,
};
use payments_wasm::paywall::{
    Action, Bindings, EndReason, Ending, Event, FacilitatorError, Gate, Meter, OriginResponse, RequestFlow,
    RequestHead, Settings,
};
use payments_wasm::wire::base64;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PRICE: u64 = 2;
const START: u64 = 1_790_000_000_000;
/// A story is shorter than a claim lasts, so that no claim runs out in the middle of it.
const LONGEST_MS: u64 = 800_000;
/// EndReason long a call may take, where nothing else is configured.
const TIMEOUT_MS: u64 = 10_000;
/// EndReason long after it was sent a settle may arrive.
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

#[derive(Default)]
struct Map(BTreeMap<(String, String), (String, Option<u64>)>);

impl Rows for Map {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        Ok(self.0.get(&(kind.into(), id.into())).map(|row| row.0.clone()))
    }
    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        self.0.insert((kind.into(), id.into()), (value.into(), due));
        Ok(())
    }
    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.0.remove(&(kind.into(), id.into()));
        Ok(())
    }
    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        let mut due: Vec<_> = self.0.iter().filter(|(_, row)| row.1.is_some_and(|due| due <= now)).collect();
        due.sort_by_key(|(_, row)| row.1);
        let row = |((kind, id), (value, _)): (&(String, String), &(String, Option<u64>))| Row {
            kind: kind.clone(),
            id: id.clone(),
            value: value.clone(),
        };
        Ok(due.into_iter().take(limit as usize).map(row).collect())
    }
    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.0.values().filter_map(|row| row.1).min())
    }
    fn list(&self, _kind: &str, _after: Option<&str>, _limit: u32) -> Result<Vec<Row>, RowsError> {
        Ok(Vec::new())
    }
}

/// A request on its way.
struct Live {
    name: usize,
    visit: RequestFlow,
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
    /// EndReason often the payer's reusable token was replaced.
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
                if !answered && live.visit.client_left() {
                    live.action = live.visit.handle_event(Event::ClientGone, self.now);
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
                        self.truths[name_of(&entry.visit)].lapsed = true;
                    }
                }
            }
        }
    }

    fn ask(&mut self, payer: usize, route: usize, token: u8, instance: usize) {
        let name = self.truths.len();
        let (path, plan, _) = ROUTES[route];
        let nonce = match (token, self.nonces[payer].last()) {
            (0, _) => None,
            // A replay.
            (1, Some(nonce)) => Some(nonce.clone()),
            _ => {
                let nonce = format!("0x{name:x}");
                self.nonces[payer].push(nonce.clone());
                Some(nonce)
            }
        };
        let head = RequestHead {
            method: "GET".into(),
            url: format!("https://api.example{path}/{name}"),
            headers: [("payment-signature", self.token(payer, plan, nonce.as_deref()))].into_iter().collect(),
            seed: (name as u128 + 1).to_be_bytes(),
            now: self.now,
            ..RequestHead::new("", "", [0; 16], 0)
        };
        self.truths.push(Truth { payer, route, nonce, ..Truth::default() });
        let (visit, action) = self.gates[instance].open(&head);
        self.settle_in(Live { name, visit, action, meter: None });
    }

    fn token(&self, index: usize, plan: &str, nonce: Option<&str>) -> String {
        let mut authorization = json!({ "from": payer(index), "edition": self.edition[index] });
        if let Some(nonce) = nonce {
            authorization["nonce"] = nonce.into();
        }
        let payload = json!({
            "x402Version": 2,
            "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": plan, "extra": {} },
            "payload": { "signature": "0xfeed", "authorization": authorization },
            "extensions": {},
        });
        base64::encode_url(payload.to_string().as_bytes())
    }

    /// Keeps a request that has something to do; else takes what it leaves.
    fn settle_in(&mut self, mut live: Live) {
        let truth = &mut self.truths[live.name];
        truth.at_work = live.visit.payment().is_some_and(|_| {
            matches!(live.action, Action::Forward(_))
                || (truth.at_work && !matches!(live.action, Action::Respond(_)))
        });
        match &live.action {
            Action::Respond(_) | Action::Finish(_) => self.leave(live),
            Action::Deliver(delivery) => {
                let truth = &mut self.truths[live.name];
                truth.delivered |= truth.worked && !truth.gone;
                live.meter.clone_from(&delivery.meter);
                if live.meter.is_none() {
                    truth.at_work = false;
                    return self.leave(live);
                }
                self.live.push(live);
            }
            _ => self.live.push(live),
        }
    }

    fn leave(&mut self, mut live: Live) {
        self.truths[live.name].at_work = false;
        self.notes.extend(live.visit.take_deferred());
    }

    fn step(&mut self, mut live: Live, fate: Fate) {
        let Some(event) = self.perform(&mut live, fate) else { return self.live.push(live) };
        live.action = live.visit.handle_event(event, self.now);
        self.settle_in(live);
    }

    /// Does what a request asks for. Nothing where that goes on.
    fn perform(&mut self, live: &mut Live, fate: Fate) -> Option<Event> {
        let name = live.name;
        Some(match &live.action {
            Action::Respond(_) | Action::Finish(_) => panic!("it is over"),
            Action::Deliver(_) => {
                let renew = live.meter.as_ref().and_then(|meter| meter.renew.clone());
                match (fate, renew) {
                    // It still goes out.
                    (LostBefore | Late, Some(renew)) => {
                        if fate == Late {
                            let _ = self.tell(&renew.call);
                        }
                        return None;
                    }
                    (Refused, _) => {
                        Event::Ended(Ending { how: EndReason::ClientLeft, bytes: 10, ..Ending::default() })
                    }
                    _ => Event::Ended(Ending { how: EndReason::Whole, bytes: 10, ..Ending::default() }),
                }
            }
            Action::Call(call) => {
                let (path, body) = (call.path.to_string(), call.body.clone().unwrap());
                self.facilitate(Some(name), &path, &body, fate)
            }
            Action::State(call) => {
                let call = call.clone();
                if let Command::Admit { claim, open, .. } = &call.command {
                    let verified = self.truths[name].verified;
                    assert!(
                        verified || (claim.is_none() && open.is_none()),
                        "admitted before it was verified"
                    );
                }
                match fate {
                    LostBefore => Event::StateFailed,
                    LostAfter | Late => {
                        let _ = self.tell(&call);
                        Event::StateFailed
                    }
                    _ => Event::State(self.tell(&call)),
                }
            }
            Action::Wait(ms) => {
                let ms = u64::from(*ms);
                self.passes(ms);
                Event::Waited
            }
            Action::Price(_) => panic!("no handler is configured"),
            Action::Forward(_) => {
                let nonce = self.truths[name].nonce.clone();
                let others = self.truths.iter().enumerate().filter(|(other, truth)| {
                    *other != name && truth.at_work && truth.nonce.is_some() && truth.nonce == nonce
                });
                assert_eq!(others.count(), 0, "one single-use token is at work twice");
                match fate {
                    LostBefore | Late => Event::OriginFailed,
                    LostAfter => Event::OriginTimedOut,
                    Refused => Event::Origin(OriginResponse { status: 404, ..OriginResponse::default() }),
                    Busy => Event::OriginUnusable,
                    Failed => Event::Origin(OriginResponse { status: 500, ..OriginResponse::default() }),
                    Fine => {
                        self.truths[name].worked = true;
                        Event::Origin(OriginResponse { status: 200, ..OriginResponse::default() })
                    }
                }
            }
        })
    }

    fn tell(&mut self, call: &StateCall) -> Reply {
        let rows = self.objects.entry(call.shard.clone()).or_default();
        // It travels as text.
        let command = Command::from_text(&call.command.to_text()).unwrap();
        let reply = state::apply(rows, &command, self.now).unwrap();
        Reply::from_text(&reply.to_text()).unwrap()
    }

    /// The platform. `asker` is who asks, and nobody where an object does.
    fn facilitate(&mut self, asker: Option<usize>, path: &str, body: &str, fate: Fate) -> Event {
        let body: Value = serde_json::from_str(body).unwrap();
        let busy = || answered(429, json!({}));
        if path.ends_with("/verify") {
            return match fate {
                LostBefore | LostAfter | Late => Event::Unanswered(FacilitatorError::TimedOut),
                Busy => busy(),
                Failed => answered(500, json!({})),
                Refused => answered(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" })),
                Fine => match self.refuses(&body) {
                    Some(code) => answered(402, json!({ "code": code, "message": "no" })),
                    None => {
                        if let Some(asker) = asker {
                            self.truths[asker].verified = true;
                        }
                        let (from, _) = holder(&body);
                        answered(200, json!({ "isValid": true, "payer": payer(from) }))
                    }
                },
            };
        }
        let name = settled_for(&body);
        let truth = &mut self.truths[name];
        assert!(truth.worked, "settled, and the origin did not do it");
        // The first settle is allowed, and so is any of a single-use token; any other only after a clear refusal.
        assert!(truth.nonce.is_some() || !truth.doubted, "a reusable token is settled again");
        truth.doubted = true;
        match fate {
            LostBefore => Event::Unanswered(FacilitatorError::Unreachable),
            Late => {
                self.late.push((self.now, body));
                Event::Unanswered(FacilitatorError::TimedOut)
            }
            LostAfter => {
                let _ = self.burn(&body);
                Event::Unanswered(FacilitatorError::TimedOut)
            }
            Busy => self.certain(name, busy()),
            Failed => self.certain(name, answered(500, json!({ "code": "BCK.X402.0009", "message": "no" }))),
            Refused => {
                self.certain(name, answered(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" })))
            }
            Fine => match self.burn(&body) {
                Some(code) => self.certain(name, answered(402, json!({ "code": code, "message": "no" }))),
                None => {
                    let redeemed = PRICE.to_string();
                    answered(
                        200,
                        json!({ "success": true, "transaction": "0x1", "creditsRedeemed": redeemed }),
                    )
                }
            },
        }
    }

    /// A clear no to the settle of a reusable token leaves no doubt about it.
    fn certain(&mut self, name: usize, answer: Event) -> Event {
        self.truths[name].doubted = false;
        answer
    }

    fn refuses(&self, body: &Value) -> Option<&'static str> {
        let (from, edition) = holder(body);
        let nonce = nonce_of(body);
        match () {
            () if nonce.as_ref().is_some_and(|nonce| self.spent.contains(nonce)) => Some("BCK.X402.0059"),
            () if nonce.is_none() && edition != u64::from(self.edition[from]) => Some("BCK.X402.0005"),
            () if self.held[from] < PRICE => Some("BCK.CREDITS.0003"),
            () => None,
        }
    }

    /// Burns what a settle asks for, if it may.
    fn burn(&mut self, body: &Value) -> Option<&'static str> {
        if let Some(code) = self.refuses(body) {
            return Some(code);
        }
        self.held[holder(body).0] -= PRICE;
        self.spent.extend(nonce_of(body));
        let truth = &mut self.truths[settled_for(body)];
        truth.burned += 1;
        assert!(truth.burned <= 1, "burned twice: {truth:?}");
        None
    }

    fn alarm(&mut self, shard: &str, fate: Fate, dies: bool) -> bool {
        let rows = self.objects.get_mut(shard).unwrap();
        let Some(job) = self.gates[0].due(rows, self.now, &mut |_| ()).unwrap() else { return false };
        let told = match &job.task {
            Task::Tell(call) => {
                if fate != LostBefore {
                    let _ = self.tell(&call.clone());
                }
                if fate == Fine { PlatformResponse::Heard } else { PlatformResponse::Unanswered }
            }
            Task::Call(call) => {
                let (path, body) = (call.path.to_string(), call.body.clone().unwrap());
                match self.facilitate(None, &path, &body, fate) {
                    Event::Answered(answer) => PlatformResponse::Answered(answer),
                    _ => PlatformResponse::Unanswered,
                }
            }
        };
        if !dies {
            let rows = self.objects.get_mut(shard).unwrap();
            state::on_response(rows, &job, told, self.now, &mut |_| ()).unwrap();
        } else if let Task::Call(call) = &job.task
            && call.path.ends_with("/settle")
        {
            // Nobody heard the answer, clear as it was.
            let body: Value = serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
            self.truths[settled_for(&body)].doubted = true;
        }
        true
    }

    fn entries(&self) -> BTreeMap<usize, (Entry, u64)> {
        let mut entries = BTreeMap::new();
        for map in self.objects.values() {
            for ((kind, _), (value, due)) in &map.0 {
                if kind == "entry" {
                    let entry: Entry = serde_json::from_str(value).unwrap();
                    entries.insert(name_of(&entry.visit), (entry, due.unwrap_or(u64::MAX)));
                }
            }
        }
        entries
    }

    /// Invariants that hold at any time.
    fn check(&self) {
        let entries = self.entries();
        let mut open: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (name, truth) in self.truths.iter().enumerate() {
            let (path, plan, _) = ROUTES[truth.route];
            if path == "/before" || !truth.delivered || truth.burned > 0 || truth.lapsed {
                continue;
            }
            let known = entries.get(&name).map(|(entry, _)| entry.status);
            if matches!(known, Some(EntryStatus::Delivering | EntryStatus::Settling | EntryStatus::Owed)) {
                open.entry((truth.payer, plan)).or_default().push(name);
            }
        }
        for ((payer, plan), names) in open {
            let most =
                ROUTES.iter().filter(|(_, known, _)| *known == plan).map(|route| route.2).max().unwrap();
            assert!(names.len() <= most, "{names:?} are open of payer {payer} and plan {plan}");
        }
    }

    /// Lets all come to its end, with everybody well again.
    fn ends(&mut self) {
        while let Some(live) = self.live.pop() {
            self.step(live, Fine);
            self.check();
        }
        while let Some(note) = self.notes.pop() {
            let _ = self.tell(&note);
        }
        while let Some((_, body)) = self.late.pop() {
            let _ = self.burn(&body);
        }
        for _ in 0..500 {
            let shards: Vec<_> = self.objects.keys().cloned().collect();
            for shard in &shards {
                while self.alarm(shard, Fine, false) {}
            }
            // A refused payment waits for its payer.
            let open = self.entries().into_values().filter(|(entry, _)| {
                let waits = entry.status == EntryStatus::Owed && entry.receipt.is_some();
                !(waits || entry.status.is_final())
            });
            let untold = self.objects.values().flat_map(|map| &map.0).filter(|((kind, _), _)| kind == "file");
            let untold = untold.filter_map(|(_, (_, due))| *due);
            let Some(due) = open.map(|(_, due)| due).chain(untold).min() else { break };
            self.passes(due.saturating_sub(self.now));
        }
        let entries = self.entries();
        let mut served: BTreeMap<&String, u32> = BTreeMap::new();
        for (name, truth) in self.truths.iter().enumerate() {
            let entry = entries.get(&name).map(|(entry, _)| entry);
            let stands = entry.map(|entry| entry.status);
            let case = format!("{name}: {truth:?}\n{entry:?}");
            if truth.delivered && truth.burned == 0 {
                let known = match stands {
                    Some(EntryStatus::Unresolved | EntryStatus::Owed | EntryStatus::Unpaid) => true,
                    // Its token ended, or the facilitator said no to a route that is settled after it was delivered.
                    Some(EntryStatus::Refused) => {
                        ROUTES[truth.route].0 != "/before" && entry.is_some_and(|e| e.delivered)
                    }
                    // Its isolate died before it could say that it had delivered what nobody answered for.
                    Some(EntryStatus::Released) => truth.crashed && truth.nonce.is_some(),
                    _ => false,
                };
                assert!(known, "delivered, neither paid for nor known: {case}");
            }
            if truth.burned > 0 {
                let known = match stands {
                    Some(EntryStatus::Settled) => true,
                    Some(EntryStatus::Unresolved) => truth.nonce.is_none() || truth.crashed,
                    // A settle that was given up came late, after all that could be known.
                    _ => false,
                };
                assert!(known, "burned, and the journal says otherwise: {case}");
            }
            if stands == Some(EntryStatus::Settled) {
                assert_eq!(truth.burned, 1, "the journal says that it was burned: {case}");
            }
            let free = matches!(stands, Some(EntryStatus::Released | EntryStatus::Refused));
            if let Some(nonce) = truth.nonce.as_ref().filter(|_| truth.delivered && !free) {
                *served.entry(nonce).or_default() += 1;
            }
        }
        for (nonce, count) in served {
            assert!(count <= 1, "{nonce} bought {count} answers");
        }
        // The journal holds everything that the seller must know.
        let book: BTreeSet<usize> = self
            .objects
            .values()
            .flat_map(|map| map.0.keys())
            .filter(|(kind, _)| kind == "book")
            .map(|(_, visit)| name_of(visit))
            .collect();
        for (name, (entry, _)) in &entries {
            let serious = matches!(entry.status, EntryStatus::Unresolved | EntryStatus::Owed);
            assert!(!serious || book.contains(name), "not in the seller's book: {entry:?}");
        }
    }
}

fn name_of(visit: &str) -> usize {
    usize::try_from(u128::from_str_radix(visit, 16).unwrap() - 1).unwrap()
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
    let told = runner.run(&prop::collection::vec(ops(), 1..120), |ops| {
        let mut world = SimulatedPlatform::new();
        for op in ops {
            world.go(op);
        }
        world.ends();
        Ok(())
    });
    if let Err(error) = told {
        panic!("{error}");
    }
}
