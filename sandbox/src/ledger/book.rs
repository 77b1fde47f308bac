//! The rows that the audit reads.

use crate::http::error::Result;
use crate::ledger::postings::Kind;
use crate::storage::store::{Store, binds};
use payments_wasm::wire::Credits;
use serde::Deserialize;
use std::collections::HashMap;

/// Number of rows read at once.
const CHUNK: i64 = 2_000;

/// An account: its stored balance and the balance that its postings add up to.
#[derive(Deserialize)]
pub(crate) struct Book {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) unit: String,
    owner: String,
    expires_at: i64,
    pub(crate) balance: String,
    #[serde(skip)]
    pub(crate) posted: Credits,
}

impl Book {
    pub(crate) fn is_source(&self) -> bool {
        Kind::named(&self.kind).is_some_and(Kind::is_source)
    }

    pub(crate) fn named(&self) -> String {
        let owner = if self.owner.is_empty() { String::new() } else { format!(" of {}", self.owner) };
        let until = if self.expires_at == 0 { String::new() } else { format!(" until {}", self.expires_at) };
        format!("{}{owner}{until} in {}", self.kind, self.unit)
    }

    /// Applies a posting; false if the account has too little.
    pub(crate) fn apply(&mut self, amount: Credits, comes: bool) -> bool {
        let next = if comes == self.is_source() {
            self.posted.checked_sub(amount)
        } else {
            self.posted.checked_add(amount)
        };
        self.posted = next.unwrap_or_default();
        next.is_some()
    }
}

/// The sum of the postings of each entry, by their purpose.
#[derive(Default)]
pub(crate) struct Posted {
    pub(crate) burned: HashMap<String, Credits>,
    pub(crate) issued: HashMap<String, Credits>,
    pub(crate) paid: HashMap<String, Credits>,
}

/// Reads all rows whose `key` is above `after`, in batches.
pub(crate) fn each<T: serde::de::DeserializeOwned>(
    store: &Store,
    select: &str,
    key: &str,
    after: i64,
    mut work: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let query = format!("{select} WHERE {key} > ? ORDER BY {key} LIMIT ? OFFSET ?");
    let mut skip = 0i64;
    loop {
        let rows: Vec<T> = store.rows(&query, binds![after, CHUNK, skip])?;
        let last = i64::try_from(rows.len()).unwrap_or_default() < CHUNK;
        rows.into_iter().try_for_each(&mut work)?;
        if last {
            return Ok(());
        }
        skip = skip.saturating_add(CHUNK);
    }
}
