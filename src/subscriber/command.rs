//! The language between the buyer and its shell: commands and actions out, events in.

use crate::subscriber::{
    Approval, Dialect, FetchError, FetchId, Offer, PlatformCall, ResponseHead, Spend, Target,
};
use crate::wire::{Receipt, Secret};
use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

/// An instruction to the shell; taken with [`Buyer::poll_command`](crate::subscriber::Buyer::poll_command) until there is none.
#[derive(Debug, Clone)]
pub enum Command {
    /// For one fetch; answered with [`Buyer::handle_event`](crate::subscriber::Buyer::handle_event).
    Do(FetchId, Box<Action>),
    /// For all fetches that wait for it; answered with [`Buyer::call_finished`](crate::subscriber::Buyer::call_finished).
    Run(PlatformCall),
    /// The fetch is at another step, which may take so many milliseconds from now on, or as long as it takes. It replaces
    /// the limit before it. The shell reports [`Event::TimedOut`] when the time is up; after the fetch has ended it has no effect.
    Limit(FetchId, Option<u32>),
    /// Report this to the listener. It needs no answer.
    Tell(Notice),
}

/// An action that the shell does for one fetch; it reports the result with
/// [`Buyer::handle_event`](crate::subscriber::Buyer::handle_event).
#[derive(Debug, Clone)]
pub enum Action {
    /// Send the caller's request.
    Send(SendRequest),
    /// Read the text of the last answer's body, at most 64 KiB, and leave the answer itself readable.
    ReadBody,
    /// Ask which of these to take; answered with [`Event::Selected`].
    Select(Vec<Arc<Offer>>),
    /// Ask whether this may be paid.
    Ask(Arc<Offer>),
    /// The fetch is over.
    Finish(Box<Finish>),
}

/// How to send the caller's request.
#[derive(Debug, Clone)]
pub struct SendRequest {
    /// The URL to send it to; the caller's own where it is `None`.
    pub target: Option<Target>,
    /// The value of the `payment-signature` header, or what pays by the dialect.
    pub token: Option<Secret>,
    /// The dialect by which the token is sent.
    pub dialect: Option<Dialect>,
    /// How to treat redirects: with a token attached always [`Redirects::Manual`] (rule 6).
    pub redirects: Redirects,
    /// Send a GET without a body instead, as a redirect after a POST asks for.
    pub as_get: bool,
}

/// How redirects are treated, as `RequestInit.redirect` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// Follow.
    #[default]
    Follow,
    /// Hand the redirect back.
    Manual,
    /// Fail.
    Error,
}

/// How a fetch ended.
#[derive(Debug, Clone)]
pub struct Finish {
    /// `Ok` if the caller gets the last answer, else the error.
    pub result: Result<(), FetchError>,
    /// The receipt that came with the answer.
    pub receipt: Option<Arc<Receipt>>,
    /// The spend report.
    pub spend: Spend,
    /// The terms, of a fetch that only asked for them.
    pub offers: Vec<Arc<Offer>>,
}

/// An event of a fetch, as the shell reports it.
#[derive(Debug, Clone)]
pub enum Event {
    /// The seller answered.
    Answered(ResponseHead),
    /// The body that was to be read; `None` where it could not be read, or was too large.
    Body(Option<String>),
    /// The choice among offers, as a place in the list; `None`, or a place outside the list, is a no.
    Selected(Option<usize>),
    /// The answer of the user or program that was asked.
    Approved(Approval),
    /// Asking failed.
    ApproveFailed,
    /// No answer came from the seller.
    SendFailed,
    /// The caller's signal fired.
    Aborted,
    /// The time of the step is up: see [`Command::Limit`].
    TimedOut,
}

/// An event for a user or a log, as it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The fetch that it is about.
    pub fetch: FetchId,
    /// The URL of that fetch.
    pub url: String,
    /// The offer, once it is known.
    pub offer: Option<Arc<Offer>>,
    /// The kind of news.
    pub kind: NoticeKind,
}

/// The kind of a [`Notice`].
#[derive(Debug, Clone, PartialEq)]
pub enum NoticeKind {
    /// A request goes out without a token.
    Request,
    /// The terms are known.
    Offer,
    /// Consent was given.
    Consent,
    /// An order goes out (`None`), or its credits have come (the transaction, empty where it is not named).
    Order {
        /// The transaction of the finished order.
        tx_hash: Option<String>,
    },
    /// A token was minted for this fetch.
    Mint {
        /// True if it can be presented once only.
        single_use: bool,
    },
    /// A request goes out with a token.
    Paid,
    /// The answer came with a receipt.
    Receipt(Arc<Receipt>),
    /// The seller refused the payment.
    Refused,
    /// It is not known whether the payment was taken.
    Unknown,
}
