//! Rows of the state in a map.

#![allow(dead_code, unreachable_pub)]

use payments_wasm::paywall::state::{Row, Rows, RowsError};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Map(pub BTreeMap<(String, String), (String, Option<u64>)>);

impl Rows for Map {
    fn get(&self, kind: &str, id: &str) -> Result<Option<String>, RowsError> {
        Ok(self.0.get(&(kind.into(), id.into())).map(|row| row.0.clone()))
    }
    fn put(&mut self, kind: &str, id: &str, value: &str, due: Option<u64>) -> Result<(), RowsError> {
        self.0.insert((kind.into(), id.into()), (value.into(), due));
        Ok(())
    }
    fn remove(&mut self, kind: &str, id: &str) -> Result<(), RowsError> {
        self.0.remove(&(kind.into(), id.into()));
        Ok(())
    }
    fn due(&self, now: u64, limit: u32) -> Result<Vec<Row>, RowsError> {
        let mut due: Vec<_> = self.0.iter().filter(|(_, row)| row.1.is_some_and(|due| due <= now)).collect();
        due.sort_by_key(|(_, row)| row.1);
        let row = |((kind, id), (value, _)): (&(String, String), &(String, Option<u64>))| Row {
            kind: kind.clone(),
            id: id.clone(),
            value: value.clone(),
        };
        Ok(due.into_iter().take(limit as usize).map(row).collect())
    }
    fn next_due(&self) -> Result<Option<u64>, RowsError> {
        Ok(self.0.values().filter_map(|row| row.1).min())
    }
    fn list(&self, _kind: &str, _after: Option<&str>, _limit: u32) -> Result<Vec<Row>, RowsError> {
        Ok(Vec::new())
    }
}
