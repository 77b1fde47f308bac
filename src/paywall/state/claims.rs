//! Claims on single-use tokens: one visit at a time has a token, and a spent one nobody gets again (rule 24).

use super::filing::{NONCE, Nonce, nonce};
use super::records::put;
use super::{Claim, Rows, RowsError};

/// Claims a single-use token for a visit, if nobody else has it (rule 24).
pub(super) fn claim(rows: &mut impl Rows, visit: &str, claim: &Claim, now: u64) -> Result<bool, RowsError> {
    let free = match nonce(rows, &claim.nonce)? {
        None => true,
        Some(Nonce::Claimed { visit: other, until }) => other == visit || until <= now,
        Some(Nonce::Held { .. } | Nonce::Spent { .. }) => false,
    };
    if free {
        let until = now.saturating_add(claim.lease);
        put(rows, NONCE, &claim.nonce, &Nonce::Claimed { visit: visit.into(), until }, Some(until))?;
    }
    Ok(free)
}

/// True if a visit's claim still stands.
pub(super) fn owns(rows: &impl Rows, visit: &str, id: &str) -> Result<bool, RowsError> {
    Ok(match nonce(rows, id)? {
        Some(Nonce::Claimed { visit: owner, .. } | Nonce::Held { visit: owner }) => owner == visit,
        // It ran out and was swept, and nobody took the token since.
        None => true,
        Some(Nonce::Spent { .. }) => false,
    })
}

/// Gives back a visit's claim, unless the token is spent or another's.
pub(super) fn release(rows: &mut impl Rows, visit: &str, id: &str) -> Result<(), RowsError> {
    match nonce(rows, id)? {
        Some(Nonce::Claimed { visit: owner, .. } | Nonce::Held { visit: owner }) if owner == visit => {
            rows.remove(NONCE, id)
        }
        _ => Ok(()),
    }
}
