//! Rate limits: how many requests of one name may come in so many seconds.

use super::{Rate, Rows, RowsError};
use crate::wire::digits;
use alloc::vec::Vec;

const RATE: &str = "rate";

/// Counts a request for each rate, if none is exceeded; else says in how many seconds to come again.
///
/// A rate is stored as one time (GCRA): the time at which all requests so far would have come if they came evenly. It may
/// be ahead of now by one window.
pub(super) fn exceeded(rows: &mut impl Rows, rates: &[Rate], now: u64) -> Result<Option<u64>, RowsError> {
    let mut after = Vec::new();
    for rate in rates {
        let window = u64::from(rate.seconds).saturating_mul(1000);
        let step = window.div_ceil(u64::from(rate.requests.max(1))).max(1);
        let known = rows.get(RATE, &rate.name)?.and_then(|text| text.parse().ok()).unwrap_or(now);
        let next = now.max(known).saturating_add(step);
        // Rounding up must not take the last request of a window away.
        let ahead = next.saturating_sub(now).saturating_sub(u64::from(rate.requests));
        if ahead > window {
            return Ok(Some(ahead.saturating_sub(window).div_ceil(1000).max(1)));
        }
        after.push((&rate.name, next));
    }
    for (name, next) in after {
        rows.put(RATE, name, &digits(next), Some(next))?;
    }
    Ok(None)
}
