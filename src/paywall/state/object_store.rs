use super::memory::MemoryRows;
use super::shell_limits::MAX_CLOSED;
use super::{Rows, RowsError};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;

/// A change of the rows of one object.
pub type Work<'a> = dyn FnMut(&mut dyn Rows) -> Result<(), RowsError> + 'a;

/// The objects of the state in one process, where there are no Durable Objects: each has rows of its own, and
/// [`StateCall::shard`](super::StateCall::shard) names it. Its owner runs one work at a time.
pub trait ObjectStore: Send + 'static {
    /// Runs a work on the rows of an object, once. All its changes are stored when this returns, or none where it fails.
    ///
    /// # Errors
    /// The work failed, or the storage.
    fn run(&mut self, object: &str, work: &mut Work<'_>) -> Result<(), RowsError>;

    /// The object with the earliest due row, and the time of that row in milliseconds since 1970.
    ///
    /// # Errors
    /// The storage failed.
    fn next_due(&mut self) -> Result<Option<(u64, String)>, RowsError>;
}

/// Objects in the memory of this process: see [`MemoryRows`].
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: BTreeMap<String, MemoryRows>,
    due: BTreeSet<(u64, String)>,
    /// The objects of the rows that may be dropped, their kinds and ids, the longest known first.
    spare: VecDeque<(String, String, String)>,
}

impl MemoryStore {
    /// No objects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl ObjectStore for MemoryStore {
    fn run(&mut self, object: &str, work: &mut Work<'_>) -> Result<(), RowsError> {
        // Memory does not fail, and a work changes nothing before it can fail otherwise.
        let (result, spare) = self.change(object, |rows| (work(rows), rows.take_spare()))?;
        self.spare.extend(spare.into_iter().map(|(kind, id)| (object.into(), kind, id)));
        while self.spare.len() > MAX_CLOSED {
            let Some((object, kind, id)) = self.spare.pop_front() else { break };
            self.change(&object, |rows| rows.forget(&kind, &id))?;
        }
        result
    }

    fn next_due(&mut self) -> Result<Option<(u64, String)>, RowsError> {
        Ok(self.due.first().cloned())
    }
}

impl MemoryStore {
    fn change<T>(&mut self, object: &str, work: impl FnOnce(&mut MemoryRows) -> T) -> Result<T, RowsError> {
        let mut rows = self.objects.remove(object).unwrap_or_default();
        if let Some(due) = rows.next_due()? {
            self.due.remove(&(due, object.into()));
        }
        let result = work(&mut rows);
        self.due.extend(rows.next_due()?.map(|due| (due, object.into())));
        if !rows.is_empty() {
            self.objects.insert(object.into(), rows);
        }
        Ok(result)
    }
}
