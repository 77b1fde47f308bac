//! Routes under `/sandbox`: who may call them, faults, the log of calls.

pub(crate) mod access;
pub(crate) mod call_log;
pub(crate) mod clock;
pub(crate) mod deployment_info;
pub(crate) mod faults;
pub(crate) mod settings_routes;
