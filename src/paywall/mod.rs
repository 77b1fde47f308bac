//! The seller's decisions, without I/O: what is paid for, what a request is answered, when it is charged
//! (money rules 16 to 26).
//!
//! A [`Gate`] opens one [`Visit`] a request. The visit says what to do ([`Action`]), is told what happened
//! ([`Event`]) and says what to do next, until it has answered:
//!
//! ```text
//! open -> Respond                                          refused, or 402 with an offer
//!      -> Forward -> Deliver                               open routes
//!      -> Call(verify) -> Forward -> Call(settle) -> Deliver
//!                      -> Respond                          402, 503
//!                                 -> Deliver               not 2xx: nothing is settled
//!                                                -> Respond  refused at settlement: nothing is delivered
//! ```

mod answer;
mod config;
mod cors;
mod digest;
mod gate;
mod headers;
mod journal;
mod method;
mod path;
mod price;
mod refusal;
mod routes;
mod visit;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use config::{ConfigError, Settings};
pub use gate::{Action, Delivery, Forward, Gate, RequestHead};
pub use headers::HeaderList;
pub use journal::Journal;
pub use method::Method;
pub use path::{CanonicalPath, PathError, Target};
pub use routes::Unlisted;
pub use visit::{Event, OriginHead, Silence, Visit};
