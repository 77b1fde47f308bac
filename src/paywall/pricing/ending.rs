use alloc::string::String;

/// The unit in which an answer is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of the body.
    Byte,
    /// Events of a `text/event-stream`; what only keeps the connection open is none.
    Event,
    /// A number that the stream itself says: the last one found at this path of members, like `usage.total_tokens`, in a
    /// JSON document that is an event's data or a line.
    Token(String),
}

/// How an answer that was delivered ended, and what was counted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ending {
    /// How.
    pub how: EndReason,
    /// The number of bytes of the body.
    pub bytes: u64,
    /// The number of events of a `text/event-stream`.
    pub events: u64,
    /// The number that the stream reported, if it did.
    pub tokens: Option<u64>,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndReason {
    /// It ended as it should.
    #[default]
    Whole,
    /// The client hung up.
    ClientLeft,
    /// The origin broke off.
    OriginBroke,
}
