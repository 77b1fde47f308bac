//! Organizations, their members, customers and activity.

pub(crate) mod activity;
pub(crate) mod organization;
