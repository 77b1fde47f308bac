//! What must be true once, however many isolates there are: claims on single-use tokens, the journal of settlements,
//! allowances, rates and receipts (rules 21, 23 and 24). Commands in, replies out, kept as [`Rows`]: a Durable Object
//! gives the rows, a test a map.
//!
//! One object for each payer, or for each masked address: [`StateCall::shard`] names it. Within it commands run one after
//! the other, each to its end.
//!
//! An entry of the journal goes through
//!
//! ```text
//! Settling    written before settle is sent -> Settled | Refused | Unknown | Released
//! Unknown     sent, and nobody answered -> Settled | Owed | Released | Unpaid | Unresolved
//! Owed        delivered, certainly not burned -> Unknown while it is settled again -> Settled | Refused | Owed | Unpaid
//! Delivering  written before an answer goes out that is settled later -> Settling, or Abandoned
//! ```
//!
//! What is left in `Settling` by an isolate that died, and what is `Unknown`, the reconciler looks into when its time has
//! come: see [`due`].

mod account;
mod book;
mod forms;
mod json;
mod reconcile;
mod rows;

pub use book::apply;
pub use json::Unreadable;
pub use reconcile::{Job, Told, before, due, told};
pub use rows::{Row, Rows, RowsError};

use crate::wire::Secret;
use alloc::{boxed::Box, string::String, vec::Vec};

/// A command for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCall {
    /// The name of the object.
    pub shard: String,
    /// What it is to do.
    pub command: Command,
}

/// What an object can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// May this request go on? The rates are looked at first, and where one is exceeded nothing is reserved.
    Admit {
        /// The visit that asks, by which what it reserves is known.
        visit: String,
        /// The rates it counts for.
        rates: Vec<Rate>,
        /// The single-use token it presents.
        claim: Option<Claim>,
        /// The allowance that may pay for it.
        allowance: Option<Allowance>,
    },
    /// Gives back what a visit reserved: nothing was charged for it.
    Release {
        /// The visit.
        visit: String,
        /// The claim it has.
        claim: Option<Claim>,
        /// The allowance it took of.
        allowance: Option<Allowance>,
    },
    /// Writes an entry down, before settle is sent or an answer goes out.
    Write {
        /// What is known of it.
        entry: Box<Entry>,
        /// For how long its isolate is believed to be at it, in milliseconds.
        lease: u64,
    },
    /// An entry in `Delivering` is about to be settled for so many credits.
    Charge {
        /// The visit.
        visit: String,
        /// The credits, decimal.
        credits: String,
        /// The body of the settle, where it may be sent again.
        again: Option<Secret>,
        /// For how long, in milliseconds.
        lease: u64,
    },
    /// What became of an entry.
    Close {
        /// The visit.
        visit: String,
        /// The end of it.
        end: End,
        /// After how many milliseconds to look into what is not known.
        after: u64,
    },
    /// The receipt of a visit.
    Receipt {
        /// The visit.
        visit: String,
    },
    /// The entries, the oldest first.
    Journal {
        /// After this one.
        after: Option<String>,
    },
}

/// A single-use token, as it decodes (rule 24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its nonce, in lower case.
    pub nonce: String,
    /// For how long the claim holds if nothing more is heard, in milliseconds.
    pub lease: u64,
}

/// So many a day of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// Of what.
    pub name: String,
    /// How many.
    pub per_day: u32,
}

/// So many in so many seconds of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Of what.
    pub name: String,
    /// How many.
    pub requests: u32,
    /// In how many seconds.
    pub seconds: u32,
}

/// One settlement, from before it is sent to what became of it. Amounts are decimal texts, times milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The visit that it is of: also the name of its receipt.
    pub visit: String,
    /// How it stands.
    pub stands: Stands,
    /// When it was written.
    pub at: u64,
    /// The route.
    pub route: String,
    /// The plan.
    pub plan: String,
    /// The network.
    pub network: String,
    /// The payer, as far as it is known.
    pub payer: Option<String>,
    /// What verify called the request.
    pub request_id: Option<String>,
    /// The token, by a hash of what it decodes to.
    pub token: String,
    /// The nonce of a single-use token.
    pub nonce: Option<String>,
    /// What settle is asked to burn.
    pub credits: String,
    /// The body of the settle, while it may be sent again: with a single-use token whenever it is not known what came of
    /// it, with any other only where it is certain that nothing was burned. There is a token in it.
    pub again: Option<Secret>,
    /// Whether the answer was delivered, as far as is known.
    pub delivered: bool,
    /// The receipt, as the header has it decoded.
    pub receipt: Option<serde_json::Value>,
    /// Why it stands so, in a code.
    pub why: Option<String>,
    /// How often the reconciler has looked into it, since it was last settled again.
    pub tries: u32,
    /// How often it was settled again because the payer's balance said that nothing had been burned.
    pub rounds: u32,
    /// How long a settle may still arrive after it was sent or given up, in milliseconds.
    pub quiet: u64,
    /// Until when the settle that was sent last may still arrive.
    pub late: u64,
    /// Whether the platform burns another amount than is asked, or later: the payer's balance tells nothing then.
    pub blurred: bool,
}

/// How an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// The answer goes out; settle is not sent yet.
    Delivering,
    /// Settle is about to be sent, or was.
    Settling,
    /// Burned: the receipt says what.
    Settled,
    /// Not burned, and will not be.
    Refused,
    /// Sent, as far as is known, and nobody knows what came of it.
    Unknown,
    /// Delivered, and certainly not burned: the platform had no time for it, or the payer's balance says so. To be settled
    /// by the reconciler.
    Owed,
    /// Nothing was sent, nothing was delivered, nothing was charged.
    Released,
    /// Delivered by an isolate that died before it settled. Never charged.
    Abandoned,
    /// Delivered, and not burned. It will not be: it was settled again as often as makes sense, or that is not safe.
    Unpaid,
    /// Looked into as often as makes sense. For the seller to look into.
    Unresolved,
}

/// What a visit says of its entry at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Burned, or free of charge.
    Settled {
        /// The receipt.
        receipt: serde_json::Value,
    },
    /// A clear no.
    Refused {
        /// The receipt, which says no.
        receipt: serde_json::Value,
        /// Whether the token is of no more use.
        spent: bool,
        /// Whether the answer had been delivered by then.
        delivered: bool,
    },
    /// Sent, not known.
    Unknown {
        /// What came in the place of an answer.
        why: String,
        /// Whether its answer is delivered. It is not where the client is gone, as far as the runtime tells.
        delivered: bool,
    },
    /// Delivered, and certainly not burned.
    Owed {
        /// Why not.
        why: String,
        /// The body of the settle.
        again: Secret,
    },
    /// Not sent.
    Released {
        /// Why not.
        why: String,
    },
}

/// What an object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Go on.
    Admitted {
        /// Whether the allowance pays for it.
        free: bool,
    },
    /// Too often.
    Limited {
        /// When to try again, in seconds from now.
        retry_after: u64,
    },
    /// The single-use token is another visit's, or was used.
    Used,
    /// Done.
    Done,
    /// The claim or the entry is not this visit's any more: its time ran out.
    Lost,
    /// How a settlement stands, and its receipt if there is one.
    Receipt {
        /// How it stands.
        stands: Stands,
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
