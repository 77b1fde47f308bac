//! Agents: register, get, list, update, and link to plans (contract section 4.2).

use crate::catalog::endpoint_patterns::{self, Endpoints};
use crate::catalog::plans::{self, PlanRow};
use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{id, member, object, text};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::identity::membership;
use crate::organizations::activity;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const COLUMNS: &str = "id, owner, org, metadata, api, listed, created_at";
/// Members that only the seller may read.
const SECRETS: [&str; 5] = ["username", "password", "token", "apiKey", "headers"];

/// A stored agent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Agent {
    pub(crate) id: String,
    owner: String,
    org: Option<String>,
    metadata: String,
    api: String,
    listed: i64,
    created_at: i64,
}

impl Agent {
    fn metadata(&self) -> Value {
        serde_json::from_str(&self.metadata).unwrap_or(Value::Null)
    }

    pub(crate) fn name(&self) -> String {
        self.metadata().get("name").and_then(Value::as_str).unwrap_or(&self.id).to_owned()
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        endpoint_patterns::of(&self.api)
    }

    fn view(&self, ctx: &RequestContext) -> Result<Value> {
        let mut api: Value = serde_json::from_str(&self.api).unwrap_or(Value::Null);
        if let Some(api) = api.as_object_mut() {
            api.retain(|name, value| !value.is_null() && !SECRETS.contains(&name.as_str()));
        }
        let created = time::iso(self.created_at);
        Ok(json!({
            "id": self.id,
            "agentId": self.id,
            "orgId": self.org,
            "registry": { "owner": self.owner, "plans": plan_ids(ctx, &self.id)?, "lastUpdated": created },
            "metadata": { "main": self.metadata(), "agent": api },
            "isListed": self.listed != 0,
            "createdAt": created,
        }))
    }
}

fn plan_ids(ctx: &RequestContext, agent_id: &str) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        plan_id: String,
    }
    let query = "SELECT plan_id FROM agent_plans WHERE agent_id = ? ORDER BY rowid";
    Ok(ctx.store.rows::<Row>(query, binds![agent_id])?.into_iter().map(|row| row.plan_id).collect())
}

/// Finds an agent by its id, or answers 404.
pub(crate) fn load(ctx: &RequestContext, agent_id: &str) -> Result<Agent> {
    find(ctx, &id(agent_id, "agentId")?)?.ok_or_else(|| ApiError::agent_not_found(agent_id))
}

/// Finds an agent by its id.
pub(crate) fn find(ctx: &RequestContext, agent_id: &str) -> Result<Option<Agent>> {
    ctx.store.first(&format!("SELECT {COLUMNS} FROM agents WHERE id = ?"), binds![agent_id])
}

/// The owner of an agent.
pub(crate) fn owner(ctx: &RequestContext, agent_id: &str) -> Result<Option<String>> {
    Ok(find(ctx, agent_id)?.map(|agent| agent.owner))
}

/// True if the plan gives access to the agent.
pub(crate) fn has_plan(ctx: &RequestContext, agent_id: &str, plan_id: &str) -> Result<bool> {
    let query = "SELECT COUNT(*) AS count FROM agent_plans WHERE agent_id = ? AND plan_id = ?";
    Ok(ctx.store.count(query, binds![agent_id, plan_id])? > 0)
}

fn load_owned(ctx: &RequestContext, agent_id: &str) -> Result<Agent> {
    let caller = accounts::caller(ctx)?;
    let agent = load(ctx, agent_id)?;
    if agent.owner.eq_ignore_ascii_case(&caller.address) {
        Ok(agent)
    } else {
        Err(ApiError::new(401, "BCK.PROTOCOL.0016", format!("You do not own agent {agent_id}")))
    }
}

fn described(body: &Map<String, Value>) -> Result<(String, String)> {
    let metadata = object(body, "metadataAttributes")?;
    if text(metadata, "name").is_none() {
        return Err(ApiError::bad_request("metadataAttributes.name is missing"));
    }
    let metadata: Map<_, _> =
        metadata.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    let api = member(body, "agentApiAttributes").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok((Value::Object(metadata).to_string(), Value::Object(api).to_string()))
}

fn insert(
    ctx: &RequestContext,
    owner: &Identity,
    body: &Map<String, Value>,
    plans: &[String],
) -> Result<String> {
    insert_as(ctx, owner, body, plans, None)
}

/// Stores a new agent of the caller, under the given id if there is one.
pub(crate) fn insert_as(
    ctx: &RequestContext,
    owner: &Identity,
    body: &Map<String, Value>,
    plans: &[String],
    agent_id: Option<String>,
) -> Result<String> {
    let (metadata, api) = described(body)?;
    let agent_id = agent_id.map_or_else(|| ctx.random.id(), Ok)?;
    let org = membership::current(ctx, owner)?.map(|org| org.id);
    ctx.store.run(
        "INSERT INTO agents (id, owner, org, metadata, api, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        binds![agent_id.as_str(), owner.address.as_str(), org.clone(), metadata, api, ctx.request.now],
    )?;
    plans.iter().try_for_each(|plan_id| attach(ctx, &agent_id, plan_id))?;
    let subject = json!({ "kind": "agent", "id": agent_id });
    activity::record(ctx, org.as_deref(), "agent.created", Some(owner), &subject)?;
    Ok(agent_id)
}

fn attach(ctx: &RequestContext, agent_id: &str, plan_id: &str) -> Result<()> {
    ctx.store.run("INSERT INTO agent_plans (agent_id, plan_id) VALUES (?, ?)", binds![agent_id, plan_id])
}

/// `POST /api/v1/protocol/agents`: the id is returned under `data`.
pub(crate) fn register(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let listed = member(&body, "plans").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut plan_ids: Vec<String> = Vec::new();
    for plan in &listed {
        let plan_id = plan.as_str().map_or_else(|| plan.to_string(), str::to_owned);
        let plan = plans::load(ctx, &plan_id)?;
        if !plan_ids.contains(&plan.id) {
            plan_ids.push(plan.id);
        }
    }
    let agent_id = insert(ctx, &caller, &body, &plan_ids)?;
    Response::created(
        json!({ "success": true, "data": { "agentId": agent_id }, "txHash": ctx.random.hex(32)? }),
    )
}

/// `POST /api/v1/protocol/agents/plans`: registers an agent together with its plan.
pub(crate) fn register_with_plan(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let plan_id = plans::insert(ctx, &caller, object(&body, "plan")?)?;
    let agent_id = insert(ctx, &caller, object(&body, "agent")?, std::slice::from_ref(&plan_id))?;
    let data = json!({ "agentId": agent_id, "planId": plan_id });
    Response::created(json!({ "success": true, "data": data, "txHash": ctx.random.hex(32)? }))
}

/// `GET /api/v1/protocol/agents/:agentId`
pub(crate) fn get(ctx: &RequestContext, agent_id: &str) -> Result {
    Response::ok(load(ctx, agent_id)?.view(ctx)?)
}

/// `PUT /api/v1/protocol/agents/:agentId`
pub(crate) fn update(ctx: &RequestContext, agent_id: &str) -> Result {
    let agent = load_owned(ctx, agent_id)?;
    let mut body = ctx.request.json()?;
    // An update without a name keeps the name.
    let metadata = body.get_mut("metadataAttributes").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata.filter(|metadata| text(metadata, "name").is_none()) {
        metadata.insert("name".into(), agent.name().into());
    }
    let (metadata, api) = described(&body)?;
    ctx.store.run(
        "UPDATE agents SET metadata = ?, api = ? WHERE id = ?",
        binds![metadata, api, agent.id.as_str()],
    )?;
    done(ctx, json!({ "agentId": agent.id }))
}

/// `PUT /api/v1/protocol/agents/:agentId/list/:activate`
pub(crate) fn set_listed(ctx: &RequestContext, agent_id: &str, state: &str) -> Result {
    let (agent, listed) = (load_owned(ctx, agent_id)?, plans::flag(state)?);
    if (agent.listed != 0) == listed {
        return unchanged("BCK.PROTOCOL.0018", "The agent is in that state already");
    }
    ctx.store
        .run("UPDATE agents SET listed = ? WHERE id = ?", binds![i64::from(listed), agent.id.as_str()])?;
    done(ctx, json!({ "agentId": agent.id, "isListed": listed }))
}

fn done(ctx: &RequestContext, data: Value) -> Result {
    Response::ok(json!({ "success": true, "txHash": ctx.random.hex(32)?, "httpStatus": 200, "data": data }))
}

/// `GET /api/v1/protocol/agents`: the caller's agents, or those of an organization.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let (filter, key) = match ctx.request.param("orgId") {
        Some(org) => {
            membership::visible(ctx, &caller, org)?;
            ("org = ?", org.to_owned())
        }
        None => ("lower(owner) = ?", caller.id()),
    };
    listed(ctx, filter, &key)
}

/// The newest agents, newest first.
pub(crate) fn newest(ctx: &RequestContext, most: i64) -> Result<Vec<Value>> {
    let query = format!("SELECT {COLUMNS} FROM agents ORDER BY created_at DESC, rowid DESC LIMIT ?");
    let agents: Vec<Agent> = ctx.store.rows(&query, binds![most])?;
    agents.iter().map(|agent| agent.view(ctx)).collect()
}

/// `GET /api/v1/protocol/plans/:planId/agents`
pub(crate) fn of_plan(ctx: &RequestContext, plan_id: &str) -> Result {
    let plan = plans::load(ctx, plan_id)?;
    listed(ctx, "id IN (SELECT agent_id FROM agent_plans WHERE plan_id = ?)", &plan.id)
}

fn listed(ctx: &RequestContext, filter: &str, key: &str) -> Result {
    let page = ctx.request.page();
    let total =
        ctx.store.count(&format!("SELECT COUNT(*) AS count FROM agents WHERE {filter}"), binds![key])?;
    let query = format!(
        "SELECT {COLUMNS} FROM agents WHERE {filter} ORDER BY created_at {}, id LIMIT ? OFFSET ?",
        page.direction()
    );
    let agents: Vec<Agent> = ctx.store.rows(&query, binds![key, i64::from(page.size), page.skip()])?;
    let agents = agents.iter().map(|agent| agent.view(ctx)).collect::<Result<Vec<_>>>()?;
    Response::ok(json!({ "total": total, "page": page.number, "offset": page.size, "agents": agents }))
}

/// `GET /api/v1/protocol/agents/:agentId/plans`
pub(crate) fn plans_of(ctx: &RequestContext, agent_id: &str) -> Result {
    let agent = load(ctx, agent_id)?;
    let page = ctx.request.page();
    let filter = "id IN (SELECT plan_id FROM agent_plans WHERE agent_id = ?)";
    let total = ctx
        .store
        .count(&format!("SELECT COUNT(*) AS count FROM plans WHERE {filter}"), binds![agent.id.as_str()])?;
    let query = format!(
        "SELECT {} FROM plans WHERE {filter} ORDER BY created_at {}, id LIMIT ? OFFSET ?",
        plans::COLUMNS,
        page.direction()
    );
    let rows: Vec<PlanRow> = ctx.store.rows(&query, binds![agent.id, i64::from(page.size), page.skip()])?;
    let plans = rows.into_iter().map(|row| Ok(row.plan(ctx)?.item())).collect::<Result<Vec<_>>>()?;
    Response::ok(json!({ "total": total, "page": page.number, "offset": page.size, "plans": plans }))
}

/// `POST /api/v1/protocol/agents/:agentId/plan/:planId`: answers 200 if the plan is linked already (contract section
/// 12).
pub(crate) fn add_plan(ctx: &RequestContext, agent_id: &str, plan_id: &str) -> Result {
    let agent = load_owned(ctx, agent_id)?;
    let plan = plans::load(ctx, plan_id)?;
    if has_plan(ctx, &agent.id, &plan.id)? {
        return unchanged("BCK.PROTOCOL.0018", "The plan is on the agent already");
    }
    attach(ctx, &agent.id, &plan.id)?;
    done(ctx, json!({ "agentId": agent.id, "planId": plan.id }))
}

/// `DELETE /api/v1/protocol/agents/:agentId/plan/:planId`: answers 200 if the plan is not linked.
pub(crate) fn remove_plan(ctx: &RequestContext, agent_id: &str, plan_id: &str) -> Result {
    let agent = load_owned(ctx, agent_id)?;
    let plan_id = id(plan_id, "planId")?;
    if !has_plan(ctx, &agent.id, &plan_id)? {
        return unchanged("BCK.PROTOCOL.0019", "The plan is not on the agent");
    }
    ctx.store.run(
        "DELETE FROM agent_plans WHERE agent_id = ? AND plan_id = ?",
        binds![agent.id.as_str(), plan_id.as_str()],
    )?;
    done(ctx, json!({ "agentId": agent.id, "planId": plan_id }))
}

fn unchanged(code: &str, message: &str) -> Result {
    Response::ok(json!({ "success": true, "code": code, "message": message, "httpStatus": 200 }))
}
