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
//!
//! The rules of money that bind it, by the numbers that tests and comments use:
//!
//! 16. Nothing unpaid gets through: one canonical path is matched and forwarded, and what is in doubt is a 400.
//! 17. No token or a refused one: 402 with the offer in the header and in the body, kept by no cache.
//! 18. Pages of allowed origins can pay: preflights are free, the payment headers are exposed; the default is none.
//! 19. Verify before work, settle before delivery; what is not a 2xx is not settled.
//! 20. What a request costs is known before it is verified; today it is fixed by its route.
//! 21. A platform that is down at verify is a 503 and nothing is forwarded; refused at settlement is a 402 and nothing
//!     is delivered; unknown at settlement is delivered and journalled.
//! 22. A client that has gone is not charged, where the runtime can tell. Not kept yet: the gate does not look.
//! 23. A verification is not believed twice: no cache.
//! 24. A credential is what it decodes to, never its bytes.
//! 25. The origin never sees the token; the `x-payment-*` headers it sees are the gate's alone.
//! 26. What is open is listed; what is not listed is denied, unless a setting passes it.

mod address;
mod answer;
mod cache;
mod config;
mod cors;
mod digest;
mod entering;
mod gate;
mod guest;
mod headers;
mod journal;
mod leaving;
mod method;
mod page;
mod pass;
mod path;
mod policy;
mod price;
mod receipts;
mod refusal;
mod routes;
pub mod state;
mod status;
mod terms;
mod visit;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use config::{Bindings, ConfigError, Settings};
pub use gate::{Action, Delivery, Finish, Forward, Gate, PriceQuestion, RequestHead};
pub use headers::HeaderList;
pub use journal::Journal;
pub use method::Method;
pub use path::{CanonicalPath, PathError, Target};
pub use policy::{Meter, ReceiptBy, Settlement};
pub use price::{Ending, How, Unit};
pub use routes::Unlisted;
pub use visit::{Event, OriginHead, Silence, Visit};
