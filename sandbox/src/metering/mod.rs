//! Requests to agents, their sub-tasks and costs.

pub(crate) mod agent_requests;
