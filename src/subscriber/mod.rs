//! The buyer's decisions, without I/O: paid fetch, consent, budget, tokens, login.
//!
//! A shell reports an [`Event`] to the [`Buyer`] (an answer, a token, an approval, the end of a time limit), and the buyer gives the
//! next [`Command`]. It is deterministic: no network, no clock, no randomness.
//!
//! The rules of money that bind it, by the numbers that tests and comments use:
//!
//! 1. An answer that is no 402 comes back untouched.
//! 2. An offer is read from the header, else from the body; it is hostile until read, and an error names what is wrong. A 402
//!    that is no x402 answer comes back like any other.
//! 3. Nothing is paid for without consent: of the `approve` callback, else of a policy that names origins. A purchase has limits of its own.
//! 4. However many wait for it, there is one mint for a token and one purchase of a plan.
//! 5. A reusable token is reused, a single-use one never. A 401 or 402 ends a token; another follows in the same call only for
//!    an offer that can be read, in the place of an old token or on other terms. Three sends at the most.
//! 6. A token goes to the origin that asked for it, over HTTPS or on this machine, and by no redirect elsewhere.
//! 7. A request is replayable, or says that it is not before anything is paid.
//! 8. An abort stops everything at every step.
//! 9. Every outcome says what was spent; a lost answer to a payment is unknown, never nothing.
//! 10. With consent to it, one call does the whole way: order, wait for the credits, mint, pay. The platform says whether the
//!     balance is too low.
//! 11. A receipt is handed over with the answer, and a broken one never costs the answer.
//! 12. Limits count the most that the platform can take, before the send; no statement of a seller lowers a count. They hold under
//!     concurrency, over tabs and reloads.
//! 13. Keys and tokens are never printed, and are dropped at logout.
//! 14. A login is used only with the one-time state that this page gave out.
//! 15. Crypto order, card checkout and card delegation are three ways to one end: credits.

mod agreements;
mod budget;
mod buyer;
mod call_results;
mod capped;
mod command;
mod consent;
mod dialect;
mod dialect_offers;
mod error;
mod fetch;
mod fetch_id;
mod in_progress;
mod login;
mod offer;
mod plan_facts;
mod platform_call;
mod response_head;
mod session;
mod shared_calls;
mod target;
mod token_store;

pub use budget::counts::Budget;
pub use budget::payment_record::{MAX_RECORDS, PaymentRecord};
pub use budget::persistence::MAX_STORED;
pub use budget::spend::{Outcome, Purchase, Spend};
pub use buyer::Buyer;
pub use command::{Action, Command, Event, Finish, Notice, NoticeKind, Redirects, SendRequest};
pub use consent::{AmountLimit, Approval, Policy, PurchaseLimits};
pub use dialect::{Dialect, DialectKind};
pub use error::FetchError;
pub use fetch::request::FetchRequest;
pub use fetch::timeouts::Timeouts;
pub use fetch_id::FetchId;
pub use login::{
    ACCOUNT, CALLBACK_KEY, KEY, LOGIN_PARAMETERS, LoginAnswer, LoginError, POPUP, STATE, callback_login_url,
    login_url, read_login_answer, return_url_with_state, with_parameter,
};
pub use offer::Offer;
pub(crate) use platform_call::poll_pause_ms;
pub use platform_call::{CallId, CallResult, CallWork, PlatformCall};
pub use response_head::{Redirected, ResponseHead};
pub use target::Target;
pub(crate) use token_store::TokenKey;
