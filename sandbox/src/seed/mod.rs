//! Seed files: accounts, plans and other entities that a file names.

pub(crate) mod create;
pub(crate) mod entry;
pub(crate) mod run;
pub(crate) mod seed_file;
