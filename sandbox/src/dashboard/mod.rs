//! The dashboard page and the state that it shows.

pub(crate) mod files;
pub(crate) mod overview;
