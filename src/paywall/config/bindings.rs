/// The bindings that the gate's runtime has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bindings {
    /// A service binding to the origin, or a handler that is it. Without an origin among these, `ORIGIN_URL` must be
    /// given.
    pub origin: bool,
    /// A bucket that is the origin.
    pub bucket: bool,
    /// Files of the Worker's own that are the origin.
    pub assets: bool,
    /// The Durable Object of the state: what must be true once (rule 24), the journal, allowances, rates, receipts.
    pub state: bool,
    /// A handler that says what a request costs; only a library has one.
    pub handler: bool,
}

impl From<bool> for Bindings {
    /// An environment with a service binding to the origin, or without one, and no other binding.
    fn from(origin: bool) -> Self {
        Self { origin, ..Self::default() }
    }
}
