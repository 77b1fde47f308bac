//! The buyer's decisions, without I/O: paid fetch, consent, budget, tokens, login.
//!
//! [`Buyer`] is handed what happened (an answer, a token, a yes, the time) and hands back what to do next; a shell
//! does it and reports back. Deterministic: no network, no clock, no randomness. The rules in the docs of this module
//! are the "rules of money" 1 to 15.

mod answer;
mod budget;
mod buyer;
mod consent;
mod error;
mod jobs;
mod login;
mod offer;
mod spend;
mod steps;
mod target;
mod tokens;
mod visit;

pub use answer::{Answer, Redirected};
pub use budget::Budget;
pub use buyer::{Buyer, Command, Event, FetchId, Notice, NoticeKind};
pub use consent::{Approval, Policy};
pub use error::FetchError;
pub use jobs::{Job, JobId, JobResult, Work, poll_pause_ms};
pub use login::{
    ACCOUNT, KEY, LoginAnswer, LoginError, STATE, login_url, read_login_answer, return_url_with_state,
};
pub use offer::Offer;
pub use spend::{Outcome, Purchase, Spend};
pub use target::Target;
pub use tokens::TokenKey;
pub use visit::{Action, FetchRequest, Finish, Redirects, Send};
