//! Creation of each kind of entity, and its part in the response.

use crate::catalog::{agents, plans};
use crate::checkout::credit_operations;
use crate::crypto::account_key;
use crate::delegations::delegation;
use crate::delegations::payment_methods::{self, Card};
use crate::http::error::{ApiError, Result};
use crate::http::fields::decimal;
use crate::identity::accounts::{self, Account};
use crate::identity::api_key::{self, Identity};
use crate::organizations::organization;
use crate::primitives::eip712::unhex;
use crate::primitives::time;
use crate::seed::entry::{self, Entry};
use crate::seed::run::{SeedRun, identified};
use crate::widgets::card_enrollment;
use serde_json::{Map, Value, json};

/// USDC and EURC on Base Sepolia: the default currencies of wallet plans.
const USDC: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const EURC: &str = "0x808456652fdb597867f38412077a9182bf77359f";
const ZERO: &str = "0x0000000000000000000000000000000000000000";
/// Default lifetime of a delegation in seconds: thirty days.
const USUAL_SECS: i64 = 30 * 86_400;

fn identity(address: &str) -> Identity {
    Identity { address: address.to_owned(), key_id: None, org: None }
}

/// The object that `json!` makes.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// An account and its key. The id is the address.
pub(crate) fn user(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let name = entry.name()?;
    let ctx = run.context("users", &name);
    let (title, email) = (entry.text("name")?.unwrap_or(&name), entry.text("email")?);
    let address = match (entry.text("privateKey")?, entry.text("apiKey")?) {
        (Some(_), Some(_)) => return Err(entry.wrong("apiKey", "cannot be combined with privateKey")),
        (Some(secret), None) => {
            let secret = unhex(secret).filter(|secret| secret.len() == 32);
            let secret =
                secret.ok_or_else(|| entry.wrong("privateKey", "must be 0x and 64 hexadecimal digits"))?;
            account_key::adopt(&ctx, &secret)
                .map_err(|_| entry.wrong("privateKey", "is not a key of secp256k1"))?
        }
        (None, Some(key)) => {
            let read = api_key::read_bearer(&format!("Bearer {key}"), run.now);
            read.map_err(|error| entry.wrong("apiKey", &format!("is invalid: {}", error.message)))?.address
        }
        (None, None) => account_key::adopt(&ctx, &run.context("signers", &name).random.bytes(32)?)?,
    };
    if let Some(email) = email
        && accounts::of_email(&ctx, email)?.is_some_and(|other| !other.address.eq_ignore_ascii_case(&address))
    {
        return Err(entry.wrong("email", "is another account's"));
    }
    accounts::upsert(&ctx, &identity(&address), title)?;
    accounts::set_email(&ctx, &identity(&address), email)?;
    match entry.text("apiKey")? {
        Some(key) => accounts::store_key(&ctx, &address, key, None)?,
        None => accounts::issue_fixed(&ctx, &address, None)?,
    }
    Ok(address)
}

/// An organization. Its first administrator gets a key with its tag.
pub(crate) fn organization(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let name = entry.name()?;
    let ctx = run.context("organizations", &name);
    let kind = entry.one_of("type", &organization::TYPES)?;
    let id = organization::insert(&ctx, entry.text("name")?.unwrap_or(&name), kind)?;
    let mut admin = None;
    for member in entry.entries("members", &["user", "role"])? {
        let user = member.need("user")?;
        let address = run.named("users", user, &format!("{}.user", member.path))?;
        let role = member.one_of("role", &["Member", "Admin", "Client"])?;
        let ctx = run.context("members", &format!("{name} {user}"));
        organization::join(&ctx, &id, &identity(&address), role, None)
            .map_err(|_| member.wrong("user", "is a member twice"))?;
        admin = admin.or((role == "Admin").then_some(address));
    }
    if let Some(address) = admin {
        accounts::issue_fixed(&ctx, &address, Some(&id))?;
    }
    Ok(id)
}

/// A request context for an entity of `owner`, in the entry's organization.
fn owned(
    run: &SeedRun<'_>,
    entry: &Entry<'_>,
    kind: &str,
) -> Result<(crate::context::RequestContext, Identity)> {
    let owner = entry.need("owner")?;
    let owner = run.named("users", owner, &format!("{}.owner", entry.path))?;
    let mut ctx = run.context(kind, &entry.name()?);
    ctx.request.organization = run.referred(entry, "organization", "organizations")?;
    Ok((ctx, identity(&owner)))
}

/// Money as users write it, `5.00`, in its smallest units.
fn money(entry: &Entry<'_>, name: &str, places: usize) -> Result<Option<u64>> {
    let Some(text) = entry.text(name)? else { return Ok(None) };
    let exact = text.split_once('.').is_none_or(|(_, part)| !part.is_empty() && part.len() <= places);
    let amount = decimal(text, places).filter(|_| exact && text.starts_with(|c: char| c.is_ascii_digit()));
    amount.map(Some).ok_or_else(|| {
        entry.wrong(name, &format!("must be an amount like 5.00, of {places} decimals at most"))
    })
}

/// A plan, with the terms of a registration.
pub(crate) fn plan(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let (ctx, owner) = owned(run, entry, "plans")?;
    let card = entry.one_of("payBy", &["crypto", "card"])? == "card";
    let usual: &[&'static str] = if card { &["USD", "EUR"] } else { &["USDC", "EURC"] };
    let currency = entry.one_of("currency", usual)?;
    let price = money(entry, "price", 6)?.unwrap_or(0);
    let token = match (card, currency) {
        (true, _) => ZERO,
        (false, "EURC") => EURC,
        (false, _) => USDC,
    };
    let (amounts, receivers) = match price {
        0 => (json!([]), json!([])),
        price => (json!([price.to_string()]), json!([owner.address])),
    };
    let (least, most) = (entry.credits("minPerCall", "1")?, entry.has("maxPerCall"));
    let most = if most { entry.credits("maxPerCall", "1")? } else { least.clone() };
    let body = object(json!({
        "metadataAttributes": {
            "name": entry.text("name")?.unwrap_or(&entry.name()?), "description": entry.text("description")?,
            "dateCreated": time::iso(run.now),
        },
        "priceConfig": {
            "tokenAddress": token, "amounts": amounts, "receivers": receivers, "contractAddress": ZERO,
            "feeController": ZERO, "externalPriceAddress": ZERO, "templateAddress": ZERO, "isCrypto": !card,
            "currency": currency,
        },
        "creditsConfig": {
            "isRedemptionAmountFixed": least == most, "redemptionType": entry.whole("redemptionType")?.unwrap_or(4),
            "onchainMirror": false, "durationSecs": entry.whole("durationSecs")?.unwrap_or(0).to_string(),
            "amount": entry.credits("credits", "100")?, "minAmount": least, "maxAmount": most,
        },
        "accessLimit": entry.one_of("accessLimit", &["credits", "time"])?,
        "isTrialPlan": entry.flag("trial")?,
        "currency": currency,
    }));
    let id = own_id(entry, "planId")?;
    if let Some(id) = &id
        && plans::find(&ctx, id)?.is_some()
    {
        return Err(entry.wrong("planId", "is another plan's"));
    }
    plans::insert_as(&ctx, &owner, &body, id)
}

/// An id that the file chooses.
fn own_id(entry: &Entry<'_>, name: &str) -> Result<Option<String>> {
    let id = |text| {
        crate::http::fields::id(text, name).map_err(|_| entry.wrong(name, "must be a uint256 in decimal"))
    };
    entry.text(name)?.map(id).transpose()
}

/// An agent and its links to plans.
pub(crate) fn agent(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let (ctx, owner) = owned(run, entry, "agents")?;
    let endpoints = entry.texts("endpoints")?.into_iter().map(|text| match text.split_once(' ') {
        Some((verb, url)) if verb.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Ok(json!({ verb: url.trim() }))
        }
        _ => Err(entry.wrong("endpoints", "must be texts like POST https://api.example/ask")),
    });
    let endpoints = endpoints.collect::<Result<Vec<Value>>>()?;
    let at = format!("{}.plans", entry.path);
    let on = entry.texts("plans")?.into_iter().map(|name| run.named("plans", name, &at));
    let on = on.collect::<Result<Vec<String>>>()?;
    let body = object(json!({
        "metadataAttributes": {
            "name": entry.text("name")?.unwrap_or(&entry.name()?), "description": entry.text("description")?,
            "dateCreated": time::iso(run.now),
        },
        "agentApiAttributes": { "endpoints": endpoints, "openEndpoints": entry.texts("openEndpoints")?, "authType": "none" },
    }));
    let id = own_id(entry, "agentId")?;
    if let Some(id) = &id
        && agents::find(&ctx, id)?.is_some()
    {
        return Err(entry.wrong("agentId", "is another agent's"));
    }
    agents::insert_as(&ctx, &owner, &body, &on, id)
}

/// Initial credits of a user. The id is the minting transaction.
pub(crate) fn balance(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let ctx = run.context("balances", &entry.name()?);
    entry.need("user")?;
    entry.need("plan")?;
    let holder = run.referred(entry, "user", "users")?.unwrap_or_default();
    let plan = plans::load(&ctx, &run.referred(entry, "plan", "plans")?.unwrap_or_default())?;
    let amount = entry.credits("credits", &plan.terms.grant.amount.to_string())?;
    let amount = amount.parse().ok().filter(|amount: &payments_wasm::wire::Credits| !amount.is_zero());
    let amount = amount.ok_or_else(|| entry.wrong("credits", "must be above 0"))?;
    credit_operations::give(&ctx, &plan, &holder, amount, entry.whole("expiresInSecs")?.unwrap_or(0))
}

/// An enrolled card.
pub(crate) fn card(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let ctx = run.context("cards", &entry.name()?);
    let user = entry.need("user")?;
    let owner = identity(&run.named("users", user, &format!("{}.user", entry.path))?);
    let number = entry.text("number")?.unwrap_or("4242 4242 4242 4242");
    let card = Card::read(number, entry.text("expiry")?.unwrap_or("12 / 34"), time::year(run.now))
        .map_err(|reason| entry.wrong("number", &format!("or expiry: {reason}")))?;
    let provider = card_enrollment::provider(entry.text("provider")?);
    let provider = provider.map_err(|_| entry.wrong("provider", "must be one of stripe, braintree, visa"))?;
    payment_methods::enroll(&ctx, &owner, provider, &card, entry.text("alias")?)
}

/// A delegation of a wallet or of a card in the file.
pub(crate) fn delegation(run: &SeedRun<'_>, entry: &Entry<'_>) -> Result<String> {
    let ctx = run.context("delegations", &entry.name()?);
    let user = entry.need("user")?;
    let owner = identity(&run.named("users", user, &format!("{}.user", entry.path))?);
    let card = run.referred(entry, "card", "cards")?;
    let usual = match &card {
        Some(card) => {
            payment_methods::label(&ctx, &owner, card)
                .map_err(|_| entry.wrong("card", "is another user's"))?
                .0
        }
        None => "erc4337".to_owned(),
    };
    let provider = entry.text("provider")?.unwrap_or(&usual);
    let money_of: &[&'static str] =
        if provider == "erc4337" { &["usdc", "eurc", "usd", "eur"] } else { &["usd", "eur", "usdc", "eurc"] };
    let limit = money(entry, "limit", 2)?.ok_or_else(|| entry.wrong("limit", "is missing"))?;
    let mut body = object(json!({
        "spendingLimitCents": limit, "durationSecs": entry.whole("durationSecs")?.unwrap_or(USUAL_SECS),
        "currency": entry.one_of("currency", money_of)?,
    }));
    let plan = run.referred(entry, "plan", "plans")?.map(Value::from);
    let most = entry.whole("maxTransactions")?.map(Value::from);
    for (name, value) in
        [("providerPaymentMethodId", card.map(Value::from)), ("planId", plan), ("maxTransactions", most)]
    {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    }
    Ok(delegation::open(&ctx, &owner, &body, provider)?.id)
}

/// The entity as the response shows it.
pub(crate) fn view(run: &SeedRun<'_>, list: &str, id: &str) -> Result<Value> {
    Ok(match list {
        "users" => {
            let Account { address, .. } = accounts::find(run.ctx, id)?
                .ok_or_else(|| ApiError::internal("storage: a seeded account is gone"))?;
            json!({ "accountAddress": address, "nvmApiKey": accounts::first_key(run.ctx, &address, None)? })
        }
        "organizations" => json!({ "orgId": id, "nvmApiKey": accounts::first_key(run.ctx, "", Some(id))? }),
        "plans" => identified("planId", id),
        "agents" => identified("agentId", id),
        "balances" => identified("txHash", id),
        "cards" => identified("paymentMethodId", id),
        "delegations" => identified("delegationId", id),
        _ => return Err(entry::wrong(format!("{list} is not a list of a seed file"))),
    })
}
