//! Ways to be paid beside x402 with a Nevermined plan. A shell reads them from an answer, signs or mints for them, and writes the
//! header that pays; the decisions are the buyer's own.

use alloc::string::String;

/// The dialect of an offer that is no x402 offer of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Which one.
    pub kind: DialectKind,
    /// The data that the dialect's part of the shell needs to pay the offer. The buyer hands it over and does not look at it.
    pub handle: String,
    /// The asset, as the seller names it; empty where a plan pays.
    pub asset: String,
    /// The recipient of an amount; empty where a plan pays.
    pub pay_to: String,
}

/// The dialects that a buyer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectKind {
    /// `WWW-Authenticate: Payment` with the method `nevermined`: a plan pays, by a token of its own and once a challenge.
    Mpp,
    /// The x402 scheme `exact`: a fixed amount of an asset, which the caller's wallet signs for.
    Exact,
}

impl DialectKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mpp => "mpp",
            Self::Exact => "exact",
        }
    }
}
