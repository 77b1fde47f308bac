//! Plans: register, get, list (contract section 4.1).

use crate::catalog::plan_terms::PlanTerms;
use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{id, object, text};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::identity::membership;
use crate::organizations::activity;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::rc::Rc;

/// A stored plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) org: Option<String>,
    created_at: i64,
    listed: bool,
    pub(crate) terms: Rc<PlanTerms>,
}

/// The columns of a [`PlanRow`].
pub(crate) const COLUMNS: &str = "id, owner, org, terms, listed, created_at";

#[derive(Deserialize)]
pub(crate) struct PlanRow {
    id: String,
    owner: String,
    org: Option<String>,
    terms: String,
    listed: i64,
    created_at: i64,
}

impl PlanRow {
    pub(crate) fn plan(self, ctx: &RequestContext) -> Result<Plan> {
        let terms = ctx.cache.get_or_insert(&self.terms, PlanTerms::load)?;
        Ok(Plan {
            id: self.id,
            owner: self.owner,
            org: self.org,
            created_at: self.created_at,
            listed: self.listed != 0,
            terms,
        })
    }
}

impl Plan {
    fn view(&self) -> Value {
        let created = time::iso(self.created_at);
        let mut view = self.terms.view(&self.id, &self.owner, self.org.as_deref(), &created);
        if let Some(view) = view.as_object_mut() {
            view.insert("isListed".into(), self.listed.into());
        }
        view
    }

    /// The plan as a list item: id and name are at the top too, where clients look for them (contract section 4.2).
    pub(crate) fn item(&self) -> Value {
        let mut view = self.view();
        if let Some(view) = view.as_object_mut() {
            view.insert("planId".into(), self.id.clone().into());
            view.insert("name".into(), self.terms.name().into());
        }
        view
    }
}

/// Finds a plan by its id, or answers 404.
pub(crate) fn load(ctx: &RequestContext, plan_id: &str) -> Result<Plan> {
    find(ctx, &id(plan_id, "planId")?)?.ok_or_else(|| ApiError::plan_not_found(plan_id))
}

/// Finds a plan by its id.
pub(crate) fn find(ctx: &RequestContext, plan_id: &str) -> Result<Option<Plan>> {
    let query = format!("SELECT {COLUMNS} FROM plans WHERE id = ?");
    ctx.store.first::<PlanRow>(&query, binds![plan_id])?.map(|row| row.plan(ctx)).transpose()
}

/// Finds a plan that the caller owns.
pub(crate) fn load_owned(ctx: &RequestContext, plan_id: &str) -> Result<Plan> {
    let caller = accounts::caller(ctx)?;
    let plan = load(ctx, plan_id)?;
    if plan.owner.eq_ignore_ascii_case(&caller.address) {
        Ok(plan)
    } else {
        Err(ApiError::new(401, "BCK.PROTOCOL.0017", format!("You do not own plan {plan_id}")))
    }
}

/// Stores a new plan of the caller and returns its id.
pub(crate) fn insert(ctx: &RequestContext, owner: &Identity, body: &Map<String, Value>) -> Result<String> {
    insert_as(ctx, owner, body, None)
}

/// The same, under the given id if there is one.
pub(crate) fn insert_as(
    ctx: &RequestContext,
    owner: &Identity,
    body: &Map<String, Value>,
    plan_id: Option<String>,
) -> Result<String> {
    let terms = PlanTerms::read(body)?;
    let org = membership::current(ctx, owner)?.map(|org| org.id);
    let plan_id = plan_id.map_or_else(|| ctx.random.id(), Ok)?;
    ctx.store.run(
        "INSERT INTO plans (id, owner, org, terms, created_at) VALUES (?, ?, ?, ?, ?)",
        binds![plan_id.as_str(), owner.address.as_str(), org.clone(), terms.stored(), ctx.request.now],
    )?;
    let subject = json!({ "kind": "plan", "id": plan_id, "name": terms.name() });
    activity::record(ctx, org.as_deref(), "plan.created", Some(owner), &subject)?;
    Ok(plan_id)
}

/// `POST /api/v1/protocol/plans`: the id is at the top of the response, unlike an agent's.
pub(crate) fn register(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let plan_id = insert(ctx, &caller, &ctx.request.json()?)?;
    Response::created(json!({ "planId": plan_id, "txHash": ctx.random.hex(32)?, "success": true }))
}

/// `GET /api/v1/protocol/plans/:planId`
pub(crate) fn get(ctx: &RequestContext, plan_id: &str) -> Result {
    Response::ok(load(ctx, plan_id)?.view())
}

/// `GET /api/v1/protocol/plans`: the caller's plans, or those of an organization.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let page = ctx.request.page();
    let (filter, key) = match ctx.request.param("orgId") {
        Some(org) => {
            membership::visible(ctx, &caller, org)?;
            ("org = ?", org.to_owned())
        }
        None => ("lower(owner) = ?", caller.id()),
    };
    let total = ctx
        .store
        .count(&format!("SELECT COUNT(*) AS count FROM plans WHERE {filter}"), binds![key.as_str()])?;
    let rows: Vec<PlanRow> = ctx.store.rows(
        &format!(
            "SELECT {COLUMNS} FROM plans WHERE {filter} ORDER BY created_at {}, id LIMIT ? OFFSET ?",
            page.direction()
        ),
        binds![key, i64::from(page.size), page.skip()],
    )?;
    let plans = rows.into_iter().map(|row| Ok(row.plan(ctx)?.item())).collect::<Result<Vec<_>>>()?;
    Response::ok(json!({ "total": total, "page": page.number, "offset": page.size, "plans": plans }))
}

/// The newest plans as list items, newest first.
pub(crate) fn newest(ctx: &RequestContext, most: i64) -> Result<Vec<Value>> {
    let query = format!("SELECT {COLUMNS} FROM plans ORDER BY created_at DESC, rowid DESC LIMIT ?");
    let rows: Vec<PlanRow> = ctx.store.rows(&query, binds![most])?;
    rows.into_iter().map(|row| Ok(row.plan(ctx)?.item())).collect()
}

/// `PUT /api/v1/protocol/plans/:planId`: changes the description. Price and credits stay.
pub(crate) fn update(ctx: &RequestContext, plan_id: &str) -> Result {
    let plan = load_owned(ctx, plan_id)?;
    let body = ctx.request.json()?;
    let terms = plan.terms.described(object(&body, "metadataAttributes")?)?;
    ctx.store.run("UPDATE plans SET terms = ? WHERE id = ?", binds![terms.stored(), plan.id.as_str()])?;
    Response::ok(json!({
        "success": true, "txHash": ctx.random.hex(32)?, "httpStatus": 200, "data": { "planId": plan.id },
    }))
}

/// `PUT /api/v1/protocol/plans/:planId/list/:activate`: lists or unlists a plan. An unlisted plan can still be bought
/// by its id.
pub(crate) fn set_listed(ctx: &RequestContext, plan_id: &str, state: &str) -> Result {
    let (plan, listed) = (load_owned(ctx, plan_id)?, flag(state)?);
    if plan.listed == listed {
        let message = "The plan is in that state already";
        return Response::ok(
            json!({ "success": true, "code": "BCK.PROTOCOL.0019", "message": message, "httpStatus": 200 }),
        );
    }
    ctx.store.run("UPDATE plans SET listed = ? WHERE id = ?", binds![i64::from(listed), plan.id.as_str()])?;
    let data = json!({ "planId": plan.id, "isListed": listed });
    Response::ok(json!({ "success": true, "txHash": ctx.random.hex(32)?, "httpStatus": 200, "data": data }))
}

/// Parses the last path segment of an on/off route.
pub(crate) fn flag(state: &str) -> Result<bool> {
    match state {
        "true" | "1" | "activate" => Ok(true),
        "false" | "0" | "deactivate" => Ok(false),
        _ => Err(ApiError::bad_request("The path must end in true or false")),
    }
}

/// The plan's name, or its id if the metadata has no name.
pub(crate) fn title(plan: &Plan) -> &str {
    match plan.terms.name() {
        "" => &plan.id,
        name => name,
    }
}

/// Reads a plan id from a body, such as `accepted.planId`.
pub(crate) fn id_in(body: &Map<String, Value>, name: &str) -> Result<String> {
    match body.get(name) {
        Some(Value::Number(number)) => id(&number.to_string(), name),
        _ => id(text(body, name).ok_or_else(|| ApiError::bad_request(format!("{name} is missing")))?, name),
    }
}
