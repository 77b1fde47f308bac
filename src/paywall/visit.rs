use super::answer::Answer;
use super::config::Settings;
use super::gate::{Action, Delivery, Forward};
use super::headers::{self, HeaderList};
use super::journal::Journal;
use super::plans::Waiting;
use super::price::Terms;
use super::refusal::{self, Settled, Verdict};
use crate::api::{self, Call as _, x402};
use crate::wire::{AccessToken, PAYMENT_RESPONSE, Receipt};
use alloc::{
    rc::Rc,
    string::{String, ToString},
};

/// One request on its way through the gate: verify, origin, settle, deliver (rule 19).
///
/// It is told what happened with [`on`](Self::on) and says what to do next. It is in one stage at a time, and an
/// event that does not belong to it ends the visit with a 500 and nothing delivered.
#[derive(Debug)]
pub struct Visit {
    pub(crate) settings: Rc<Settings>,
    /// The `origin` header: the page that asks, where one does.
    pub(crate) page: Option<String>,
    /// Whether CORS is ours to say: not for what is only passed on.
    pub(crate) governed: bool,
    /// Whether an answer has no body, since `HEAD` was asked.
    pub(crate) head_only: bool,
    pub(crate) stage: Stage,
}

/// What happened to the last [`Action`].
#[derive(Debug, Clone)]
pub enum Event {
    /// The facilitator answered.
    Answered(api::Response),
    /// The facilitator did not, or not in full. What was asked may have happened.
    Unanswered(Silence),
    /// The origin answered: status and headers. Its body stays where it is.
    Origin(OriginHead),
    /// The origin did not answer.
    OriginFailed,
}

/// Why there was no answer of the facilitator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Not within the timeout.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// More than [`MAX_ANSWER_BYTES`](api::MAX_ANSWER_BYTES), or not UTF-8.
    Unreadable,
}

/// An origin's response without its body.
#[derive(Debug, Clone, Default)]
pub struct OriginHead {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderList,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// The platform is asked for a plan.
    Learning(Waiting),
    /// An open or passed request is at the origin.
    Unpaid,
    /// The token is at the facilitator.
    Verifying(Paying),
    /// The verified request is at the origin.
    Working(Paying, x402::Verified),
    /// The origin did it, and waits for the settlement.
    Settling(Paying, x402::Settle, Option<String>, OriginHead),
    /// It was answered.
    Over,
}

/// What is known of a request that carries a token.
#[derive(Debug)]
pub(crate) struct Paying {
    pub(crate) terms: Rc<Terms>,
    pub(crate) token: AccessToken,
    pub(crate) verify: x402::Verify,
    pub(crate) forward: Forward,
    /// Whether verify has been sent a second time.
    pub(crate) again: bool,
}

impl Silence {
    /// The stable code, as a 503 or the journal says it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "facilitator_timeout",
            Self::Unreachable => "facilitator_unreachable",
            Self::Unreadable => "facilitator_garbled",
        }
    }
}

impl OriginHead {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Visit {
    /// Takes what happened, says what to do next. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn on(&mut self, event: Event, now: u64) -> Action {
        let stage = core::mem::replace(&mut self.stage, Stage::Over);
        match (stage, event) {
            (Stage::Learning(waiting), event @ (Event::Answered(_) | Event::Unanswered(_))) => {
                self.learned(waiting, &event, now)
            }
            // Not to be told on: an interim answer, a socket that nobody asked for, a number beyond HTTP.
            (Stage::Unpaid, Event::Origin(OriginHead { status: ..=100 | 102..=199 | 600.., .. }))
            | (Stage::Working(..), Event::Origin(OriginHead { status: ..=199 | 600.., .. })) => {
                self.respond(uncharged(Answer::error(
                    502,
                    "origin_garbled",
                    "The service behind this gate made no sense. Nothing was charged.",
                )))
            }
            (Stage::Unpaid, Event::Origin(origin)) => self.pass_on(origin.headers),
            (Stage::Working(..), Event::Origin(origin)) if !origin.is_success() => {
                let mut headers = origin.headers;
                headers::keep_private(&mut headers);
                headers.set(PAYMENT_RESPONSE, not_settled());
                self.pass_on(headers)
            }
            (Stage::Unpaid | Stage::Working(..), Event::OriginFailed) => {
                self.respond(uncharged(Answer::error(
                    502,
                    "origin_unreachable",
                    "The service behind this gate did not answer. Nothing was charged.",
                )))
            }
            (Stage::Working(paying, verified), Event::Origin(origin)) => {
                self.settle(paying, verified, origin)
            }
            (Stage::Verifying(paying), Event::Answered(answer)) => {
                let verdict = refusal::verdict(paying.verify.parse(&answer));
                self.verified(paying, verdict)
            }
            // Verify burns nothing, and a pooled connection may have died of old age: once more.
            (Stage::Verifying(mut paying), Event::Unanswered(Silence::Unreachable)) if !paying.again => {
                paying.again = true;
                let call = paying.verify.request();
                self.stage = Stage::Verifying(paying);
                Action::Call(call)
            }
            (Stage::Verifying(paying), Event::Unanswered(silence)) => {
                self.verified(paying, Verdict::Unavailable(silence.code().into()))
            }
            (Stage::Settling(paying, settle, payer, origin), Event::Answered(answer)) => {
                let settled = refusal::settled(settle.parse(&answer), &paying.terms.network);
                self.settled(&paying, &settle, payer, origin, settled, now)
            }
            (Stage::Settling(paying, settle, payer, origin), Event::Unanswered(silence)) => {
                let unknown = Settled::Unknown(silence.code().into());
                self.settled(&paying, &settle, payer, origin, unknown, now)
            }
            _ => self.respond(Answer::error(500, "gate_out_of_step", "The gate lost its place.")),
        }
    }

    /// Ends the visit with an answer of our own.
    pub(crate) fn respond(&self, mut answer: Answer) -> Action {
        // A preflight has said it all already.
        if self.governed && answer.status != 204 {
            self.settings.cors.apply(self.page.as_deref(), &mut answer.headers);
        }
        if self.head_only {
            answer.body = None;
        }
        Action::Respond(answer)
    }

    /// Ends the visit with the origin's answer, as it is but for CORS.
    fn pass_on(&self, mut headers: HeaderList) -> Action {
        if self.governed {
            self.settings.cors.apply(self.page.as_deref(), &mut headers);
        }
        Action::Deliver(Delivery { headers, journal: None })
    }

    fn verified(&mut self, paying: Paying, verdict: Verdict) -> Action {
        let verified = match verdict {
            Verdict::Valid(verified) => verified,
            Verdict::Refused(refusal) => {
                let offer = &paying.verify.payment_required;
                let answer = Answer::payment_required(offer, &refusal.code, &refusal.message);
                return self.respond(answer.with("x-correlation-id", &refusal.correlation_id));
            }
            Verdict::Unavailable(code) => {
                let message = "The payment could not be checked. Nothing was charged; try again later.";
                return self.respond(uncharged(Answer::unavailable(&code, message)));
            }
        };
        let mut forward = paying.forward.clone();
        let terms = &paying.terms;
        let credits = terms.credits.to_string();
        for (name, value) in [
            ("x-payment-payer", verified.payer.as_deref()),
            ("x-payment-plan", Some(terms.plan_id.as_str())),
            ("x-payment-agent", terms.agent_id.as_ref().map(crate::wire::AgentId::as_str)),
            ("x-payment-credits", Some(credits.as_str())),
            ("x-payment-request-id", verified.agent_request_id.as_deref()),
        ] {
            if let Some(value) = value.and_then(headers::as_value) {
                forward.headers.set(name, value);
            }
        }
        self.stage = Stage::Working(paying, verified);
        Action::Forward(forward)
    }

    fn settle(&mut self, paying: Paying, verified: x402::Verified, origin: OriginHead) -> Action {
        let payer = verified.payer.or_else(|| paying.token.from().map(Into::into));
        let settle =
            x402::Settle { verify: paying.verify.clone(), agent_request_id: verified.agent_request_id };
        let request = settle.request();
        self.stage = Stage::Settling(paying, settle, payer, origin);
        Action::Call(request)
    }

    fn settled(
        &self,
        paying: &Paying,
        settle: &x402::Settle,
        payer: Option<String>,
        origin: OriginHead,
        settled: Settled,
        now: u64,
    ) -> Action {
        let mut headers = headers::for_buyer(&origin.headers);
        let journal = match settled {
            Settled::Paid(receipt) => {
                headers.set(PAYMENT_RESPONSE, receipt.to_header());
                None
            }
            Settled::Unknown(why) => {
                let request_id = settle.agent_request_id.as_deref();
                let token = &paying.token;
                Some(Journal::unknown(&paying.terms, token, payer.as_deref(), request_id, &why, now))
            }
            Settled::Refused { receipt, refusal, pay_again } => {
                return self.respond(refused(paying, &receipt, &refusal, pay_again));
            }
            Settled::NotTried(code) => {
                let message = "The payment could not be settled. Nothing was charged; try again later.";
                return self.respond(Answer::unavailable(&code, message));
            }
        };
        self.settings.cors.apply(self.page.as_deref(), &mut headers);
        Action::Deliver(Delivery { headers, journal })
    }
}

/// 402 for a settlement that was refused: with a receipt that says so, and an offer only where paying again is right
/// (rule 21).
/// A receipt that says that nothing was settled: a buyer's budget need not stay in doubt over an answer that failed.
fn not_settled() -> String {
    Receipt::refused("not_settled", "").to_header()
}

fn uncharged(mut answer: Answer) -> Answer {
    answer.headers.set(PAYMENT_RESPONSE, not_settled());
    answer
}

fn refused(paying: &Paying, receipt: &Receipt, refusal: &refusal::Refusal, pay_again: bool) -> Answer {
    let offer = &paying.verify.payment_required;
    let mut answer = if pay_again {
        Answer::payment_required(offer, &refusal.code, &refusal.message)
    } else {
        Answer::error(402, &refusal.code, &refusal.message)
    };
    answer.headers.set(PAYMENT_RESPONSE, receipt.to_header());
    answer.with("x-correlation-id", &refusal.correlation_id)
}
