//! Plans: register, get, list (contract section 4.1).

use crate::Desk;
use crate::catalog::plan_terms::Terms;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, id, object, text};
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::organizations::{activity, organization};
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
    pub(crate) terms: Rc<Terms>,
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
    pub(crate) fn plan(self, desk: &Desk) -> Outcome<Plan> {
        let terms = desk.seen.terms.of(&self.terms, Terms::load)?;
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
pub(crate) fn load(desk: &Desk, plan_id: &str) -> Outcome<Plan> {
    find(desk, &id(plan_id, "planId")?)?.ok_or_else(|| Problem::plan_not_found(plan_id))
}

/// Finds a plan by its id.
pub(crate) fn find(desk: &Desk, plan_id: &str) -> Outcome<Option<Plan>> {
    let query = format!("SELECT {COLUMNS} FROM plans WHERE id = ?");
    desk.store.first::<PlanRow>(&query, binds![plan_id])?.map(|row| row.plan(desk)).transpose()
}

/// Finds a plan that the caller owns.
pub(crate) fn load_owned(desk: &Desk, plan_id: &str) -> Outcome<Plan> {
    let caller = accounts::caller(desk)?;
    let plan = load(desk, plan_id)?;
    if plan.owner.eq_ignore_ascii_case(&caller.address) {
        Ok(plan)
    } else {
        Err(Problem::new(401, "BCK.PROTOCOL.0017", format!("You do not own plan {plan_id}")))
    }
}

/// Stores a new plan of the caller and returns its id.
pub(crate) fn insert(desk: &Desk, owner: &Identity, body: &Map<String, Value>) -> Outcome<String> {
    insert_as(desk, owner, body, None)
}

/// The same, under the given id if there is one.
pub(crate) fn insert_as(
    desk: &Desk,
    owner: &Identity,
    body: &Map<String, Value>,
    plan_id: Option<String>,
) -> Outcome<String> {
    let terms = Terms::read(body)?;
    let org = organization::current(desk, owner)?.map(|org| org.id);
    let plan_id = plan_id.map_or_else(|| desk.random.id(), Ok)?;
    desk.store.run(
        "INSERT INTO plans (id, owner, org, terms, created_at) VALUES (?, ?, ?, ?, ?)",
        binds![plan_id.as_str(), owner.address.as_str(), org.clone(), terms.stored(), desk.call.now],
    )?;
    let subject = json!({ "kind": "plan", "id": plan_id, "name": terms.name() });
    activity::record(desk, org.as_deref(), "plan.created", Some(owner), &subject)?;
    Ok(plan_id)
}

/// `POST /api/v1/protocol/plans`: the id is at the top of the response, unlike an agent's.
pub(crate) fn register(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let plan_id = insert(desk, &caller, &desk.call.json()?)?;
    Reply::created(json!({ "planId": plan_id, "txHash": desk.random.hex(32)?, "success": true }))
}

/// `GET /api/v1/protocol/plans/:planId`
pub(crate) fn get(desk: &Desk, plan_id: &str) -> Outcome {
    Reply::ok(load(desk, plan_id)?.view())
}

/// `GET /api/v1/protocol/plans`: the caller's plans, or those of an organization.
pub(crate) fn list(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let page = desk.call.page();
    let (filter, key) = match desk.call.param("orgId") {
        Some(org) => {
            organization::visible(desk, &caller, org)?;
            ("org = ?", org.to_owned())
        }
        None => ("lower(owner) = ?", caller.id()),
    };
    let total = desk
        .store
        .count(&format!("SELECT COUNT(*) AS count FROM plans WHERE {filter}"), binds![key.as_str()])?;
    let rows: Vec<PlanRow> = desk.store.rows(
        &format!(
            "SELECT {COLUMNS} FROM plans WHERE {filter} ORDER BY created_at {}, id LIMIT ? OFFSET ?",
            page.direction()
        ),
        binds![key, i64::from(page.size), page.skip()],
    )?;
    let plans = rows.into_iter().map(|row| Ok(row.plan(desk)?.item())).collect::<Outcome<Vec<_>>>()?;
    Reply::ok(json!({ "total": total, "page": page.number, "offset": page.size, "plans": plans }))
}

/// The newest plans as list items, newest first.
pub(crate) fn newest(desk: &Desk, most: i64) -> Outcome<Vec<Value>> {
    let query = format!("SELECT {COLUMNS} FROM plans ORDER BY created_at DESC, rowid DESC LIMIT ?");
    let rows: Vec<PlanRow> = desk.store.rows(&query, binds![most])?;
    rows.into_iter().map(|row| Ok(row.plan(desk)?.item())).collect()
}

/// `PUT /api/v1/protocol/plans/:planId`: changes the description. Price and credits stay.
pub(crate) fn update(desk: &Desk, plan_id: &str) -> Outcome {
    let plan = load_owned(desk, plan_id)?;
    let body = desk.call.json()?;
    let terms = plan.terms.described(object(&body, "metadataAttributes")?)?;
    desk.store.run("UPDATE plans SET terms = ? WHERE id = ?", binds![terms.stored(), plan.id.as_str()])?;
    Reply::ok(json!({
        "success": true, "txHash": desk.random.hex(32)?, "httpStatus": 200, "data": { "planId": plan.id },
    }))
}

/// `PUT /api/v1/protocol/plans/:planId/list/:activate`: lists or unlists a plan. An unlisted plan can still be bought
/// by its id.
pub(crate) fn set_listed(desk: &Desk, plan_id: &str, state: &str) -> Outcome {
    let (plan, listed) = (load_owned(desk, plan_id)?, flag(state)?);
    if plan.listed == listed {
        let message = "The plan is in that state already";
        return Reply::ok(
            json!({ "success": true, "code": "BCK.PROTOCOL.0019", "message": message, "httpStatus": 200 }),
        );
    }
    desk.store
        .run("UPDATE plans SET listed = ? WHERE id = ?", binds![i64::from(listed), plan.id.as_str()])?;
    let data = json!({ "planId": plan.id, "isListed": listed });
    Reply::ok(json!({ "success": true, "txHash": desk.random.hex(32)?, "httpStatus": 200, "data": data }))
}

/// Parses the last path segment of an on/off route.
pub(crate) fn flag(state: &str) -> Outcome<bool> {
    match state {
        "true" | "1" | "activate" => Ok(true),
        "false" | "0" | "deactivate" => Ok(false),
        _ => Err(Problem::bad_request("The path must end in true or false")),
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
pub(crate) fn id_in(body: &Map<String, Value>, name: &str) -> Outcome<String> {
    match body.get(name) {
        Some(Value::Number(number)) => id(&number.to_string(), name),
        _ => id(text(body, name).ok_or_else(|| Problem::bad_request(format!("{name} is missing")))?, name),
    }
}
