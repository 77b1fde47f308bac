//! The steps of a paid fetch: discover, consent, prepare, pay, resume.

pub(crate) mod payment;
pub(crate) mod resume;
pub(crate) mod state;
pub(crate) mod steps;
pub(crate) mod timeouts;
