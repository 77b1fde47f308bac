use super::Target;
use alloc::string::String;

/// The head of a seller's answer, never its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The HTTP status; 0 for a redirect that the runtime hides.
    pub status: u16,
    /// The URL that it came from in the end, if the runtime says so.
    pub target: Option<Target>,
    /// True if redirects were followed on the way.
    pub redirected: bool,
    /// `payment-required`, as it came.
    pub offer: Option<String>,
    /// The offers of other dialects, where the shell found any: see [`Dialect::read_offers`](crate::subscriber::Dialect::read_offers).
    pub dialects: Option<String>,
    /// `payment-response`, as it came.
    pub receipt: Option<String>,
    /// The target of a redirect that was not followed.
    pub location: Option<Redirected>,
}

/// A redirect that the shell did not follow, as it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirected {
    /// Its `Location`, resolved.
    To(Target),
    /// The runtime does not say where (`opaqueredirect`).
    Somewhere,
}
