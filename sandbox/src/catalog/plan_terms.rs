//! The terms of a plan: validated at registration, printed for clients (contract sections 4.1, 5).

use crate::catalog::credit_rules::Grant;
use crate::catalog::currency::Money;
use crate::catalog::redemption::Redemption;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, object, seconds, text, uint256};
use crate::identity::api_key::is_address;
use payments_wasm::wire::Credits;
use serde_json::{Map, Value, json};

/// Minimum and maximum price of a fiat plan in micro-units: 1.00 and 999,999.99.
const FIAT_MIN: u128 = 1_000_000;
const FIAT_MAX: u128 = 999_999_990_000;
const ZERO_ADDRESS: &str = "0x0000000000000000000000000000000000000000";

/// The credits and the price of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanTerms {
    metadata: Map<String, Value>,
    price: Map<String, Value>,
    credits: Map<String, Value>,
    /// The price in micro-units: six decimals in every currency. 0 is free.
    pub(crate) total: u128,
    pub(crate) crypto: bool,
    pub(crate) trial: bool,
    pub(crate) redemption: Redemption,
    pub(crate) grant: Grant,
}

impl PlanTerms {
    /// Reads the body of a registration, or the output of [`PlanTerms::stored`].
    pub(crate) fn read(body: &Map<String, Value>) -> Result<Self> {
        let metadata = object(body, "metadataAttributes")?;
        if text(metadata, "name").is_none() {
            return Err(ApiError::bad_request("metadataAttributes.name is missing"));
        }
        let (mut price, total) = read_price(object(body, "priceConfig")?)?;
        if let Some(currency) = text(body, "currency") {
            price.entry("currency").or_insert_with(|| currency.into());
        }
        let crypto = price.get("isCrypto").and_then(Value::as_bool).unwrap_or(true);
        if !crypto && total < FIAT_MIN {
            return Err(ApiError::new(400, "BCK.PROTOCOL.0047", "The price of a fiat plan is below 1.00")
                .hint("Fiat amounts have six decimals: 1.00 is 1000000."));
        }
        if !crypto && total > FIAT_MAX {
            return Err(ApiError::new(
                400,
                "BCK.PROTOCOL.0046",
                "The price of a fiat plan is above 999,999.99",
            ));
        }
        let redemption = Redemption::read(object(body, "creditsConfig")?)?;
        let (credits, mut grant) = read_credits(object(body, "creditsConfig")?)?;
        grant.by_time = match text(body, "accessLimit") {
            None => grant.duration_secs > 0,
            Some("time") => true,
            Some("credits") => false,
            Some(_) => return Err(ApiError::bad_request("accessLimit must be credits or time")),
        };
        let flag =
            |map: &Map<String, Value>| member(map, "isTrialPlan").and_then(Value::as_bool).unwrap_or(false);
        let trial = flag(body) || flag(metadata);
        let metadata = metadata
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        Ok(Self { metadata, price, credits, total, crypto, trial, redemption, grant })
    }

    /// The same terms with another description. Price, credits and the trial flag stay.
    pub(crate) fn described(&self, metadata: &Map<String, Value>) -> Result<Self> {
        let mut terms: Map<String, Value> = match serde_json::from_str(&self.stored()) {
            Ok(Value::Object(terms)) => terms,
            _ => return Err(ApiError::internal("a plan's terms are not JSON")),
        };
        let mut metadata = metadata.clone();
        metadata.insert("isTrialPlan".into(), self.trial.into());
        if let Some(provider) = self.metadata.get("fiatPaymentProvider") {
            metadata.entry("fiatPaymentProvider").or_insert_with(|| provider.clone());
        }
        terms.insert("metadataAttributes".into(), metadata.into());
        Self::read(&terms)
    }

    /// The terms as JSON text for storage.
    pub(crate) fn stored(&self) -> String {
        json!({
            "metadataAttributes": self.metadata, "priceConfig": self.price, "creditsConfig": self.credits,
            "accessLimit": self.access_limit(), "isTrialPlan": self.trial,
        })
        .to_string()
    }

    /// Reads stored terms.
    pub(crate) fn load(stored: &str) -> Result<Self> {
        match serde_json::from_str(stored) {
            Ok(Value::Object(terms)) => Self::read(&terms),
            _ => Err(ApiError::internal("storage: a plan's terms are not JSON")),
        }
    }

    pub(crate) fn name(&self) -> &str {
        text(&self.metadata, "name").unwrap_or_default()
    }

    pub(crate) fn access_limit(&self) -> &'static str {
        if self.grant.by_time { "time" } else { "credits" }
    }

    pub(crate) fn money(&self) -> Money {
        let token = text(&self.price, "tokenAddress").unwrap_or_default().to_ascii_lowercase();
        match text(&self.price, "currency") {
            Some(currency) => Money::of(currency),
            None => Money::of_token(&token),
        }
    }

    /// The currency's name as the seller wrote it; dollars if absent.
    pub(crate) fn currency(&self) -> &str {
        text(&self.price, "currency").unwrap_or("USD")
    }

    /// The receivers of one order and their shares in micro-units.
    pub(crate) fn shares(&self) -> Vec<(&str, u128)> {
        let list = |name: &str| self.price.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let amount =
            |amount: &Value| amount.as_str().and_then(|amount| amount.parse().ok()).unwrap_or_default();
        let shares = list("receivers").iter().zip(list("amounts"));
        shares.map(|(receiver, share)| (receiver.as_str().unwrap_or_default(), amount(share))).collect()
    }

    /// The means of payment: the token's address, or the currency for cards.
    pub(crate) fn tender(&self) -> &str {
        if self.crypto { text(&self.price, "tokenAddress").unwrap_or(ZERO_ADDRESS) } else { self.currency() }
    }

    /// The card provider of a fiat plan.
    pub(crate) fn provider(&self) -> Option<&str> {
        (!self.crypto).then(|| text(&self.metadata, "fiatPaymentProvider").unwrap_or("stripe"))
    }

    /// The body of `GET /plans/:id`.
    pub(crate) fn view(&self, id: &str, owner: &str, org: Option<&str>, created: &str) -> Value {
        let mut plan = json!({ "accessLimit": self.access_limit(), "isTrialPlan": self.trial });
        if let (Some(provider), Some(plan)) = (self.provider(), plan.as_object_mut()) {
            plan.insert("fiatPaymentProvider".into(), provider.into());
            plan.insert("currency".into(), self.currency().into());
        }
        json!({
            "id": id,
            "orgId": org,
            "registry": {
                "owner": owner, "price": self.price, "credits": self.credits, "nonce": null,
                "lastUpdated": created,
            },
            "metadata": { "main": self.metadata, "plan": plan },
            "createdAt": created,
        })
    }
}

fn read_price(config: &Map<String, Value>) -> Result<(Map<String, Value>, u128)> {
    let list = |name: &str| match member(config, name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(_) => Err(ApiError::bad_request(format!("priceConfig.{name} must be an array"))),
    };
    let mut total = 0u128;
    let mut amounts = Vec::new();
    for amount in list("amounts")? {
        let amount = Credits::from_json(&amount, "amounts")
            .map_err(|_| ApiError::bad_uint256("priceConfig.amounts"))?;
        let units = amount.to_string().parse::<u128>().ok().and_then(|units| total.checked_add(units));
        total = units.ok_or_else(|| ApiError::bad_request("priceConfig.amounts is too large"))?;
        amounts.push(Value::from(amount.to_string()));
    }
    let receivers = list("receivers")?;
    if receivers.len() != amounts.len() {
        return Err(ApiError::bad_request("priceConfig.amounts and priceConfig.receivers differ in length"));
    }
    if !receivers.iter().all(|receiver| receiver.as_str().is_some_and(is_address)) {
        return Err(ApiError::bad_request("priceConfig.receivers must be addresses"));
    }
    let address = |name: &str| text(config, name).unwrap_or(ZERO_ADDRESS);
    let mut price = Map::new();
    price.insert("tokenAddress".into(), address("tokenAddress").into());
    price.insert("amounts".into(), amounts.into());
    price.insert("receivers".into(), receivers.into());
    for name in ["contractAddress", "feeController", "externalPriceAddress", "templateAddress"] {
        price.insert(name.into(), address(name).into());
    }
    price.insert(
        "isCrypto".into(),
        member(config, "isCrypto").and_then(Value::as_bool).unwrap_or(true).into(),
    );
    if let Some(currency) = text(config, "currency") {
        price.insert("currency".into(), currency.into());
    }
    Ok((price, total))
}

fn read_credits(config: &Map<String, Value>) -> Result<(Map<String, Value>, Grant)> {
    let amount = |name: &str| Ok::<_, ApiError>(uint256(config, name)?.unwrap_or_else(|| Credits::from(1)));
    let fixed = member(config, "isRedemptionAmountFixed").and_then(Value::as_bool).unwrap_or(false);
    let (duration, duration_secs) = seconds(config, "durationSecs")?.unwrap_or_else(|| ("0".into(), 0));
    let grant = Grant {
        amount: amount("amount")?,
        min: amount("minAmount")?,
        max: amount("maxAmount")?,
        fixed,
        by_time: false,
        duration_secs,
    };
    if grant.min > grant.max {
        return Err(ApiError::bad_request("creditsConfig.minAmount is above creditsConfig.maxAmount"));
    }
    let mut credits = Map::new();
    credits.insert("isRedemptionAmountFixed".into(), fixed.into());
    credits.insert(
        "redemptionType".into(),
        member(config, "redemptionType").cloned().unwrap_or_else(|| 4.into()),
    );
    credits.insert(
        "onchainMirror".into(),
        member(config, "onchainMirror").cloned().unwrap_or(Value::Bool(false)),
    );
    credits.insert("durationSecs".into(), duration.into());
    credits.insert("amount".into(), grant.amount.to_string().into());
    credits.insert("minAmount".into(), grant.min.to_string().into());
    credits.insert("maxAmount".into(), grant.max.to_string().into());
    if let Some(nft) = text(config, "nftAddress") {
        credits.insert("nftAddress".into(), nft.into());
    }
    Ok((credits, grant))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVER: &str = "0xabcdef0123456789abcdef0123456789abcdef01";

    fn body(price: Value, credits: Value) -> Map<String, Value> {
        let body =
            json!({ "metadataAttributes": { "name": "n" }, "priceConfig": price, "creditsConfig": credits });
        body.as_object().unwrap().clone()
    }

    fn crypto(amount: Value) -> Value {
        json!({ "tokenAddress": ZERO_ADDRESS, "amounts": [amount], "receivers": [RECEIVER], "isCrypto": true })
    }

    fn fiat(amount: &str) -> Value {
        json!({ "amounts": [amount], "receivers": [RECEIVER], "isCrypto": false, "currency": "EUR" })
    }

    fn dynamic() -> Value {
        json!({ "isRedemptionAmountFixed": false, "redemptionType": 4, "onchainMirror": false, "durationSecs": "0",
                "amount": "100", "minAmount": 1, "maxAmount": "5" })
    }

    #[test]
    fn stored_terms_are_read_back() {
        let terms = PlanTerms::read(&body(crypto(json!("10000000")), dynamic())).unwrap();
        assert_eq!(
            (terms.total, terms.crypto, terms.trial, terms.access_limit()),
            (10_000_000, true, false, "credits")
        );
        assert_eq!((terms.grant.amount, terms.grant.min, terms.grant.max), (100.into(), 1.into(), 5.into()));
        assert_eq!(PlanTerms::load(&terms.stored()).unwrap(), terms);
        let view = terms.view("7", RECEIVER, None, "t");
        assert_eq!(view["id"], "7");
        assert_eq!(view["registry"]["owner"], RECEIVER);
        assert_eq!(view["registry"]["price"]["amounts"], json!(["10000000"]));
        assert_eq!(view["registry"]["credits"]["minAmount"], "1");
        assert_eq!(view["metadata"]["main"]["name"], "n");
        assert_eq!(view["metadata"]["plan"].get("fiatPaymentProvider"), None);
    }

    #[test]
    fn provider_and_price_limits_of_fiat_plans() {
        let terms = PlanTerms::read(&body(fiat("1000000"), dynamic())).unwrap();
        assert_eq!((terms.provider(), terms.money()), (Some("stripe"), Money::Euro));
        assert_eq!(terms.view("7", RECEIVER, None, "t")["metadata"]["plan"]["fiatPaymentProvider"], "stripe");
        for (amount, code) in [
            ("999999", "BCK.PROTOCOL.0047"),
            ("0", "BCK.PROTOCOL.0047"),
            ("999999990001", "BCK.PROTOCOL.0046"),
        ] {
            assert_eq!(PlanTerms::read(&body(fiat(amount), dynamic())).unwrap_err().code, code, "{amount}");
        }
    }

    #[test]
    fn time_plans_by_duration_or_access_limit() {
        let mut timed = dynamic();
        timed["durationSecs"] = 60.into();
        for (limit, credits, by_time) in [
            (json!(null), timed.clone(), true),
            (json!("credits"), timed, false),
            (json!("time"), dynamic(), true),
        ] {
            let mut body = body(crypto(json!(1)), credits);
            body.insert("accessLimit".into(), limit);
            assert_eq!(PlanTerms::read(&body).unwrap().grant.by_time, by_time, "{body:?}");
        }
    }

    #[test]
    fn another_description_keeps_price_and_credits() {
        let mut body = body(fiat("1000000"), dynamic());
        body.insert("metadataAttributes".into(), json!({ "name": "n", "fiatPaymentProvider": "braintree" }));
        let terms = PlanTerms::read(&body).unwrap();
        let other = json!({ "name": "m", "isTrialPlan": true, "description": "d" });
        let changed = terms.described(other.as_object().unwrap()).unwrap();
        assert_eq!((changed.name(), changed.trial, changed.provider()), ("m", false, Some("braintree")));
        assert_eq!((changed.total, changed.grant), (terms.total, terms.grant));
        assert_eq!(terms.described(&Map::new()).unwrap_err().status, 400);
    }

    #[test]
    fn redemption_type_is_one_of_four() {
        for (kind, expected) in [
            (json!(null), Some(Redemption::Subscriber)),
            (json!(0), Some(Redemption::GlobalRole)),
            (json!("1"), Some(Redemption::Owner)),
            (json!(3), None),
            (json!("owner"), None),
        ] {
            let mut credits = dynamic();
            credits["redemptionType"] = kind.clone();
            let terms = PlanTerms::read(&body(crypto(json!(1)), credits));
            assert_eq!(terms.ok().map(|terms| terms.redemption), expected, "{kind}");
        }
    }

    #[test]
    fn a_trial_is_flagged_in_price_or_metadata() {
        for (top, inner) in [(true, false), (false, true)] {
            let mut body = body(crypto(json!(1)), dynamic());
            body.insert("isTrialPlan".into(), top.into());
            body.insert("metadataAttributes".into(), json!({ "name": "n", "isTrialPlan": inner }));
            assert!(PlanTerms::read(&body).unwrap().trial);
        }
    }

    #[test]
    fn invalid_terms_are_refused() {
        let short = json!({ "amounts": ["1"], "receivers": [], "isCrypto": true });
        let stranger = json!({ "amounts": ["1"], "receivers": ["bob"], "isCrypto": true });
        let upside_down = json!({ "amount": "1", "minAmount": "3", "maxAmount": "2" });
        for (name, body) in [
            ("amounts without receivers", body(short, dynamic())),
            ("receivers that are no addresses", body(stranger, dynamic())),
            ("a negative price", body(crypto(json!(-1)), dynamic())),
            ("a fraction of a unit", body(crypto(json!("1.5")), dynamic())),
            ("min above max", body(crypto(json!(1)), upside_down)),
            ("no configs", Map::new()),
        ] {
            assert_eq!(PlanTerms::read(&body).unwrap_err().status, 400, "{name}");
        }
    }

    #[test]
    fn euros_by_currency_or_token() {
        let mut price = crypto(json!(1));
        price["tokenAddress"] = "0x808456652fdb597867f38412077A9182bf77359F".into();
        assert_eq!(PlanTerms::read(&body(price, dynamic())).unwrap().money(), Money::Euro);
        assert_eq!(PlanTerms::read(&body(crypto(json!(1)), dynamic())).unwrap().money(), Money::Dollar);
    }
}
