//! Claims on single-use tokens: one request at a time has a token, and a spent token is never claimed again (rule 24).

use super::filing::{NONCE, Nonce, nonce_row};
use super::records::put;
use super::{Claim, Rows, RowsError};

/// Claims a single-use token for a request, if nobody else has it (rule 24). With `written`, its entry is written with the
/// claim, and says what becomes of the token.
pub(super) fn claim(
    rows: &mut impl Rows,
    id: &str,
    claim: &Claim,
    written: bool,
    now: u64,
) -> Result<bool, RowsError> {
    let free = match nonce_row(rows, &claim.nonce)? {
        None => true,
        Some(Nonce::Claimed { id: other, until }) => other == id || until <= now,
        // It asked before, and its entry was written with the claim.
        Some(Nonce::Held { id: other }) if other == id => return Ok(true),
        Some(Nonce::Held { .. } | Nonce::Spent { .. }) => false,
    };
    if free {
        let (id, until) = (id.into(), now.saturating_add(claim.lease));
        let (nonce, due) = match written {
            true => (Nonce::Held { id }, None),
            false => (Nonce::Claimed { id, until }, Some(until)),
        };
        put(rows, NONCE, &claim.nonce, &nonce, due)?;
    }
    Ok(free)
}

/// True if a request's claim still stands.
pub(super) fn owns(rows: &impl Rows, id: &str, nonce: &str) -> Result<bool, RowsError> {
    Ok(match nonce_row(rows, nonce)? {
        Some(Nonce::Claimed { id: owner, .. } | Nonce::Held { id: owner }) => owner == id,
        // The claim ran out and was removed, and no other request has claimed the token since.
        None => true,
        Some(Nonce::Spent { .. }) => false,
    })
}

/// Gives back a request's claim, unless the token is spent or another's.
pub(super) fn release(rows: &mut impl Rows, id: &str, nonce: &str) -> Result<(), RowsError> {
    match nonce_row(rows, nonce)? {
        Some(Nonce::Claimed { id: owner, .. } | Nonce::Held { id: owner }) if owner == id => {
            rows.remove(NONCE, nonce)
        }
        _ => Ok(()),
    }
}
