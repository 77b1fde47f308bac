//! Lists with a bound, so that no seller and no long session makes memory grow without end.

use alloc::vec::Vec;

/// How many remembered terms, grants, plans and open payments are kept; the oldest goes first.
pub(crate) const MAX_REMEMBERED: usize = 256;

/// Adds an entry to a list of at most `most`; the oldest entry goes first.
pub(crate) fn push<T>(list: &mut Vec<T>, entry: T, most: usize) {
    if list.len() >= most {
        list.remove(0);
    }
    list.push(entry);
}
