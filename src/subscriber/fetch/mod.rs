//! A paid fetch: one type for each state, which handles an event and gives the next transition.
//!
//! ```text
//! Discovery -> Choosing -> Considering -> Preparing -> Paying -> Refused
//!     ^                        ^   ^----------'         |  |        |
//!     |                        '------------------------|--|--------'   another offer
//!     '-------------------------------------------------'  '-> finished
//! ```
//!
//! [`machine`] holds the state of one fetch and applies the transitions; [`table`] finds a fetch by its id.

pub(crate) mod choosing;
pub(crate) mod considering;
pub(crate) mod context;
pub(crate) mod discovery;
pub(crate) mod machine;
pub(crate) mod offers;
pub(crate) mod open_payment;
pub(crate) mod paying;
pub(crate) mod preparing;
pub(crate) mod progress;
pub(crate) mod purchase_limits;
pub(crate) mod redirect;
pub(crate) mod refused;
pub(crate) mod request;
pub(crate) mod resume;
pub(crate) mod table;
pub(crate) mod timeouts;
