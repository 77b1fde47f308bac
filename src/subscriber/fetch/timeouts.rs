//! How long each step of a fetch may take. The shell has the timers.

use crate::subscriber::FetchError;

/// How long the steps of a fetch may take, in milliseconds; `None` for as long as they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Each request to the seller, until its head is there; where that is a 402, until its terms are. In milliseconds.
    pub send: Option<u32>,
    /// Each thing that the platform is asked for: a token, a balance, an order, in milliseconds.
    pub platform: Option<u32>,
    /// Each question and each choice, in milliseconds.
    pub approve: Option<u32>,
    /// The credits of an order that went through, in milliseconds; `None` for a minute.
    pub credits: Option<u32>,
}

/// The step that a fetch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Send,
    Platform,
    Order,
    Approve,
    /// The answer to the same question to another fetch.
    Queue,
    Credits,
}

/// The default limit for the answer to another fetch's question, in milliseconds: that answer may wait for this fetch, and
/// a runtime does not always report it.
const QUEUE_MS: u32 = 5 * 60_000;

impl Timeouts {
    pub(crate) fn of(&self, step: Step) -> Option<u32> {
        match step {
            Step::Send => self.send,
            Step::Platform | Step::Order => self.platform,
            Step::Approve => self.approve,
            Step::Queue => Some(QUEUE_MS),
            Step::Credits => self.credits,
        }
    }
}

impl Step {
    /// The error of a fetch whose step took too long.
    pub(crate) fn timeout_error(self) -> FetchError {
        match self {
            Self::Send => FetchError::SendTimeout,
            Self::Approve | Self::Queue => FetchError::ApproveTimeout,
            Self::Credits => FetchError::CreditsTimeout,
            // An order that is on its way may go through.
            Self::Order => FetchError::PurchaseUnknown,
            Self::Platform => FetchError::PlatformTimeout,
        }
    }
}
