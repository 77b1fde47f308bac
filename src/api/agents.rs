//! Agents, as a subscriber reads them (section 4.2). The answers are for the caller as they came.

use super::{Page, Request};
use crate::wire::AgentId;
use alloc::format;

/// Read an agent: `GET /api/v1/protocol/agents/:agentId`, public.
#[must_use]
pub fn get_agent(agent_id: &AgentId) -> Request {
    Request::get(format!("/api/v1/protocol/agents/{agent_id}"))
}

/// List the plans that give access to an agent: `GET /api/v1/protocol/agents/:agentId/plans`, public. Answers
/// `{ total, page, offset, plans }`.
#[must_use]
pub fn get_agent_plans(agent_id: &AgentId, page: &Page) -> Request {
    Request::get(page.of_public(format!("/api/v1/protocol/agents/{agent_id}/plans")))
}
