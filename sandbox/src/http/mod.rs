//! Requests, responses and errors as plain values.

pub(crate) mod batch;
pub(crate) mod cors;
pub(crate) mod error;
pub(crate) mod error_codes;
pub(crate) mod fields;
pub(crate) mod request;
pub(crate) mod response;
