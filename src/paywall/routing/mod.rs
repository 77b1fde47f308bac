//! The table of routes and the patterns of their paths.

pub(crate) mod path_pattern;
pub(crate) mod route_index;
pub(crate) mod route_table;
