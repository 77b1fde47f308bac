use super::ending::Unit;
use crate::paywall::state::StateCall;

/// When a paid answer is settled (rule 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settlement {
    /// Before the answer is delivered: nothing goes out that is not paid for. The default.
    #[default]
    BeforeDelivery,
    /// After delivery: the answer does not wait. If the settlement is refused, the answer was free; the seller accepts this.
    AfterDelivery,
    /// At the end of the answer, which is needed if its cost is known only then.
    AtEndOfStream,
}

/// How the buyer gets to read the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReceiptBy {
    /// In `payment-response`. Only before delivery. The default there.
    #[default]
    Header,
    /// As the last event of a `text/event-stream`, `payment-response`. Only at the end of the stream.
    Event,
    /// At a URL that the header `payment-receipt-url` names.
    Url,
}

/// How often a route may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// So many requests,
    pub(crate) requests: u32,
    /// in so many seconds.
    pub(crate) seconds: u32,
    pub(crate) by: By,
}

/// How much of a route is free of charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Free {
    /// So many requests a day, by UTC.
    pub(crate) per_day: u32,
    pub(crate) by: By,
}

/// The party that a limit or an allowance counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The payer, as the facilitator names it.
    Payer,
    /// The network that the client's address is in: /24 of IPv4, /48 of IPv6.
    Address,
}

/// Instructions for the shell about the body of an answer that is settled later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// The unit that is counted; bytes are always counted.
    pub unit: Option<Unit>,
    /// True if the shell is to report the end of the body, and to hold the end of the answer until
    /// [`Finish`](crate::paywall::Action::Finish) says what to add.
    pub to_the_end: bool,
    /// The message to send to the state while the body goes out, if there is a state.
    pub renew: Option<Renewal>,
}

/// A call to the state that renews the lease of an answer that is still going out. It may be lost, and its reply decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The call.
    pub call: StateCall,
    /// The time between two calls, in milliseconds.
    pub every_ms: u32,
}

impl Settlement {
    /// Its name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeDelivery => "before-delivery",
            Self::AfterDelivery => "after-delivery",
            Self::AtEndOfStream => "at-end-of-stream",
        }
    }

    /// The policy of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::BeforeDelivery, Self::AfterDelivery, Self::AtEndOfStream]
            .into_iter()
            .find(|one| one.as_str() == name)
    }
}

impl By {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "payer" => Some(Self::Payer),
            "address" => Some(Self::Address),
            _ => None,
        }
    }
}
