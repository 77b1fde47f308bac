/// The things that a request can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    Plan,
    State,
    Price,
    Verify,
    Origin,
    Settle,
}

impl Span {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::Plan, Self::State, Self::Price, Self::Verify, Self::Origin, Self::Settle];

    /// The name in `server-timing`, the log and the counters.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::State => "state",
            Self::Price => "price",
            Self::Verify => "verify",
            Self::Origin => "origin",
            Self::Settle => "settle",
        }
    }
}
