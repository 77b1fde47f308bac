//! The state that must exist only once, however many isolates there are: claims on single-use tokens, the journal of
//! settlements, allowances, rates and receipts (rules 21, 23 and 24). Commands go in, and replies come out. The state is
//! kept as [`Rows`]: a Durable Object gives the rows, and in a test a map does.
//!
//! One object for each payer, or for each masked address: [`StateCall::shard`] names it. Within it commands run one after
//! the other, each to its end.
//!
//! An entry of the journal goes through
//!
//! ```text
//! Delivering  written before an answer goes out that is settled later -> Settling | Unresolved (its lease is over)
//! Settling    written before settle is sent, with the claim where the cost is known -> Settled | Refused | Owed | Released | Unknown | Unresolved
//! Unknown     a single-use token was sent and nobody answered: it is settled again -> Settled | Released | Unresolved
//! Owed        delivered, certainly not burned -> Settling at the payer's next request -> Settled | Owed | Refused | Unpaid
//! Unresolved  a reusable token was sent and nobody answered: never settled again by itself
//! ```
//!
//! A payer has at most so many answers of a plan `Delivering`, `Settling` or `Owed` as a route says with `maxOpen`: one
//! [`Command::Admit`] decides it (rule 19). An entry that lapses, and one that is owed, is copied to the seller's book,
//! one object for the whole gate, which `GET /.well-known/payments/journal` reads. [`due`] does what has come due.

mod allowances;
mod claims;
mod codec;
mod filing;
mod journal;
mod json;
mod memory;
mod object_store;
mod open_deliveries;
mod open_delivery_limit;
mod rate_limits;
mod reconcile;
mod records;
pub(crate) mod shard;
pub(crate) mod shell_limits;
mod store;

pub(crate) use journal::PAGE;
pub use journal::apply;
pub use json::Unreadable;
pub use memory::MemoryRows;
pub use object_store::{MemoryStore, ObjectStore, Work};
pub(crate) use reconcile::debt_end;
pub use reconcile::{Job, PlatformResponse, Task, due, on_response};
#[cfg(any(feature = "worker", feature = "paywall"))]
pub(crate) use store::ROWS_SCHEMA;
pub use store::{Row, Rows, RowsError};

use crate::wire::Secret;
use alloc::{boxed::Box, string::String, vec::Vec};

/// A command for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCall {
    /// The name of the object.
    pub shard: String,
    /// The command that the object is to run.
    pub command: Command,
}

/// The commands that an object accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// May this request go on? The rates are looked at first, and where one is exceeded nothing is reserved.
    Admit {
        /// The id of the request that asks. Its reservations are known by it.
        id: String,
        /// The rates it counts for.
        rates: Vec<Rate>,
        /// The single-use token it presents.
        claim: Option<Claim>,
        /// The allowance that may pay for it.
        allowance: Option<Allowance>,
        /// The unsettled delivery that it wants to begin.
        open: Option<OpenDelivery>,
        /// The entry of what it will settle before it delivers, where its cost is known by now and no allowance may pay for
        /// it: it is written with the claim, and for as long.
        entry: Option<Box<Entry>>,
    },
    /// Gives back what a request reserved: nothing was charged for it.
    Release {
        /// The id of the request.
        id: String,
        /// The claim it has.
        claim: Option<Claim>,
        /// The allowance it took of.
        allowance: Option<Allowance>,
        /// The plan of which it has a delivery open.
        open: Option<String>,
    },
    /// Writes an entry down, before settle is sent or an answer goes out.
    Write {
        /// The entry, with what is known of it.
        entry: Box<Entry>,
        /// For how long its isolate is taken to be working on it, in milliseconds.
        lease: u64,
    },
    /// An entry in `Delivering` is about to be settled for so many credits.
    Charge {
        /// The id of the request.
        id: String,
        /// The credits, decimal.
        credits: String,
        /// The body of the settle, where it may be sent again.
        again: Option<Secret>,
        /// For how long, in milliseconds.
        lease: u64,
    },
    /// An answer is still going out: its entry in `Delivering` is held for so long again.
    Renew {
        /// The id of the request.
        id: String,
        /// For how long, in milliseconds.
        lease: u64,
    },
    /// Records the outcome of an entry.
    Close {
        /// The id of the request.
        id: String,
        /// The end of it.
        end: SettlementOutcome,
        /// After how many milliseconds to look into what is not known.
        after: u64,
        /// The settle it is of, by [`Entry::rounds`]. The end of an earlier one is ignored, unless it burned.
        round: u32,
    },
    /// The receipt of a request.
    Receipt {
        /// The id of the request.
        id: String,
    },
    /// The entries, the oldest first.
    Journal {
        /// After this one.
        after: Option<String>,
        /// True to list the seller's book: the copies of other objects' entries.
        book: bool,
    },
    /// Copies an entry of another object into the seller's book.
    File {
        /// The entry, without what is secret.
        entry: Box<Entry>,
    },
}

impl Command {
    /// True if the command can wait for another one to the same object: a burned token buys no other answer, even before its entry is closed.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        matches!(self, Self::Close { end: SettlementOutcome::Settled { .. }, .. })
    }
}

/// An answer that is to be delivered before it is settled (rule 19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDelivery {
    /// The plan that pays for it.
    pub plan: String,
    /// How many of the payer's answers of that plan may be unsettled at once.
    pub most: u32,
    /// For how long it is held if nothing more is heard, in milliseconds.
    pub lease: u64,
    /// For how long the settle of what the payer owes may take, which is tried first, in milliseconds.
    pub settle_lease: u64,
}

/// A single-use token, as it decodes (rule 24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its nonce, in lower case.
    pub nonce: String,
    /// For how long the claim holds if nothing more is heard, in milliseconds.
    pub lease: u64,
}

/// An allowance: a number a day for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The name of what is counted.
    pub name: String,
    /// How many.
    pub per_day: u32,
}

/// A rate limit: a number of requests in a number of seconds for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The name of what is counted.
    pub name: String,
    /// How many.
    pub requests: u32,
    /// In how many seconds.
    pub seconds: u32,
}

/// One settlement, from before it is sent to what became of it. Amounts are decimal texts, times milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The id of its request, which is also the name of its receipt.
    pub id: String,
    /// How it stands.
    pub status: EntryStatus,
    /// When it was written, in milliseconds since 1970.
    pub at: u64,
    /// The route.
    pub route: String,
    /// The plan.
    pub plan: String,
    /// The network.
    pub network: String,
    /// The payer, as far as it is known.
    pub payer: Option<String>,
    /// The request id that verify returned.
    pub request_id: Option<String>,
    /// The token, by a hash of what it decodes to.
    pub token: String,
    /// The nonce of a single-use token.
    pub nonce: Option<String>,
    /// The credits that settle is asked to burn.
    pub credits: String,
    /// The body of the settle, while it may be sent again: with a single-use token while it is not known what came of
    /// it, with any other only while it is certain that nothing was burned. There is a token in it.
    pub settle_body: Option<Secret>,
    /// True if the answer was delivered, as far as is known.
    pub delivered: bool,
    /// The receipt, as the header has it decoded.
    pub receipt: Option<serde_json::Value>,
    /// Why it stands so, in a code.
    pub why: Option<String>,
    /// How many times the reconciler has looked into it, since it was last settled again.
    pub tries: u32,
    /// How many times it was settled again after a settle that certainly burned nothing.
    pub rounds: u32,
    /// How long a settle may still arrive after it was sent or given up, in milliseconds.
    pub settle_grace_ms: u64,
    /// Until when the settle that was sent last may still arrive, in milliseconds since 1970.
    pub in_flight_until: u64,
    /// True if a settle was sent for it, or is about to be sent.
    pub sent: bool,
    /// True if it counts against the number of deliveries that the payer may have open.
    pub open: bool,
    /// When its token ends, in milliseconds since 1970, where that is known.
    pub token_expires_at: Option<u64>,
    /// True if the seller's book has a copy of it.
    pub copied_to_seller: bool,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryStatus {
    /// The answer goes out; settle is not sent yet.
    Delivering,
    /// Settle is about to be sent, or was.
    Settling,
    /// Burned: the receipt says what.
    Settled,
    /// Not burned, and will not be.
    Refused,
    /// Sent with a single-use token, as far as is known, and nobody knows what came of it: it is settled again.
    Unknown,
    /// Delivered, and certainly not burned: it was refused, or the platform had no time for it. It is settled again at the
    /// payer's next request.
    Owed,
    /// Nothing was sent, nothing was delivered, nothing was charged.
    Released,
    /// Written by earlier versions for what is `Unresolved` now and was not sent.
    Abandoned,
    /// Delivered, and not burned. It will not be: its token ended, or it was settled again as often as makes sense.
    Unpaid,
    /// Nobody knows whether it was burned, and it is not settled again by itself: for the seller to look into.
    Unresolved,
}

/// The outcome that a request reports for its entry at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettlementOutcome {
    /// Burned, or free of charge.
    Settled {
        /// The receipt.
        receipt: serde_json::Value,
    },
    /// A clear no.
    Refused {
        /// The receipt, which says no.
        receipt: serde_json::Value,
        /// True if the token is of no more use.
        spent: bool,
        /// True if the answer had been delivered by then.
        delivered: bool,
    },
    /// Sent, not known.
    Unknown {
        /// A code for what came in the place of an answer.
        why: String,
        /// True if its answer is delivered. It is false if the runtime reports that the client is gone.
        delivered: bool,
    },
    /// Delivered, and certainly not burned.
    Owed {
        /// Why not.
        why: String,
        /// The body of the settle.
        again: Secret,
        /// The receipt that says no, where the platform refused it rather than having no time for it.
        receipt: Option<serde_json::Value>,
    },
    /// Not sent.
    Released {
        /// Why not.
        why: String,
    },
}

/// The replies of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Go on.
    Admitted {
        /// True if the allowance pays for it.
        free: bool,
    },
    /// Too often.
    Limited {
        /// When to try again, in seconds from now.
        retry_after: u64,
    },
    /// The single-use token is another request's, or was used.
    Used,
    /// The payer has as many unsettled answers of the plan as may be. One of them may be settled soon.
    InProgress,
    /// The payer owes for an earlier answer. Its settle is the asking request's to send now, and to [`Command::Close`].
    Owing {
        /// The entry of that answer, with the body of its settle.
        entry: Box<Entry>,
    },
    /// Done.
    Done,
    /// The claim or the entry is not this request's any more: its time ran out.
    Lost,
    /// How a settlement stands, and its receipt if there is one.
    Receipt {
        /// How it stands.
        status: EntryStatus,
        /// The receipt.
        receipt: Option<serde_json::Value>,
    },
    /// There is no such entry.
    Nothing,
    /// Some entries, without what is secret.
    Journal {
        /// The entries.
        entries: Vec<Entry>,
    },
}
