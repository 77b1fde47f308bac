//! Reads and writes the rows of an object.

use super::json::{self, JsonForm};
use super::{Entry, Rows, RowsError};

/// The kind of the rows that are entries of the journal.
pub(super) const ENTRY: &str = "entry";

pub(super) fn entry(rows: &impl Rows, id: &str) -> Result<Option<Entry>, RowsError> {
    get(rows, ENTRY, id)
}

pub(super) fn get<T: JsonForm>(rows: &impl Rows, kind: &str, id: &str) -> Result<Option<T>, RowsError> {
    rows.get(kind, id)?.map(|text| read(&text)).transpose()
}

pub(super) fn read<T: JsonForm>(text: &str) -> Result<T, RowsError> {
    json::read(text).map_err(|error| RowsError(["a row cannot be read: ", &error.message()].concat()))
}

pub(super) fn put(
    rows: &mut impl Rows,
    kind: &str,
    id: &str,
    value: &impl JsonForm,
    due: Option<u64>,
) -> Result<(), RowsError> {
    rows.put(kind, id, &json::print(value), due)
}
