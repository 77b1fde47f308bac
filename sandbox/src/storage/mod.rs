//! SQLite of the Durable Object, its schema, and a native SQLite for tests.

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native_sqlite;
pub(crate) mod schema;
pub(crate) mod store;
