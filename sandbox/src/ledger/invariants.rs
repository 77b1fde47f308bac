//! The invariants of the ledger and the tables beside it. Each check returns a description of every violation.

use crate::catalog::credit_rules::Grant;
use crate::catalog::plan_terms::PlanTerms;
use crate::http::error::Result;
use crate::ledger::book::{Book, Posted, each};
use crate::ledger::postings::{self, Kind};
use crate::storage::store::{Store, binds};
use payments_wasm::wire::Credits;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// The last rows written before the ledger existed: they have no postings.
#[derive(Deserialize, Default)]
pub(crate) struct Watermarks {
    purchases: i64,
    settlements: i64,
    charges: i64,
    sales: i64,
}

pub(crate) fn watermarks(store: &Store) -> Result<Watermarks> {
    let found = store.first("SELECT purchases, settlements, charges, sales FROM opened", binds![])?;
    Ok(found.unwrap_or_default())
}

pub(crate) fn stored_balances(books: &HashMap<i64, Book>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for book in books.values() {
        let balance = postings::amount(&book.balance)?;
        if balance != book.posted {
            wrong.push(format!(
                "{} has the balance {balance}, and its postings add up to {}",
                book.named(),
                book.posted
            ));
        }
    }
    Ok(wrong)
}

/// Per unit: the sum that the sources issued, and the sum of all other accounts.
pub(crate) fn balanced_units(books: &HashMap<i64, Book>) -> Result<Vec<String>> {
    let mut units: HashMap<&str, (Credits, Credits)> = HashMap::new();
    for book in books.values() {
        let balance = postings::amount(&book.balance)?;
        let (given, had) = units.entry(book.unit.as_str()).or_default();
        let sum = if book.is_source() { given } else { had };
        *sum = sum.saturating_add(balance);
    }
    let wrong = units.iter().filter(|(_, (given, had))| given != had);
    Ok(wrong
        .map(|(unit, (given, had))| {
            format!("{unit}: the sources issued {given}, the other accounts hold {had}")
        })
        .collect())
}

pub(crate) fn settled(store: &Store, from: &Watermarks, posted: &Posted) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Settlement {
        tx: String,
        credits: String,
    }
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    each(store, "SELECT tx, credits FROM settlements", "rowid", from.settlements, |row: Settlement| {
        let burned = posted.burned.get(&row.tx).copied().unwrap_or_default();
        if postings::amount(&row.credits)? != burned {
            wrong.push(format!("settlement {} of {} burned {burned}", row.tx, row.credits));
        }
        known.insert(row.tx);
        Ok(())
    })?;
    let loose = posted.burned.keys().filter(|entry| !known.contains(*entry));
    wrong.extend(loose.map(|entry| format!("{entry} burned without a settlement")));
    Ok(wrong)
}

#[derive(Deserialize)]
struct Purchase {
    tx: String,
    kind: String,
    plan_id: String,
    quantity: String,
    cents: i64,
}

/// The terms of all plans.
fn terms(store: &Store) -> Result<HashMap<String, PlanTerms>> {
    #[derive(Deserialize)]
    struct Plan {
        id: String,
        terms: String,
    }
    let plans: Vec<Plan> = store.rows("SELECT id, terms FROM plans", binds![])?;
    plans.into_iter().map(|plan| Ok((plan.id, PlanTerms::load(&plan.terms)?))).collect()
}

const PURCHASES: &str = "SELECT tx, kind, plan_id, quantity, cents FROM purchases";
const ARRIVALS: &str = "SELECT tx, kind, plan_id, '1' AS quantity, cents FROM arrivals";

pub(crate) fn issued(store: &Store, from: &Watermarks, posted: &Posted) -> Result<Vec<String>> {
    let terms = terms(store)?;
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    each(store, PURCHASES, "rowid", from.purchases, |row: Purchase| {
        let issued = posted.issued.get(&row.tx).copied().unwrap_or_default();
        let grant = terms.get(&row.plan_id).map(|terms| &terms.grant);
        let due = grant.filter(|grant| row.kind != "mint" && !grant.by_time);
        if let Some(due) = due
            && times(due, &row.quantity) != Some(issued)
        {
            wrong.push(format!("{} of {} orders issued {issued}", row.tx, row.quantity));
        }
        known.insert(row.tx);
        Ok(())
    })?;
    let loose = posted.issued.keys().filter(|entry| !known.contains(*entry));
    wrong.extend(loose.map(|entry| format!("{entry} issued without a purchase")));
    Ok(wrong)
}

/// The credits of a number of orders.
fn times(grant: &Grant, orders: &str) -> Option<Credits> {
    if orders == "1" {
        return Some(grant.amount);
    }
    let (orders, amount): (u128, u128) = (orders.parse().ok()?, grant.amount.to_string().parse().ok()?);
    orders.checked_mul(amount)?.to_string().parse().ok()
}

pub(crate) fn paid(store: &Store, from: &Watermarks, posted: &Posted) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Sale {
        id: String,
        amount: i64,
        status: String,
    }
    let terms = terms(store)?;
    let (mut wrong, mut known) = (Vec::new(), HashSet::new());
    let mut held = |row: Purchase| {
        let paid = posted.paid.get(&row.tx).copied().unwrap_or_default();
        let due = match terms.get(&row.plan_id) {
            _ if row.kind == "mint" => Some(Credits::ZERO),
            Some(terms) if terms.crypto => row
                .quantity
                .parse::<u128>()
                .ok()
                .and_then(|orders| terms.total.checked_mul(orders))
                .and_then(|units| postings::units(units).ok()),
            _ => Some(postings::cents(row.cents)),
        };
        if due != Some(paid) {
            wrong.push(format!("{} of {} orders was paid with {paid}", row.tx, row.quantity));
        }
        known.insert(row.tx);
        Ok(())
    };
    each(store, PURCHASES, "rowid", from.purchases, &mut held)?;
    each(store, ARRIVALS, "rowid", 0, &mut held)?;
    each(store, "SELECT id, amount, status FROM sales", "rowid", from.sales, |row: Sale| {
        let paid = posted.paid.get(&row.id).copied().unwrap_or_default();
        let open = matches!(row.status.as_str(), "requires_payment" | "failed");
        if paid != postings::cents(if open { 0 } else { row.amount }) {
            wrong.push(format!("order {}, {}, was paid with {paid}", row.id, row.status));
        }
        known.insert(row.id);
        Ok(())
    })?;
    let loose = posted.paid.keys().filter(|entry| !known.contains(*entry));
    wrong.extend(loose.map(|entry| format!("{entry} was paid without a purchase")));
    Ok(wrong)
}

/// Buyers' money accounts are empty after each payment.
pub(crate) fn money(books: &HashMap<i64, Book>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for book in books.values().filter(|book| book.kind == Kind::Buyer.name()) {
        let balance = postings::amount(&book.balance)?;
        if !balance.is_zero() {
            wrong.push(format!("{} holds {balance}, which should be 0", book.named()));
        }
    }
    Ok(wrong)
}

#[derive(Deserialize)]
struct Spender {
    id: String,
    limit_cents: i64,
    spent_cents: i64,
    transactions: i64,
    max_transactions: Option<i64>,
    made: i64,
    charged: i64,
}

pub(crate) fn delegations(
    store: &Store,
    from: &Watermarks,
    books: &HashMap<i64, Book>,
) -> Result<Vec<String>> {
    let mut cents: HashMap<(&str, &str), Credits> = HashMap::new();
    for book in books.values() {
        cents.insert((book.unit.as_str(), book.kind.as_str()), postings::amount(&book.balance)?);
    }
    let (mut wrong, old) = (Vec::new(), from.charges > 0);
    let select = "SELECT id, limit_cents, spent_cents, transactions, max_transactions, revoked,
        (SELECT COUNT(*) FROM charges WHERE delegation_id = delegations.id AND order_tx IS NOT NULL) AS made,
        (SELECT COALESCE(SUM(cents), 0) FROM charges WHERE delegation_id = delegations.id AND order_tx IS NOT NULL)
        AS charged FROM delegations";
    each(store, select, "rowid", 0, |row: Spender| {
        let unit = format!("cents:{}", row.id);
        let on = |kind: Kind| cents.get(&(unit.as_str(), kind.name())).copied().unwrap_or_default();
        let spent = postings::cents(row.spent_cents);
        for (what, fails) in [
            ("spent more than its limit", row.spent_cents > row.limit_cents || row.spent_cents < 0),
            ("was charged too often", row.max_transactions.is_some_and(|most| row.transactions > most)),
            ("has a reservation between requests", !on(Kind::Reserved).is_zero()),
            ("spent another amount than its account shows", on(Kind::Spent) != spent),
            (
                "has more available than its limit",
                on(Kind::Free).saturating_add(spent) > postings::cents(row.limit_cents),
            ),
            (
                "counts transactions that were not charged",
                !old && (row.made, row.charged) != (row.transactions, row.spent_cents),
            ),
        ] {
            if fails {
                wrong.push(format!("delegation {} {what}", row.id));
            }
        }
        Ok(())
    })?;
    Ok(wrong)
}

/// Single-use objects: the number of uses is counted.
pub(crate) fn once(store: &Store, from: &Watermarks) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Found {
        what: String,
    }
    let query = "SELECT 'token ' || permission || ' settled ' || COUNT(*) || ' times' AS what FROM settlements
          WHERE permission IN (SELECT hash FROM permissions WHERE single_use <> 0)
          GROUP BY permission HAVING COUNT(*) > 1
        UNION ALL SELECT 'token ' || hash || ' settled, and is not marked' FROM permissions
          WHERE spent = 0 AND hash IN (SELECT permission FROM settlements WHERE rowid > ?1)
        UNION ALL SELECT 'challenge ' || id || ' has no settlement of its own' FROM challenges
          WHERE tx NOT IN (SELECT tx FROM settlements)
        UNION ALL SELECT 'settlement ' || tx || ' paid ' || COUNT(*) || ' challenges' FROM challenges
          GROUP BY tx HAVING COUNT(*) > 1
        UNION ALL SELECT 'trial ' || plan_id || ' was had ' || COUNT(*) || ' times by ' || holder FROM purchases
          WHERE kind <> 'mint' AND plan_id IN (SELECT id FROM plans WHERE json_extract(terms, '$.isTrialPlan'))
          GROUP BY plan_id, holder HAVING COUNT(*) > 1";
    let found: Vec<Found> = store.rows(query, binds![from.settlements])?;
    Ok(found.into_iter().map(|found| found.what).collect())
}
