//! The seller's decisions, without I/O.
