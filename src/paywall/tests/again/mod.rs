//! Rules 19, 21 and 24: a settlement that nobody answered, of a token that can be used again, is made again where the payer's
//! balance proves that it was not made; never while it may still come, never more often than was not burned.

mod chance;
mod tables;

use super::super::state::*;
use super::state::Map;
use super::*;
use crate::wire::Secret;
use alloc::{boxed::Box, format, string::ToString};
use std::collections::{BTreeMap, VecDeque};

const PAYER: &str = "0x00000000000000000000000000000000000000B1";
const LEASE: u64 = 10_000;
/// For how long a settle may be late.
const QUIET: u64 = 30_000;
const PRICE: u64 = 2;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600_000;

/// What befalls a settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Yes,
    /// Burned, and nobody says so.
    LoseAnswer,
    /// Never done, and nobody says so.
    Drop,
    /// Nobody answers; it is done so many milliseconds later.
    Late(u64),
    /// There is too little credit, or the token is over.
    No,
    /// Not now.
    Busy,
    /// The burn failed, the platform says.
    Failed,
    /// Whoever sent it dies while it waits, burned or not: the answer is lost with it.
    Dies(bool),
}

use Fate::{Busy, Dies, Drop, Failed, Late, LoseAnswer, No, Yes};

/// The platform, what the payer holds there, and the object of the payer.
struct World {
    rows: Map,
    now: u64,
    held: u64,
    /// What the plan says of its credits.
    plan: Value,
    /// What a settle buys by itself where too little is held; 0 for nothing.
    orders: u64,
    /// What is burned later, and when.
    late: Vec<(u64, u64)>,
    /// What befalls the settles that the reconciler sends; those that are not told are fine.
    fates: VecDeque<Fate>,
    /// The settles that the reconciler sent.
    sent: Vec<String>,
    /// How often each visit's settle was done.
    burned: BTreeMap<String, u32>,
    log: Vec<String>,
    /// How often what is held was asked before a settle.
    asked: usize,
}

impl World {
    fn new(held: u64) -> Self {
        Self {
            rows: Map::default(),
            now: NOW,
            held,
            plan: credits(1000, 1, 10, false),
            orders: 0,
            late: Vec::new(),
            fates: VecDeque::new(),
            sent: Vec::new(),
            burned: BTreeMap::new(),
            log: Vec::new(),
            asked: 0,
        }
    }

    fn goes(&mut self, ms: u64) {
        self.now += ms;
        for (at, credits) in core::mem::take(&mut self.late) {
            match at <= self.now {
                true => self.held -= credits,
                false => self.late.push((at, credits)),
            }
        }
    }

    fn apply(&mut self, command: Command) {
        self.goes(10);
        assert_eq!(apply(&mut self.rows, &command, self.now).unwrap(), Reply::Done);
    }

    fn entry(&self, visit: &str) -> Entry {
        serde_json::from_str(&self.rows.get("entry", visit).unwrap().unwrap()).unwrap()
    }

    /// A settle is about to be sent.
    fn write(&mut self, visit: &str, credits: u64, change: impl FnOnce(&mut Entry)) {
        let mut entry = Entry {
            visit: visit.into(),
            stands: Stands::Settling,
            at: self.now,
            route: "GET /r".into(),
            plan: "1001".into(),
            network: "n".into(),
            payer: Some(PAYER.into()),
            request_id: None,
            token: "sha256:0".into(),
            nonce: None,
            credits: credits.to_string(),
            again: Some(Secret::new(json!({ "visit": visit, "token": "secret" }).to_string())),
            delivered: false,
            receipt: None,
            why: None,
            tries: 0,
            rounds: 0,
            quiet: QUIET,
            late: 0,
            blurred: false,
        };
        change(&mut entry);
        let command = Command::Write { entry: Box::new(entry), lease: LEASE };
        self.apply(command.clone());
        if let Some(job) = before(&self.rows, &command).unwrap() {
            self.asked += 1;
            let held = self.says(&job.call);
            told(&mut self.rows, &job, held, self.now, &mut |_| ()).unwrap();
        }
    }

    fn burn(&mut self, visit: &str, credits: u64) {
        if self.held < credits {
            self.held += self.orders;
        }
        self.held -= credits;
        *self.burned.entry(visit.into()).or_default() += 1;
    }

    fn burn_late(&mut self, visit: &str, credits: u64, ms: u64) {
        self.late.push((self.now + ms, credits));
        *self.burned.entry(visit.into()).or_default() += 1;
    }

    fn receipt(&self, credits: u64) -> Value {
        let (redeemed, left) = (credits.to_string(), self.held.to_string());
        json!({ "success": true, "creditsRedeemed": redeemed, "remainingBalance": left })
    }

    fn close(&mut self, visit: &str, end: End) {
        self.apply(Command::Close { visit: visit.into(), end, after: SECOND });
    }

    /// What comes of a settle that a visit sent. `delivered`: whether its client was there for the answer.
    fn ends(&mut self, visit: &str, fate: Fate, delivered: bool) {
        let entry = self.entry(visit);
        let credits = entry.credits.parse().unwrap();
        if matches!(fate, Yes | LoseAnswer | Dies(true)) {
            self.burn(visit, credits);
        }
        let end = match fate {
            Yes => End::Settled { receipt: self.receipt(credits) },
            No | Failed => {
                End::Refused { receipt: json!({ "success": false }), spent: false, delivered: false }
            }
            Busy => End::Owed { why: "facilitator_busy".into(), again: entry.again.unwrap() },
            Dies(_) => return,
            Late(ms) => {
                self.burn_late(visit, credits, ms);
                unknown(delivered)
            }
            LoseAnswer | Drop => unknown(delivered),
        };
        self.close(visit, end);
    }

    /// What the platform says when nothing befalls it.
    fn says(&self, call: &api::Request) -> Told {
        match call.path.contains("/balance/") {
            true => answer(200, json!({ "balance": self.held.to_string() })),
            false => answer(200, json!({ "registry": { "credits": self.plan } })),
        }
    }

    /// The reconciler is at it for so long.
    fn look(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(at) = self.rows.next_due().unwrap().filter(|at| *at <= until) {
            self.goes(at.saturating_sub(self.now));
            let mut log = core::mem::take(&mut self.log);
            if let Some(job) = due(&mut self.rows, self.now, &mut |line| log.push(line)).unwrap()
                && let Some(told_by) = self.answers(&job)
            {
                told(&mut self.rows, &job, told_by, self.now, &mut |line| log.push(line)).unwrap();
            }
            self.log = log;
        }
        self.goes(until.saturating_sub(self.now));
    }

    /// What comes of a job; nothing where the object is gone by then.
    fn answers(&mut self, job: &Job) -> Option<Told> {
        if !job.call.path.ends_with("/settle") {
            return Some(self.says(&job.call));
        }
        let body: Value = serde_json::from_str(job.call.body.as_deref().unwrap()).unwrap();
        let visit = body["visit"].as_str().unwrap().to_string();
        let credits = self.entry(&visit).credits.parse().unwrap();
        self.sent.push(visit.clone());
        let fate = self.fates.pop_front().unwrap_or(Yes);
        if matches!(fate, Yes | LoseAnswer | Dies(true)) {
            self.burn(&visit, credits);
        }
        if let Late(ms) = fate {
            self.burn_late(&visit, credits, ms);
        }
        match fate {
            Yes => Some(answer(200, self.receipt(credits))),
            No => Some(answer(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" }))),
            Busy => Some(answer(429, json!({}))),
            Failed => Some(answer(500, json!({ "code": "BCK.X402.0009", "message": "the burn failed" }))),
            Dies(_) => None,
            LoseAnswer | Drop | Late(_) => Some(Told::Unanswered),
        }
    }
}

fn unknown(delivered: bool) -> End {
    End::Unknown { why: "facilitator_timeout".into(), delivered }
}

fn answer(status: u16, body: Value) -> Told {
    Told::Answered(api::Response { status, body: body.to_string(), correlation_id: None })
}

fn credits(amount: u64, least: u64, most: u64, fixed: bool) -> Value {
    let [amount, least, most] = [amount, least, most].map(|number| number.to_string());
    json!({ "amount": amount, "minAmount": least, "maxAmount": most, "isRedemptionAmountFixed": fixed })
}
