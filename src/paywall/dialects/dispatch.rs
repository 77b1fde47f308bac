//! Hands a payment, a question and an answer to their dialect.

use super::carrier::Asked;
use super::terms::Dialects;
use super::{Arrival, Carrier, Dialect, Entry, Outgoing, Question, exact, mpp};
use alloc::string::String;

impl Dialects {
    /// Reads the payment of a request.
    #[must_use]
    pub fn enter(&self, arrival: &Arrival<'_>) -> Entry {
        // The gate alone makes carriers. One that a client wrote would be known by the nonce that stands around its payment, and not by the payment.
        if arrival.token.is_some_and(|token| Carrier::read(token.trim()).is_some()) {
            return Entry::Refused(exact::MALFORMED);
        }
        let mpp = self.mpp.as_ref().and_then(|terms| mpp::enter(terms, arrival));
        let exact = || if self.exact.is_empty() { None } else { exact::enter(self, arrival) };
        mpp.or_else(exact).unwrap_or(Entry::Plain)
    }

    /// The gate's question about a carrier, for who can answer it. `body` is that of the gate's call to the platform.
    #[must_use]
    pub fn outgoing(&self, question: Question, carrier: &Carrier, body: &str) -> Outgoing {
        let Some(asked) = Asked::read(body) else {
            return Outgoing::answer(400, "{}".into());
        };
        match carrier.dialect {
            Dialect::Mpp => Self::ask_mpp(carrier, &asked, question),
            Dialect::Exact(version) => self.ask_facilitator(carrier, &asked, question, version),
        }
    }

    /// The answer in the platform's format: status and body. `payer` is the payer that was verified.
    #[must_use]
    pub fn incoming(
        &self,
        question: Question,
        dialect: Dialect,
        payer: Option<&str>,
        status: u16,
        body: String,
    ) -> (u16, String) {
        match dialect {
            Dialect::Mpp => Self::answer_mpp(question, payer, status, body),
            Dialect::Exact(_) => Self::answer_facilitator(question, status, body),
        }
    }

    /// The carrier in the body of a call to the platform; `None` where it is about a token of the platform's own.
    #[must_use]
    pub fn carrier_of(body: &str) -> Option<Carrier> {
        Carrier::read(&Asked::read(body)?.token)
    }
}
