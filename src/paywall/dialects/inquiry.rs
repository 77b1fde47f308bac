//! The gate's calls about payments of other dialects: where each goes, and how its answer is read.

use super::{Dialect, Dialects, Envelope, Outgoing, Question};
use crate::api;
use alloc::string::String;

/// The question of such a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inquiry {
    question: Question,
    dialect: Dialect,
}

impl Inquiry {
    /// The question of a call to the platform, and the call that asks it in its dialect; `None` for a call that goes to the platform
    /// as it is.
    #[must_use]
    pub fn of(dialects: &Dialects, request: &api::Request) -> Option<(Self, Outgoing)> {
        let question = Question::of(request)?;
        let body = request.body.as_deref()?;
        let carrier = Dialects::carrier_of(body)?;
        let inquiry = Self { question, dialect: carrier.dialect };
        Some((inquiry, dialects.outgoing(question, &carrier, body)))
    }

    /// The answer to that call in the platform's format. The envelope of the request learns from it.
    #[must_use]
    pub fn read(
        self,
        dialects: &Dialects,
        envelope: Option<&mut Envelope>,
        answer: api::Response,
    ) -> api::Response {
        let payer = envelope.as_ref().and_then(|envelope| envelope.payer());
        let (status, body) =
            dialects.incoming(self.question, self.dialect, payer, answer.status, answer.body);
        if let Some(envelope) = envelope {
            envelope.learn(self.question, status, &body);
        }
        api::Response { status, body, correlation_id: answer.correlation_id }
    }
}

impl Question {
    /// The question of a call to the platform, where it is one about a payment.
    #[must_use]
    pub fn of(request: &api::Request) -> Option<Self> {
        match request.path.rsplit_once("/x402/")?.1 {
            "verify" => Some(Self::Verify),
            "settle" => Some(Self::Settle),
            _ => None,
        }
    }

    /// The call that asks it of the platform in MPP.
    pub(super) fn in_mpp(self, body: String) -> api::Request {
        let path = match self {
            Self::Verify => "/api/v1/mpp/verify",
            Self::Settle => "/api/v1/mpp/settle",
        };
        api::Request::post(path, Some(body))
    }

    /// The path at a facilitator of x402.
    pub(super) fn facilitator_path(self) -> &'static str {
        match self {
            Self::Verify => "/verify",
            Self::Settle => "/settle",
        }
    }
}
