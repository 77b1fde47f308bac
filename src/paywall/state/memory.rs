use super::shell_limits::{KEEP_IN_MEMORY_MS, MAX_CLOSED};
use super::{Row, Rows, RowsError};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::{string::String, vec::Vec};

/// The rows of one object in the memory of this process. They are gone when it ends: a single-use token can then be
/// presented again, and a settlement whose outcome was unknown is forgotten.
#[derive(Debug, Clone)]
pub struct MemoryRows {
    rows: BTreeMap<(String, String), Stored>,
    /// The ids of each kind, in the order in which the rows were made.
    order: BTreeMap<(String, u64), String>,
    due: BTreeSet<(u64, String, String)>,
    /// The rows that may be dropped, the longest known first.
    spare: VecDeque<(String, String)>,
    made: u64,
    keep_ms: u64,
}

#[derive(Debug, Clone)]
struct Stored {
    value: String,
    made: u64,
    due: Option<u64>,
}

impl Default for MemoryRows {
    fn default() -> Self {
        Self::keeping_for(KEEP_IN_MEMORY_MS)
    }
}

impl MemoryRows {
    /// No rows. Closed entries are kept for ten minutes, and 10,000 of them at the most.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No rows. Closed entries are kept for so many milliseconds, and 10,000 of them at the most.
    #[must_use]
    pub fn keeping_for(keep_ms: u64) -> Self {
        let (rows, order, due, spare) = Default::default();
        Self { rows, order, due, spare, made: 0, keep_ms }
    }

    /// True if there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn key(kind: &str, id: &str) -> (String, String) {
    (kind.into(), id.into())
}

impl Rows for MemoryRows {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        Ok(self.rows.get(&key(kind, id)).map(|row| row.value.clone()))
    }

    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        let made = match self.rows.get(&key(kind, id)) {
            Some(row) => row.made,
            None => {
                self.made += 1;
                self.order.insert((kind.into(), self.made), id.into());
                self.made
            }
        };
        let row = Stored { value: value.into(), made, due };
        if let Some(before) = self.rows.insert(key(kind, id), row).and_then(|row| row.due) {
            self.due.remove(&(before, kind.into(), id.into()));
        }
        self.due.extend(due.map(|due| (due, kind.into(), id.into())));
        Ok(())
    }

    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.forget(kind, id);
        Ok(())
    }

    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        let due = self.due.iter().take_while(|(due, ..)| *due <= now).take(limit as usize);
        Ok(due.filter_map(|(_, kind, id)| self.row(kind, id)).collect())
    }

    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.due.first().map(|(due, ..)| *due))
    }

    fn list(&self, kind: &str, after: Option<&str>, limit: u32) -> Result<Vec<Row>, RowsError> {
        let made = after.and_then(|id| self.rows.get(&key(kind, id))).map_or(0, |row| row.made);
        let ids = self.order.range((kind.into(), made + 1)..=(kind.into(), u64::MAX)).map(|(_, id)| id);
        Ok(ids.take(limit as usize).filter_map(|id| self.row(kind, id)).collect())
    }

    fn spare(&mut self, kind: &str, id: &str) {
        self.spare.push_back(key(kind, id));
        if self.spare.len() > MAX_CLOSED
            && let Some((kind, id)) = self.spare.pop_front()
        {
            self.forget(&kind, &id);
        }
    }

    fn keep_ms(&self) -> u64 {
        self.keep_ms
    }
}

impl MemoryRows {
    /// Hands over the rows that may be dropped: their store counts them.
    pub(super) fn take_spare(&mut self) -> VecDeque<(String, String)> {
        core::mem::take(&mut self.spare)
    }

    pub(super) fn forget(&mut self, kind: &str, id: &str) {
        if let Some(row) = self.rows.remove(&key(kind, id)) {
            self.order.remove(&(kind.into(), row.made));
            if let Some(due) = row.due {
                self.due.remove(&(due, kind.into(), id.into()));
            }
        }
    }

    fn row(&self, kind: &str, id: &str) -> Option<Row> {
        let value = self.rows.get(&key(kind, id))?.value.clone();
        Some(Row { kind: kind.into(), id: id.into(), value })
    }
}
