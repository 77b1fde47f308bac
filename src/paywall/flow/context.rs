//! The part of a request that every state of its flow works with.

use super::payment_attempt::{FreeAllowance, PaymentAttempt, Reservation};
use crate::codec::hex::hex;
use crate::paywall::action::{Action, CanonicalRequest, Delivery, RequestHead};
use crate::paywall::client::Client;
use crate::paywall::config::settings::Settings;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::observe::request_log::{Completion, RequestLog};
use crate::paywall::payment_context::Settled;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::shared::Shared;
use crate::paywall::state::{Allowance, Claim, Command, Rate, SettlementOutcome, StateCall, shard};
use crate::wire::digits;
use alloc::{string::String, vec::Vec};

/// The time that a settlement may take beyond its calls, in milliseconds.
const SLACK_MS: u64 = 5_000;

/// One request: its identity, its client, and what was found out on its way.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) shared: Shared,
    pub(crate) log: RequestLog,
    /// The id of the request in the state and of its receipt.
    pub(crate) id: String,
    /// The time of the last event, in milliseconds since 1970.
    pub(crate) now: u64,
    /// The URL of this service, without a path.
    pub(crate) base: String,
    /// Calls to the state that are sent behind the answer.
    deferred: Vec<StateCall>,
    /// The `origin` header of the page that asks.
    page: Option<String>,
    /// Unset where the request is only passed on: its CORS headers are the origin's.
    pub(crate) cors_applies: bool,
    /// Set where a paid WebSocket was asked for: then a 101 is a success (rule 19).
    pub(crate) websocket: bool,
    /// Set where the answer has no body, since `HEAD` was asked.
    pub(crate) head_only: bool,
    /// The browser and the passes of the client.
    pub(crate) client: Client,
    /// The request as hooks and price functions see it, on a paid route.
    pub(crate) request: Option<CanonicalRequest>,
    /// The settlement that was made.
    pub(crate) settlement: Option<Settled>,
    /// Set where the client went away while the settle was under way.
    pub(crate) client_gone: bool,
    /// Set once the settle was sent.
    pub(crate) settle_sent: bool,
}

impl Context {
    pub(crate) fn new(shared: Shared, request: &RequestHead) -> Self {
        let id = hex(&request.seed);
        Self {
            log: RequestLog::new(&shared.counters, request, &id, shared.settings.manners.log),
            shared,
            id,
            now: request.now,
            base: String::new(),
            deferred: Vec::new(),
            page: request.headers.get("origin").map(Into::into),
            cors_applies: true,
            websocket: false,
            head_only: request.method.eq_ignore_ascii_case("HEAD"),
            client: Client::default(),
            request: None,
            settlement: None,
            client_gone: false,
            settle_sent: false,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Ends the request with an answer of the gate's own.
    pub(crate) fn respond(&self, mut answer: GateResponse) -> Action {
        // A preflight has its CORS headers already.
        if self.cors_applies && answer.status != 204 {
            self.allow_page(&mut answer.headers);
        }
        Action::Respond(answer)
    }

    /// Ends a request that was not let in. A client that sent a token learns that it was not charged.
    pub(crate) fn reject_early(&self, answer: GateResponse) -> Action {
        let failed = answer.status >= 400 && self.log.saw_token();
        self.respond(if failed { answer.uncharged() } else { answer })
    }

    /// Ends a request that is not charged: reservations are given back, and the answer says that nothing was charged.
    pub(crate) fn reject(&mut self, payment: &PaymentAttempt, answer: GateResponse) -> Action {
        self.release(payment);
        self.respond(answer.uncharged())
    }

    /// Ends the request where the state did not answer.
    pub(crate) fn state_unavailable(&self) -> Action {
        self.respond(GateResponse::state_unavailable().uncharged())
    }

    /// Ends the request after an event that does not belong to its state.
    pub(crate) fn unexpected_event(&self) -> Action {
        self.respond(GateResponse::error(500, "gate_out_of_step", "Internal error: unexpected state."))
    }

    /// Delivers the origin's answer with these headers.
    pub(crate) fn deliver(&self, mut headers: HeaderList) -> Action {
        if self.cors_applies {
            self.allow_page(&mut headers);
        }
        Action::Deliver(Delivery { headers, journal: None, meter: None })
    }

    /// True where the gate answers CORS for this request.
    pub(crate) fn answers_cors(&self) -> bool {
        self.cors_applies && self.settings().cors.is_on()
    }

    /// Adds the CORS headers for the page that asks.
    pub(crate) fn allow_page(&self, headers: &mut HeaderList) {
        self.settings().cors.apply(self.page.as_deref(), headers);
    }

    /// Completes an action: the 402 page, the headers of the log, the limit on header sizes. `waits_for_earlier` is set
    /// where the request waits for an earlier one of its payer.
    pub(crate) fn finish_action(&mut self, action: &mut Action, waits_for_earlier: bool) {
        let mut code = String::new();
        if let Action::Respond(answer) = action {
            code = core::mem::take(&mut answer.code);
            self.make_page(answer, &code);
            if self.head_only {
                (answer.body, answer.file) = (None, None);
            }
        }
        let http = &self.shared.settings.manners;
        let completion = Completion {
            now: self.now,
            log: http.log,
            timing: http.timing,
            settle_sent: self.settle_sent,
            waits_for_earlier,
        };
        self.log.complete(action, &code, &completion);
    }

    /// Turns a refusal into the 402 page where a person reads it.
    fn make_page(&self, answer: &mut GateResponse, code: &str) {
        let settings = self.settings();
        let Some(page) = &settings.page else { return };
        let set = self.client.route.as_ref().and_then(|route| settings.passes.as_ref()?.set_of(&route.name));
        page.dress(
            answer,
            code,
            self.client.navigation.as_ref(),
            set.map(|set| (set.name.as_str(), set.seconds)),
        );
    }

    /// Gives back the reservations of a payment.
    pub(crate) fn release(&mut self, payment: &PaymentAttempt) {
        if let Some(key) = payment.cache_key.as_ref().filter(|_| payment.counted_in_cache) {
            self.shared.verifications().release(key);
        }
        let Reservation { claim, allowance, open, .. } = &payment.reserved;
        if claim.is_some() || allowance.is_some() || open.is_some() {
            let (claim, allowance) = (claim.clone(), allowance.clone());
            let open = open.as_ref().map(|open| open.plan.clone());
            let id = self.id.clone();
            self.defer(payment.shard.clone(), Command::Release { id, claim, allowance, open });
        }
    }

    /// Gives back an address's allowance.
    pub(crate) fn release_allowance(&mut self, free: FreeAllowance) {
        let (allowance, id) = (Some(free.allowance), self.id.clone());
        self.defer(free.shard, Command::Release { id, claim: None, allowance, open: None });
    }

    /// Sends a command to the state behind the answer.
    pub(crate) fn defer(&mut self, shard: String, command: Command) {
        if self.settings().state {
            self.deferred.push(StateCall { shard, command });
        }
    }

    pub(crate) fn take_deferred(&mut self) -> Vec<StateCall> {
        core::mem::take(&mut self.deferred)
    }

    /// The name of a payer's object of the state; empty where there is no state.
    pub(crate) fn payer_shard(&self, payer: &str) -> String {
        if self.settings().state { shard::shard("payer", payer) } else { String::new() }
    }

    /// Asks the state to admit the request.
    pub(crate) fn ask_state(
        &self,
        shard: String,
        rates: Vec<Rate>,
        claim: Option<Claim>,
        allowance: Option<Allowance>,
    ) -> Action {
        let command =
            Command::Admit { id: self.id.clone(), rates, claim, allowance, open: None, entry: None };
        Action::State(StateCall { shard, command })
    }

    /// The command that closes an entry of the journal.
    pub(crate) fn close_command(&self, id: String, end: SettlementOutcome, round: u32) -> Command {
        Command::Close { id, end, after: self.settings().timeout_ms().into(), round }
    }

    /// The time that this isolate may work on a settlement, in milliseconds: it may send two calls.
    pub(crate) fn lease(&self) -> u64 {
        u64::from(self.settings().timeout_ms()).saturating_mul(3).saturating_add(SLACK_MS)
    }
}

/// 429 with the time to wait, in seconds.
pub(crate) fn too_many(retry_after: u64) -> GateResponse {
    let message = "Too many requests. Nothing was charged; try again later.";
    GateResponse::error(429, "rate_limited", message).with("retry-after", &digits(retry_after))
}
