//! A whole request, step by step: what was asked of whom, with a facilitator that says yes unless it is told otherwise.

use super::super::state::{Command, PlatformResponse, Reply, StateCall, Task, apply, on_response};
use super::state::Map;
use super::*;
use crate::wire::Credits;
use alloc::{format, string::ToString};
use std::collections::{BTreeMap, VecDeque};

/// The environment of a route, and the record of one request to it.
pub(super) struct World {
    pub(super) gate: Gate,
    /// The objects of the state, by their names.
    pub(super) objects: BTreeMap<String, Map>,
    /// The origin's response.
    pub(super) origin: Event,
    pub(super) ending: Ending,
    /// The handler's price.
    pub(super) price: Option<Credits>,
    /// The facilitator's response; a success by default.
    pub(super) verify: Option<Event>,
    pub(super) settle: Option<Event>,
    /// Responses to the settles that come first, before `settle`.
    pub(super) settles: VecDeque<Event>,
    /// The name of the commands that the state fails, as in the steps; `None` if it fails none.
    pub(super) failing: Option<&'static str>,
    /// The payer's balance, as the receipts state it.
    pub(super) held: u64,
    pub(super) now: u64,
    seeds: u8,
}

/// One request, from its beginning to its end.
#[derive(Default)]
pub(super) struct Walk {
    /// The steps, in order: `rate`, `price`, `verify`, `admit`, `origin`, `write`, `settle`, `deliver`, …
    pub(super) steps: Vec<&'static str>,
    pub(super) verified: Option<Value>,
    pub(super) settled: Option<Value>,
    /// The commands that were sent to the state, in order.
    pub(super) commands: Vec<Command>,
    pub(super) forward: Option<HeaderList>,
    pub(super) delivery: Option<Delivery>,
    pub(super) answer: Option<GateResponse>,
    pub(super) tail: Option<String>,
}

/// A gate with one route, all bindings there.
pub(super) fn world(route: Value) -> World {
    over(json!({ "GET /r": route }), &[])
}

pub(super) fn over(routes: Value, over: &[(&str, &str)]) -> World {
    let gate = Gate::new(stated(&routes, over).unwrap());
    World {
        gate: knowing(gate, &["1001", "1002"]),
        objects: BTreeMap::new(),
        origin: origin(200),
        ending: Ending::default(),
        price: None,
        verify: None,
        settle: None,
        settles: VecDeque::new(),
        failing: None,
        held: 1000,
        now: NOW,
        seeds: 0,
    }
}

/// Settings with these routes, all bindings there.
pub(super) fn stated(routes: &Value, over: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let routes = routes.to_string();
    let usual = [
        ("NVM_API_KEY", KEY),
        ("NVM_ENVIRONMENT", "custom"),
        ("NVM_API_URL", "http://127.0.0.1:3001"),
        ("ORIGIN_URL", "https://origin.example"),
        ("ROUTES", routes.as_str()),
        ("UNLISTED", "deny"),
    ];
    let find = |table: &[(&str, &str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value))
    };
    let bindings = Bindings { state: true, handler: true, ..Bindings::default() };
    Settings::read(|name| find(over, name).or_else(|| find(&usual, name)), bindings)
}

/// A token by which `from` pays by a plan, single-use where it has a nonce.
pub(super) fn token_of(plan: &str, scheme: &str, from: &str, nonce: Option<&str>) -> String {
    let mut payload = payload();
    payload["accepted"]["planId"] = plan.into();
    payload["accepted"]["scheme"] = scheme.into();
    payload["accepted"]["network"] = if scheme == "nvm:erc4337" { "eip155:84532" } else { "stripe" }.into();
    payload["payload"]["authorization"]["from"] = from.into();
    if let Some(nonce) = nonce {
        payload["payload"]["authorization"]["nonce"] = nonce.into();
    }
    encode(&payload)
}

/// A paying request for the one route there is.
pub(super) fn request(query: &str, headers: &[(&str, &str)]) -> RequestHead {
    let token = token();
    let mut all = Vec::from([("payment-signature", token.as_str())]);
    all.extend(headers);
    ask("GET", &["/r", query].concat(), &all)
}

impl World {
    /// The same gate and a copy of what its objects hold.
    pub(super) fn copy(&self) -> Self {
        Self {
            gate: self.gate.clone(),
            objects: self.objects.clone(),
            origin: self.origin.clone(),
            ending: self.ending,
            price: self.price,
            verify: self.verify.clone(),
            settle: self.settle.clone(),
            settles: self.settles.clone(),
            failing: self.failing,
            held: self.held,
            now: self.now,
            seeds: self.seeds,
        }
    }

    /// An origin that answers with these headers.
    pub(super) fn says(mut self, status: u16, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, *value)).collect();
        self.origin = Event::Origin(OriginResponse { status, headers });
        self
    }

    pub(super) fn go(&mut self, mut request: RequestHead) -> Walk {
        self.seeds += 1;
        (request.seed, request.now) = ([self.seeds; 16], self.now);
        let mut walk = Walk::default();
        let (mut flow, mut action) = self.gate.open(&request);
        loop {
            let event = match action {
                Action::Respond(answer) => {
                    walk.steps.push("respond");
                    walk.answer = Some(answer);
                    break;
                }
                Action::Finish(finish) => {
                    walk.tail = finish.tail;
                    break;
                }
                Action::Deliver(delivery) => {
                    walk.steps.push("deliver");
                    let more = delivery.meter.is_some();
                    walk.delivery = Some(delivery);
                    if !more {
                        break;
                    }
                    Event::Ended(self.ending)
                }
                Action::Wait(ms) => {
                    walk.steps.push("wait");
                    self.now += u64::from(ms);
                    Event::Waited
                }
                Action::Price(_) => {
                    walk.steps.push("price");
                    Event::Price(self.price)
                }
                Action::Forward(forward) => {
                    walk.steps.push("origin");
                    walk.forward = Some(forward.headers);
                    self.origin.clone()
                }
                Action::State(call) => {
                    walk.steps.push(step(&call.command));
                    walk.commands.push(call.command.clone());
                    match self.failing == Some(step(&call.command)) {
                        true => Event::StateFailed,
                        false => Event::State(self.tell(&call)),
                    }
                }
                Action::Call(call) => {
                    let body: Value = serde_json::from_str(call.body.as_deref().unwrap_or("null")).unwrap();
                    self.called(&call.path, body, &mut walk)
                }
            };
            action = flow.handle_event(event, self.now);
        }
        for note in flow.take_deferred() {
            walk.commands.push(note.command.clone());
            self.tell(&note);
        }
        walk
    }

    /// Has the objects tell the seller's book what it has to know.
    pub(super) fn files(&mut self, log: &mut Vec<String>) {
        let shards: Vec<_> = self.objects.keys().cloned().collect();
        for shard in shards {
            loop {
                let rows = self.objects.get_mut(&shard).unwrap();
                let Some(job) = self.gate.due(rows, self.now, &mut |line| log.push(line)).unwrap() else {
                    break;
                };
                let Task::Tell(call) = &job.task else { panic!("a call: {job:?}") };
                self.tell(call);
                let rows = self.objects.get_mut(&shard).unwrap();
                on_response(rows, &job, PlatformResponse::Heard, self.now, &mut |line| log.push(line))
                    .unwrap();
            }
        }
    }

    pub(super) fn tell(&mut self, call: &StateCall) -> Reply {
        apply(self.objects.entry(call.shard.clone()).or_default(), &call.command, self.now).unwrap()
    }

    fn called(&mut self, path: &str, body: Value, walk: &mut Walk) -> Event {
        let asked: u64 = body["maxAmount"].as_str().map_or(0, |amount| amount.parse().unwrap());
        if path.ends_with("/verify") {
            walk.steps.push("verify");
            walk.verified = Some(body);
            return self.verify.clone().unwrap_or_else(valid);
        }
        assert!(path.ends_with("/settle"), "{path}");
        walk.steps.push("settle");
        walk.settled = Some(body);
        self.settles.pop_front().or_else(|| self.settle.clone()).unwrap_or_else(|| {
            self.held -= asked;
            let receipt = json!({
                "success": true, "payer": "0xb1", "transaction": "0xabc", "network": "eip155:84532",
                "creditsRedeemed": asked.to_string(), "remainingBalance": self.held.to_string(),
            });
            answered(200, &receipt)
        })
    }
}

fn step(command: &Command) -> &'static str {
    match command {
        Command::Admit { rates, claim: None, allowance: None, .. } if !rates.is_empty() => "rate",
        Command::Admit { claim: None, allowance: Some(_), .. } => "allowance",
        Command::Admit { .. } => "admit",
        Command::Write { .. } => "write",
        Command::Charge { .. } => "charge",
        Command::Close { .. } => "close",
        _ => "state",
    }
}

impl Walk {
    pub(super) fn verified(&self) -> Option<&str> {
        self.verified.as_ref()?["maxAmount"].as_str()
    }

    pub(super) fn settled(&self) -> Option<&str> {
        self.settled.as_ref()?["maxAmount"].as_str()
    }

    /// The status and the code that were answered; 0 and nothing where the origin's answer was delivered.
    pub(super) fn said(&self) -> (u16, String) {
        self.answer.as_ref().map_or((0, String::new()), |answer| {
            (answer.status, body(answer)["code"].as_str().unwrap_or_default().into())
        })
    }

    /// The receipt in the header of what was delivered or answered.
    pub(super) fn receipt(&self) -> Option<Value> {
        let headers = self.delivery.as_ref().map(|delivery| &delivery.headers);
        header(headers.or(self.answer.as_ref().map(|answer| &answer.headers))?, "payment-response")
    }

    /// The amounts that verify and settle received, and the response: `5 of 12`, `nothing of 12`, `400
    /// price_unreadable`.
    pub(super) fn sum(&self) -> String {
        if let Some(answer) = &self.answer {
            return format!("{} {}", answer.status, body(answer)["code"].as_str().unwrap_or_default());
        }
        format!("{} of {}", self.settled().unwrap_or("nothing"), self.verified().unwrap_or("nothing"))
    }
}
