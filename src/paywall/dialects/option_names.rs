//! The names of what the reader of dialects takes out of the options before the gate reads them.

/// The members of the document, which are options too.
pub(crate) const MEMBERS: [&str; 3] = ["mpp", "x402v1", "paymentIdentifier"];
/// The member of a route.
pub(crate) const ROUTE: &str = "accepts";
