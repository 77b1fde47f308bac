//! Delegations: how much may be spent on a buyer's behalf, and until when (contract section 4.6).

use crate::catalog::currency::Money;
use crate::catalog::plans;
use crate::context::RequestContext;
use crate::delegations::payment_methods;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, text, whole};
use crate::identity::api_key::Identity;
use crate::ledger::postings::{self, Account, Kind, Posting};
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) const COLUMNS: &str = "id, owner, provider, payment_method, currency, limit_cents, spent_cents, transactions, \
    max_transactions, plan_id, api_key_id, merchant, revoked, expires_at, created_at";
const PROVIDERS: [&str; 5] = ["erc4337", "stripe", "braintree", "visa", "vgs"];
const CURRENCIES: [&str; 4] = ["usd", "eur", "usdc", "eurc"];

/// A stored delegation. Money is in cents, times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Delegation {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) provider: String,
    pub(crate) payment_method: Option<String>,
    pub(crate) currency: String,
    limit_cents: i64,
    spent_cents: i64,
    transactions: i64,
    max_transactions: Option<i64>,
    pub(crate) plan_id: Option<String>,
    api_key_id: Option<String>,
    /// The connected account that receives the seller's share of a card charge.
    pub(crate) merchant: Option<String>,
    revoked: i64,
    pub(crate) expires_at: i64,
    created_at: i64,
}

/// A payment that a delegation is asked to cover.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChargeRequest<'a> {
    pub(crate) plan_id: &'a str,
    /// True if a wallet pays, false for a card.
    pub(crate) crypto: bool,
    pub(crate) money: Money,
    pub(crate) cents: i64,
}

impl Delegation {
    fn status(&self, now: i64) -> &'static str {
        match self {
            _ if self.revoked != 0 => "Revoked",
            _ if self.expires_at <= now => "Expired",
            _ if self.spent() => "Exhausted",
            _ => "Active",
        }
    }

    fn spent(&self) -> bool {
        self.spent_cents >= self.limit_cents
            || self.max_transactions.is_some_and(|most| self.transactions >= most)
    }

    /// True if it is neither revoked nor expired. A spent delegation is valid: the buyer may have credits left.
    pub(crate) fn is_valid(&self, now: i64) -> bool {
        self.revoked == 0 && self.expires_at > now
    }

    /// True if the caller's key may use it. A delegation bound to a key is usable with that key only.
    fn is_for(&self, caller: &Identity) -> bool {
        self.api_key_id.is_none() || self.api_key_id == caller.key_id
    }

    /// The reason why it does not cover this payment. A payment of 0 only needs a valid delegation.
    pub(crate) fn refuses(&self, now: i64, ask: ChargeRequest<'_>) -> Option<&'static str> {
        if self.revoked != 0 {
            Some("the delegation is revoked")
        } else if self.expires_at <= now {
            Some("the delegation has expired")
        } else if self.plan_id.as_deref().is_some_and(|plan_id| plan_id != ask.plan_id) {
            Some("the delegation is bound to another plan")
        } else if ask.cents == 0 {
            None
        } else if (self.provider == "erc4337") != ask.crypto {
            Some("the delegation cannot pay this kind of plan")
        } else if Money::of(&self.currency) != ask.money {
            Some("the delegation is in another currency")
        } else if self.max_transactions.is_some_and(|most| self.transactions >= most) {
            Some("the delegation has no transactions left")
        } else if self.spent_cents.saturating_add(ask.cents) > self.limit_cents {
            Some("the delegation's spending limit does not allow it")
        } else {
            None
        }
    }

    pub(crate) fn limit_cents(&self) -> i64 {
        self.limit_cents
    }

    pub(crate) fn max_transactions(&self) -> Option<i64> {
        self.max_transactions
    }

    /// The network that a card token settles on: the provider's name (contract section 2.3).
    pub(crate) fn network(&self) -> Option<&str> {
        (self.provider != "erc4337").then_some(self.provider.as_str())
    }

    pub(super) fn view(&self, now: i64) -> Value {
        let left = self.limit_cents.saturating_sub(self.spent_cents).max(0);
        json!({
            "delegationId": self.id,
            "provider": self.provider,
            "providerPaymentMethodId": self.payment_method,
            "status": self.status(now),
            "spendingLimitCents": self.limit_cents.to_string(),
            "amountSpentCents": self.spent_cents.to_string(),
            "remainingBudgetCents": left.to_string(),
            "currency": self.currency,
            "transactionCount": self.transactions,
            "maxTransactions": self.max_transactions,
            "planId": self.plan_id,
            "expiresAt": time::iso(self.expires_at),
            "createdAt": time::iso(self.created_at),
            "apiKeyId": self.api_key_id,
            "merchantAccountId": self.merchant,
        })
    }
}

/// Validates a new delegation and fills in optional members.
fn read(
    body: &Map<String, Value>,
    provider: &str,
    owner: &Identity,
    id: String,
    now: i64,
) -> Result<Delegation> {
    if !PROVIDERS.contains(&provider) {
        return Err(ApiError::bad_request("provider must be one of erc4337, stripe, braintree, visa, vgs"));
    }
    let currency = text(body, "currency").map(str::to_ascii_lowercase).unwrap_or_default();
    if !CURRENCIES.contains(&currency.as_str()) {
        return Err(ApiError::bad_request(
            "currency must be one of usd, eur, usdc, eurc; there is no default",
        ));
    }
    let positive = |name: &str| {
        whole(body, name)?
            .filter(|n| *n > 0)
            .ok_or_else(|| ApiError::bad_request(format!("{name} must be above 0")))
    };
    Ok(Delegation {
        id,
        owner: owner.id(),
        provider: provider.to_owned(),
        payment_method: text(body, "providerPaymentMethodId")
            .or_else(|| text(body, "cardId"))
            .map(str::to_owned),
        currency,
        limit_cents: positive("spendingLimitCents")?,
        spent_cents: 0,
        transactions: 0,
        max_transactions: whole(body, "maxTransactions")?,
        plan_id: member(body, "planId").map(|_| plans::id_in(body, "planId")).transpose()?,
        api_key_id: text(body, "apiKeyId").map(str::to_owned),
        merchant: text(body, "merchantAccountId").map(str::to_owned),
        revoked: 0,
        expires_at: time::after(now, positive("durationSecs")?),
        created_at: now,
    })
}

/// Creates a delegation together with a token. Without a currency it is in USDC for a wallet and in dollars for a card, because the
/// official command line sends none.
pub(crate) fn open_inline(
    ctx: &RequestContext,
    owner: &Identity,
    config: &Map<String, Value>,
    provider: &str,
) -> Result<Delegation> {
    let mut config = config.clone();
    if text(&config, "currency").is_none() {
        let currency = if provider == "erc4337" { "usdc" } else { "usd" };
        config.insert("currency".into(), currency.into());
    }
    open(ctx, owner, &config, provider)
}

/// Creates a delegation of the caller.
pub(crate) fn open(
    ctx: &RequestContext,
    owner: &Identity,
    body: &Map<String, Value>,
    provider: &str,
) -> Result<Delegation> {
    let new = read(body, provider, owner, ctx.random.uuid()?, ctx.request.now)?;
    if let Some(plan_id) = &new.plan_id {
        plans::load(ctx, plan_id)?;
    }
    if let Some(method) = &new.payment_method {
        payment_methods::check(ctx, owner, method, &new.provider)?;
    }
    ctx.store.run(
        &format!("INSERT INTO delegations ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        binds![
            new.id.as_str(),
            new.owner.as_str(),
            new.provider.as_str(),
            new.payment_method.clone(),
            new.currency.as_str(),
            new.limit_cents,
            new.spent_cents,
            new.transactions,
            new.max_transactions,
            new.plan_id.clone(),
            new.api_key_id.clone(),
            new.merchant.clone(),
            new.revoked,
            new.expires_at,
            new.created_at,
        ],
    )?;
    let posting = Posting { entry: &new.id, why: "delegate", amount: postings::cents(new.limit_cents) };
    let of = |kind| Account::cents(kind, &new.id);
    postings::post(ctx, posting, &of(Kind::Limit), &of(Kind::Free))?;
    Ok(new)
}

/// Finds a delegation by its id.
pub(crate) fn find(ctx: &RequestContext, id: &str) -> Result<Option<Delegation>> {
    ctx.store.first(&format!("SELECT {COLUMNS} FROM delegations WHERE id = ?"), binds![id])
}

/// Finds a delegation of the caller that is not bound to another key.
pub(crate) fn own(ctx: &RequestContext, caller: &Identity, id: &str) -> Result<Delegation> {
    let found =
        find(ctx, id)?.filter(|delegation| delegation.owner == caller.id() && delegation.is_for(caller));
    found.ok_or_else(|| ApiError::new(404, "BCK.DELEGATION.0002", format!("Delegation {id} not found")))
}

/// Finds the newest delegation of an API key that is valid and may pay the plan.
pub(crate) fn of_key(
    ctx: &RequestContext,
    caller: &Identity,
    key: &str,
    plan_id: &str,
) -> Result<Option<Delegation>> {
    let query = format!(
        "SELECT {COLUMNS} FROM delegations WHERE owner = ? AND api_key_id = ? AND (plan_id IS NULL OR plan_id = ?)
         AND revoked = 0 AND expires_at > ? ORDER BY created_at DESC, rowid DESC LIMIT 1"
    );
    let found: Option<Delegation> =
        ctx.store.first(&query, binds![caller.id(), key, plan_id, ctx.request.now])?;
    Ok(found.filter(|delegation| delegation.is_for(caller)))
}

/// Ends the delegations that `filter` finds: their remaining limit is released, and their tokens no longer work.
pub(crate) fn end(ctx: &RequestContext, filter: &str, key: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
    }
    let ended = format!("SELECT id FROM delegations WHERE {filter} AND revoked = 0");
    for Row { id } in ctx.store.rows::<Row>(&ended, binds![key])? {
        ctx.store
            .run("UPDATE permissions SET expires_at = 0 WHERE delegation_id = ?", binds![id.as_str()])?;
        ctx.store.run("UPDATE delegations SET revoked = 1 WHERE id = ?", binds![id.as_str()])?;
        let (free, limit) = (Account::cents(Kind::Free, &id), Account::cents(Kind::Limit, &id));
        let amount = postings::balance(&ctx.store, &free)?;
        postings::post(ctx, Posting { entry: &id, why: "revoke", amount }, &free, &limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "0xABcdef0123456789abcdef0123456789abcdef01";

    fn delegation(extra: Value) -> Result<Delegation> {
        let mut body = json!({ "spendingLimitCents": 1000, "durationSecs": "60", "currency": "USDC" });
        for (name, value) in extra.as_object().unwrap() {
            body[name] = value.clone();
        }
        let owner = Identity { address: OWNER.to_owned(), key_id: None, org: None };
        read(body.as_object().unwrap(), "erc4337", &owner, "d".to_owned(), 1_000)
    }

    fn ask(cents: i64) -> ChargeRequest<'static> {
        ChargeRequest { plan_id: "7", crypto: true, money: Money::Dollar, cents }
    }

    #[test]
    fn payments_a_delegation_refuses() {
        let plain = delegation(json!({})).unwrap();
        let with = |change: fn(&mut Delegation)| {
            let mut changed = plain.clone();
            change(&mut changed);
            changed
        };
        for (name, delegation, now, ask, refused) in [
            ("all of it", plain.clone(), 2_000, ask(1000), false),
            ("a cent more", plain.clone(), 2_000, ask(1001), true),
            ("what is left", with(|d| d.spent_cents = 400), 2_000, ask(600), false),
            ("more than is left", with(|d| d.spent_cents = 401), 2_000, ask(600), true),
            ("the last moment", plain.clone(), 60_999, ask(1), false),
            ("too late", plain.clone(), 61_000, ask(1), true),
            ("revoked", with(|d| d.revoked = 1), 2_000, ask(1), true),
            ("the last transaction", with(|d| d.max_transactions = Some(1)), 2_000, ask(1), false),
            (
                "one transaction too many",
                with(|d| (d.max_transactions, d.transactions) = (Some(1), 1)),
                2_000,
                ask(1),
                true,
            ),
            ("its own plan", with(|d| d.plan_id = Some("7".into())), 2_000, ask(1), false),
            ("another plan", with(|d| d.plan_id = Some("8".into())), 2_000, ask(1), true),
            (
                "a card plan from a wallet",
                plain.clone(),
                2_000,
                ChargeRequest { crypto: false, ..ask(1) },
                true,
            ),
            (
                "euros from dollars",
                plain.clone(),
                2_000,
                ChargeRequest { money: Money::Euro, ..ask(1) },
                true,
            ),
            ("what is free, when all is spent", with(|d| d.spent_cents = 1000), 2_000, ask(0), false),
            ("what is free, too late", plain.clone(), 61_000, ask(0), true),
        ] {
            assert_eq!(delegation.refuses(now, ask).is_some(), refused, "{name}");
        }
    }

    #[test]
    fn the_status_clients_see() {
        let view = delegation(json!({ "maxTransactions": 3 })).unwrap().view(2_000);
        assert_eq!(view["status"], "Active");
        assert_eq!(view["spendingLimitCents"], "1000");
        assert_eq!(view["remainingBudgetCents"], "1000");
        assert_eq!(view["transactionCount"], 0);
        let plain = delegation(json!({})).unwrap();
        for (name, delegation, now, status) in [
            ("late", plain.clone(), 61_000, "Expired"),
            ("spent", Delegation { spent_cents: 1000, ..plain.clone() }, 2_000, "Exhausted"),
            ("out of turns", Delegation { max_transactions: Some(0), ..plain.clone() }, 2_000, "Exhausted"),
            ("revoked", Delegation { revoked: 1, spent_cents: 1000, ..plain.clone() }, 2_000, "Revoked"),
        ] {
            assert_eq!(delegation.status(now), status, "{name}");
        }
    }

    #[test]
    fn a_delegation_bound_to_a_key_is_usable_with_that_key_only() {
        let key = |id: &str| Identity { address: OWNER.to_owned(), key_id: Some(id.to_owned()), org: None };
        let bound = delegation(json!({ "apiKeyId": "k" })).unwrap();
        assert!(bound.is_for(&key("k")) && !bound.is_for(&key("l")));
        assert!(delegation(json!({})).unwrap().is_for(&key("l")));
    }

    #[test]
    fn a_delegation_without_limits_is_refused() {
        for extra in [
            json!({ "currency": null }),
            json!({ "currency": "gbp" }),
            json!({ "spendingLimitCents": 0 }),
            json!({ "spendingLimitCents": -5 }),
            json!({ "durationSecs": null }),
            json!({ "durationSecs": 1.5 }),
            json!({ "planId": "did:nv:1" }),
        ] {
            assert_eq!(delegation(extra.clone()).unwrap_err().status, 400, "{extra}");
        }
    }
}
