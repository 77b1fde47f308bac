//! Payment methods: enrolled cards and the account's wallet (contract section 4.6).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::text;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Value, json};

const COLUMNS: &str = "id, provider, brand, last4, exp_month, exp_year, alias, api_keys";

/// A card as the user typed it, and how charges of it will end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    brand: &'static str,
    last4: String,
    exp_month: i64,
    exp_year: i64,
    /// It can be enrolled, but charges are declined.
    declines: bool,
}

impl Card {
    /// Validates a card. The error message is shown to the user. As with Stripe's test numbers, every valid number is
    /// accepted, but 4000 0000 0000 0002 is declined at once, and 4000 0000 0000 0341 is declined when it is charged.
    pub(crate) fn read(number: &str, expiry: &str, now_year: i64) -> Result<Self, &'static str> {
        let number: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if !(12..=19).contains(&number.len()) || !sound(&number) {
            return Err("This is not a card number. Try 4242 4242 4242 4242.");
        }
        let (month, year) = expiry.split_once('/').ok_or("The expiry date looks like 12 / 34.")?;
        let year = year.trim().parse::<i64>().ok().map(|year| if year < 100 { 2000 + year } else { year });
        let (exp_month, exp_year) = match (month.trim().parse::<i64>(), year) {
            (Ok(month @ 1..=12), Some(year @ 2000..=2999)) => (month, year),
            _ => return Err("The expiry date looks like 12 / 34."),
        };
        if exp_year < now_year {
            return Err("Your card has expired.");
        }
        if number == "4000000000000002" {
            return Err("Your card was declined.");
        }
        let brand = match number.bytes().next() {
            Some(b'3') => "amex",
            Some(b'5' | b'2') => "mastercard",
            Some(b'6') => "discover",
            _ => "visa",
        };
        let last4 = number.chars().skip(number.len().saturating_sub(4)).collect();
        Ok(Self { brand, last4, exp_month, exp_year, declines: number == "4000000000000341" })
    }

    /// Checks that a charge succeeds now, for a page that charges immediately.
    pub(crate) fn pays(self) -> Result<Self, &'static str> {
        if self.declines { Err("Your card was declined.") } else { Ok(self) }
    }
}

/// The Luhn check of a card number.
fn sound(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().rev().map(|digit| digit.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        let weighed = digits.iter().enumerate().map(|(index, digit)| match index % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        });
        weighed.sum::<u32>() % 10 == 0
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct Method {
    pub(crate) id: String,
    provider: String,
    brand: String,
    last4: String,
    exp_month: i64,
    exp_year: i64,
    alias: Option<String>,
    /// The API keys that may use it, as JSON; all keys if absent.
    api_keys: Option<String>,
}

impl Method {
    fn keys(&self) -> Option<Vec<String>> {
        self.api_keys.as_deref().and_then(|keys| serde_json::from_str(keys).ok())
    }

    fn view(&self) -> Value {
        json!({
            "id": self.id, "type": "card", "brand": self.brand, "last4": self.last4, "expMonth": self.exp_month,
            "expYear": self.exp_year, "alias": self.alias, "provider": self.provider, "status": "active",
            "allowedApiKeyIds": self.keys(),
        })
    }
}

fn wallet(address: &str) -> Value {
    json!({
        "id": address, "type": "crypto_wallet", "brand": "ethereum", "last4": tail(address, 4), "expMonth": 0,
        "expYear": 0, "provider": "erc4337", "status": "active",
    })
}

fn tail(text: &str, count: usize) -> &str {
    text.get(text.len().saturating_sub(count)..).unwrap_or_default()
}

/// The account's cards, oldest first. Every account has a test card.
fn cards(ctx: &RequestContext, owner: &Identity) -> Result<Vec<Method>> {
    let first = format!("pm_sandbox_{}", tail(&owner.id(), 8));
    ctx.store.run(
        "INSERT OR IGNORE INTO methods (id, owner, provider, brand, last4, exp_month, exp_year, alias, api_keys,
         declines, removed, created_at) VALUES (?, ?, 'stripe', 'visa', '4242', 12, 2034, 'Test card', NULL, 0, 0, 0)",
        binds![first, owner.id()],
    )?;
    let query =
        format!("SELECT {COLUMNS} FROM methods WHERE owner = ? AND removed = 0 ORDER BY created_at, rowid");
    ctx.store.rows(&query, binds![owner.id()])
}

/// Stores a card and returns its id.
pub(crate) fn enroll(
    ctx: &RequestContext,
    owner: &Identity,
    provider: &str,
    card: &Card,
    alias: Option<&str>,
) -> Result<String> {
    let prefix = if provider == "visa" { "vat" } else { "pm" };
    let id = format!("{prefix}_sandbox_{}", ctx.random.hex(12)?.trim_start_matches("0x"));
    ctx.store.run(
        "INSERT INTO methods (id, owner, provider, brand, last4, exp_month, exp_year, alias, api_keys, declines,
         removed, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, 0, ?)",
        binds![
            id.as_str(),
            owner.id(),
            provider,
            card.brand,
            card.last4.as_str(),
            card.exp_month,
            card.exp_year,
            alias.map(|alias| alias.chars().take(80).collect::<String>()),
            i64::from(card.declines),
            ctx.request.now,
        ],
    )?;
    Ok(id)
}

fn not_found(id: &str) -> ApiError {
    ApiError::new(404, "BCK.DELEGATION.0001", format!("Payment method {id} not found"))
        .hint("GET /api/v1/payment-methods lists those you have.")
}

/// Refuses a method that cannot back a delegation of `provider`.
pub(crate) fn check(ctx: &RequestContext, owner: &Identity, id: &str, provider: &str) -> Result<()> {
    let found = if id.eq_ignore_ascii_case(&owner.address) {
        "erc4337".to_owned()
    } else {
        card(ctx, owner, id)?.provider
    };
    if found == provider {
        Ok(())
    } else {
        Err(ApiError::bad_request(format!("{id} is not a payment method of {provider}")))
    }
}

/// The account's oldest card of a provider.
pub(crate) fn first(ctx: &RequestContext, owner: &Identity, provider: &str) -> Result<Option<String>> {
    Ok(cards(ctx, owner)?.into_iter().find(|card| card.provider == provider).map(|card| card.id))
}

/// The label of a card: `visa ···· 4242`.
pub(crate) fn label(ctx: &RequestContext, owner: &Identity, id: &str) -> Result<(String, String)> {
    let card = card(ctx, owner, id)?;
    Ok((card.provider, format!("{} ···· {}", card.brand, card.last4)))
}

pub(crate) fn card(ctx: &RequestContext, owner: &Identity, id: &str) -> Result<Method> {
    let found = cards(ctx, owner)?.into_iter().find(|card| card.id == id);
    found.ok_or_else(|| not_found(id))
}

/// True if a charge fails: the card declines or was removed.
pub(crate) fn declines(ctx: &RequestContext, id: Option<&str>) -> Result<bool> {
    let query = "SELECT COUNT(*) AS count FROM methods WHERE id = ? AND (declines <> 0 OR removed <> 0)";
    Ok(match id {
        Some(id) => ctx.store.count(query, binds![id])? > 0,
        None => false,
    })
}

/// `GET /api/v1/payment-methods`: a bare array. With `accessible=true`: the methods that the calling key may use.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let mut cards = cards(ctx, &caller)?;
    if ctx.request.param("accessible") == Some("true") {
        cards.retain(|card| {
            card.keys().is_none_or(|keys| caller.key_id.as_ref().is_some_and(|key| keys.contains(key)))
        });
    }
    let mut methods: Vec<Value> = cards.iter().map(Method::view).collect();
    methods.push(wallet(&caller.address));
    if let Some(provider) = ctx.request.param("provider") {
        methods.retain(|method| method.get("provider").is_some_and(|name| name == provider));
    }
    Response::ok(Value::Array(methods))
}

/// `PATCH /api/v1/payment-methods/:id`: sets the alias and the keys that may use it.
pub(crate) fn update(ctx: &RequestContext, id: &str) -> Result {
    let caller = accounts::caller(ctx)?;
    let card = card(ctx, &caller, id)?;
    let body = ctx.request.json()?;
    let alias = match body.get("alias") {
        None => card.alias.clone(),
        Some(Value::Null) => None,
        Some(_) => text(&body, "alias").map(|alias| alias.chars().take(80).collect()),
    };
    let keys = match body.get("allowedApiKeyIds") {
        None => card.api_keys.clone(),
        Some(Value::Null) => None,
        Some(Value::Array(keys)) if keys.iter().all(Value::is_string) => {
            Some(Value::Array(keys.clone()).to_string())
        }
        Some(_) => {
            return Err(ApiError::bad_request("allowedApiKeyIds must be a list of ids, or null for all"));
        }
    };
    let card = Method { alias, api_keys: keys, ..card };
    ctx.store.run(
        "UPDATE methods SET alias = ?, api_keys = ? WHERE id = ?",
        binds![card.alias.clone(), card.api_keys.clone(), card.id.as_str()],
    )?;
    Response::ok(card.view())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_validation() {
        for (name, number, expiry, expected) in [
            ("the usual", "4242 4242 4242 4242", "12 / 34", Ok(("visa", "4242", false))),
            ("written together", "5555555555554444", "1/2034", Ok(("mastercard", "4444", false))),
            ("of fifteen digits", "3782-822463-10005", "12/34", Ok(("amex", "0005", false))),
            ("enrolled, and no good", "4000 0000 0000 0341", "12/34", Ok(("visa", "0341", true))),
            ("declined", "4000 0000 0000 0002", "12/34", Err("declined")),
            ("mistyped", "4242 4242 4242 4243", "12/34", Err("not a card number")),
            ("a word", "forty-two", "12/34", Err("not a card number")),
            ("nothing", "", "12/34", Err("not a card number")),
            ("of last year", "4242424242424242", "12/25", Err("expired")),
            ("of no month", "4242424242424242", "13/34", Err("expiry date")),
            ("of no date", "4242424242424242", "", Err("expiry date")),
        ] {
            match (Card::read(number, expiry, 2026), expected) {
                (Ok(card), Ok(expected)) => {
                    assert_eq!((card.brand, card.last4.as_str(), card.declines), expected, "{name}");
                    assert_eq!(card.clone().pays().is_ok(), !card.declines, "{name}");
                }
                (Err(error), Err(reason)) => assert!(error.contains(reason), "{name}: {error}"),
                (other, _) => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_wallet_is_the_accounts_address() {
        let wallet = wallet("0xABcdef0123456789abcdef0123456789abcdef01");
        assert_eq!(wallet["id"], "0xABcdef0123456789abcdef0123456789abcdef01");
        assert_eq!(wallet["last4"], "ef01");
    }
}
