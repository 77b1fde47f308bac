//! The buyer's decisions, without I/O.
