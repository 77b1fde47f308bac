//! The read API of the ledger: postings and accounts (`GET /sandbox/ledger`, `/sandbox/ledger/accounts`).

use crate::context::RequestContext;
use crate::http::error::Result;
use crate::http::response::Response;
use crate::ledger::postings;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Value, json};

/// One side of a posting, or a listed account.
fn account(id: i64, kind: &str, owner: &str, expires_at: i64) -> Value {
    let until = (expires_at != 0).then(|| time::iso(expires_at));
    let owner = Some(owner).filter(|owner| !owner.is_empty());
    json!({ "id": id, "kind": kind, "owner": owner, "expiresAt": until })
}

/// The requested unit: `unit` as it is, or the unit of a `planId` or `delegationId`.
fn unit(ctx: &RequestContext) -> String {
    let of = |name: &str, prefix: &str| ctx.request.param(name).map(|id| format!("{prefix}:{id}"));
    let plan = ctx.request.param("planId").map(postings::credits_unit);
    let unit = ctx.request.param("unit").map(str::to_owned);
    unit.or(plan).or_else(|| of("delegationId", "cents")).unwrap_or_default()
}

/// `GET /sandbox/ledger?entry&kind&unit|planId|delegationId&owner&account&page&offset&sortOrder`: postings, newest
/// first. `owner` matches either side.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    #[derive(Deserialize)]
    struct Row {
        id: i64,
        entry: String,
        kind: String,
        amount: String,
        at: i64,
        unit: String,
        debit: i64,
        debit_kind: String,
        debit_owner: String,
        debit_until: i64,
        credit: i64,
        credit_kind: String,
        credit_owner: String,
        credit_until: i64,
    }
    let page = ctx.request.page();
    let text = |name: &str| ctx.request.param(name).unwrap_or_default().to_owned();
    let owner = text("owner").to_ascii_lowercase();
    let account_id = ctx.request.param("account").and_then(|id| id.parse::<i64>().ok()).unwrap_or(0);
    let from = "FROM postings p JOIN books f ON f.id = p.debit JOIN books t ON t.id = p.credit
        WHERE (?1 = '' OR p.entry = ?1) AND (?2 = '' OR p.kind = ?2) AND (?3 = '' OR f.unit = ?3)
        AND (?4 = '' OR f.owner = ?4 OR t.owner = ?4) AND (?5 = 0 OR f.id = ?5 OR t.id = ?5)";
    let filter = || binds![text("entry"), text("kind"), unit(ctx), owner.as_str(), account_id];
    let total = ctx.store.count(&format!("SELECT COUNT(*) AS count {from}"), filter())?;
    let query = format!(
        "SELECT p.id, p.entry, p.kind, p.amount, p.at, f.unit, p.debit, f.kind AS debit_kind, f.owner AS debit_owner,
         f.expires_at AS debit_until, p.credit, t.kind AS credit_kind, t.owner AS credit_owner,
         t.expires_at AS credit_until {from} ORDER BY p.id {} LIMIT ?6 OFFSET ?7",
        page.direction()
    );
    let mut binds = filter();
    binds.extend(binds![i64::from(page.size), page.skip()]);
    let rows: Vec<Row> = ctx.store.rows(&query, binds)?;
    let postings: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id, "entry": row.entry, "kind": row.kind, "unit": row.unit, "amount": row.amount,
                "from": account(row.debit, &row.debit_kind, &row.debit_owner, row.debit_until),
                "to": account(row.credit, &row.credit_kind, &row.credit_owner, row.credit_until),
                "at": time::iso(row.at),
            })
        })
        .collect();
    Response::ok(
        json!({ "postings": postings, "totalResults": total, "page": page.number, "offset": page.size }),
    )
}

/// `GET /sandbox/ledger/accounts?kind&unit|planId|delegationId&owner&page&offset`: accounts with their balances.
pub(crate) fn accounts(ctx: &RequestContext) -> Result {
    #[derive(Deserialize)]
    struct Row {
        id: i64,
        kind: String,
        unit: String,
        owner: String,
        expires_at: i64,
        balance: String,
    }
    let page = ctx.request.page();
    let kind = ctx.request.param("kind").unwrap_or_default();
    let owner = ctx.request.param("owner").unwrap_or_default().to_ascii_lowercase();
    let from =
        "FROM books WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR unit = ?2) AND (?3 = '' OR owner = ?3)";
    let filter = || binds![kind, unit(ctx), owner.as_str()];
    let total = ctx.store.count(&format!("SELECT COUNT(*) AS count {from}"), filter())?;
    let query = format!(
        "SELECT id, kind, unit, owner, expires_at, balance {from} ORDER BY unit, id LIMIT ?4 OFFSET ?5"
    );
    let mut binds = filter();
    binds.extend(binds![i64::from(page.size), page.skip()]);
    let rows: Vec<Row> = ctx.store.rows(&query, binds)?;
    let accounts: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut view = account(row.id, &row.kind, &row.owner, row.expires_at);
            if let Some(view) = view.as_object_mut() {
                view.insert("unit".into(), row.unit.as_str().into());
                view.insert("balance".into(), row.balance.as_str().into());
            }
            view
        })
        .collect();
    Response::ok(
        json!({ "accounts": accounts, "totalResults": total, "page": page.number, "offset": page.size }),
    )
}
