//! Plans: read, balance, order (section 4.1).

use super::x402::success_body;
use super::{ApiError, Call, Request, Response};
use crate::wire::{Credits, PlanId};
use alloc::string::{String, ToString};
use serde_json::Value;

/// Read a plan: `GET /api/v1/protocol/plans/:planId`, public. The answer is for the caller as it came.
#[must_use]
pub fn get_plan(plan_id: &PlanId) -> Request {
    Request::get(["/api/v1/protocol/plans/", plan_id.as_str()].concat())
}

/// Read how a plan is paid for, of what [`get_plan`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetPlanMeans {
    /// The plan.
    pub plan_id: PlanId,
}

/// How a plan is paid for (sections 2.3 and 6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanMeans {
    /// `registry.price.isCrypto`: with crypto, else by card.
    pub is_crypto: bool,
    /// `metadata.plan.fiatPaymentProvider`: who charges the card.
    pub provider: Option<String>,
}

impl Call for GetPlanMeans {
    type Output = PlanMeans;

    fn request(&self) -> Request {
        get_plan(&self.plan_id)
    }

    /// A plan that does not say whether it is crypto is garbled: the official SDKs take it for crypto, and offer what
    /// cannot be paid.
    fn parse(&self, response: &Response) -> Result<PlanMeans, ApiError> {
        let body = success_body(response)?;
        let member = |path: [&str; 3]| {
            let [first, second, third] = path;
            body.get(first)?.get(second)?.get(third)
        };
        let is_crypto = member(["registry", "price", "isCrypto"])
            .and_then(Value::as_bool)
            .ok_or_else(|| ApiError::garbled(response, "registry.price.isCrypto is missing"))?;
        let provider = member(["metadata", "plan", "fiatPaymentProvider"]).and_then(Value::as_str);
        Ok(PlanMeans {
            is_crypto,
            provider: provider.filter(|name| !name.is_empty()).map(ToString::to_string),
        })
    }
}

/// Read what an order of a plan adds and what a settle of it burns, of what [`get_plan`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetPlanCredits {
    /// The plan.
    pub plan_id: PlanId,
}

/// `registry.credits` of a plan (section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanCredits {
    /// Credits that an order adds.
    pub amount: Credits,
    /// The least that a settle burns.
    pub least: Credits,
    /// The most that a settle burns.
    pub most: Credits,
    /// True if a settle burns the plan's own amount, whatever amount it requests.
    pub fixed: bool,
}

impl PlanCredits {
    /// Reads `registry.credits`; `None` if a member is missing.
    pub(crate) fn read(credits: &Value) -> Option<Self> {
        let amount = |name| Credits::from_json(credits.get(name)?, name).ok();
        Some(Self {
            amount: amount("amount")?,
            least: amount("minAmount")?,
            most: amount("maxAmount")?,
            fixed: credits.get(FIXED)?.as_bool()?,
        })
    }

    /// Credits that a settle burns if it requests `asked`.
    #[must_use]
    pub fn burns(&self, asked: Credits) -> Credits {
        if self.fixed { self.most } else { asked.min(self.most).max(self.least) }
    }
}

const FIXED: &str = "isRedemptionAmountFixed";

impl Call for GetPlanCredits {
    type Output = PlanCredits;

    fn request(&self) -> Request {
        get_plan(&self.plan_id)
    }

    fn parse(&self, response: &Response) -> Result<PlanCredits, ApiError> {
        let body = success_body(response)?;
        let credits = body.get("registry").and_then(|registry| registry.get("credits"));
        credits
            .and_then(PlanCredits::read)
            .ok_or_else(|| ApiError::garbled(response, "registry.credits is not all there"))
    }
}

/// Read what a settlement of a plan burns and what an order of it costs, of what [`get_plan`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetPlanTerms {
    /// The plan.
    pub plan_id: PlanId,
}

/// The bounds of a plan as the platform states them (section 5): what limits of a buyer are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlanTerms {
    /// The least that one settlement burns, in credits; zero for a plan that sells time.
    pub least: Credits,
    /// The most that one settlement burns, in credits; zero for a plan that sells time.
    pub most: Credits,
    /// The price of one order; `None` where the plan states none that can be read.
    pub price: Option<PlanPrice>,
}

/// The price of one order of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanPrice {
    /// In millionths of the currency; of another token than those named below, in its smallest unit.
    pub amount: Credits,
    /// The currency's name, or the address of a token that has none here.
    pub currency: String,
}

/// The stablecoins of the platform by their addresses on Base and Base Sepolia. A seller chooses the name that a plan
/// gives its currency, so the address decides where there is one.
const TOKENS: [(&str, &str); 4] = [
    ("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USDC"),
    ("0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC"),
    ("0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42", "EURC"),
    ("0x808456652fdb597867f38412077A9182bf77359F", "EURC"),
];

impl PlanTerms {
    /// Credits that a settlement burns if it requests `asked`.
    #[must_use]
    pub fn burns(&self, asked: Credits) -> Credits {
        asked.min(self.most).max(self.least)
    }
}

impl PlanPrice {
    fn read(price: &Value) -> Option<Self> {
        let amounts = price.get("amounts")?.as_array()?.iter();
        let mut amount = Credits::ZERO;
        for share in amounts {
            amount = amount.saturating_add(Credits::from_json(share, "amounts").ok()?);
        }
        let text = |name| price.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // A contract says what such a plan costs.
        if text("externalPriceAddress").is_some_and(|contract| !is_zero_address(contract)) {
            return None;
        }
        let by_card = price.get("isCrypto").and_then(Value::as_bool) == Some(false);
        let token = text("tokenAddress").filter(|token| !by_card && !is_zero_address(token));
        let currency = match token {
            Some(token) => TOKENS
                .iter()
                .find(|(address, _)| address.eq_ignore_ascii_case(token))
                .map_or(token, |(_, name)| name),
            None => text("currency").or(by_card.then_some("USD")).or(amount.is_zero().then_some(""))?,
        };
        Some(Self { amount, currency: currency.into() })
    }
}

fn is_zero_address(token: &str) -> bool {
    token.bytes().all(|byte| matches!(byte, b'0' | b'x'))
}

impl Call for GetPlanTerms {
    type Output = PlanTerms;

    fn request(&self) -> Request {
        get_plan(&self.plan_id)
    }

    fn parse(&self, response: &Response) -> Result<PlanTerms, ApiError> {
        let body = success_body(response)?;
        let registry = body.get("registry").unwrap_or(&Value::Null);
        let credits = registry
            .get("credits")
            .and_then(PlanCredits::read)
            .ok_or_else(|| ApiError::garbled(response, "registry.credits is not all there"))?;
        let access =
            body.get("metadata").and_then(|metadata| metadata.get("plan")?.get("accessLimit")?.as_str());
        let (least, most) = match credits.fixed {
            _ if access == Some("time") => (Credits::ZERO, Credits::ZERO),
            true => (credits.least.max(credits.most), credits.least.max(credits.most)),
            false => (credits.least, credits.most.max(credits.least)),
        };
        // A free plan has a price without amounts.
        Ok(PlanTerms { least, most, price: registry.get("price").and_then(PlanPrice::read) })
    }
}

/// Read what somebody holds of a plan: `GET /api/v1/protocol/plans/:planId/balance/:holder`, public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetPlanBalance {
    /// The plan.
    pub plan_id: PlanId,
    /// An address, `0x` and 40 hexadecimal digits.
    pub holder: String,
}

impl GetPlanBalance {
    /// True if a text is an address, by the check of the official SDKs.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.strip_prefix("0x")
            .is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// A holder's balance of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// In credits.
    pub balance: Credits,
    /// Price of one credit, in the plan's currency. Use it to compare plans, not to add up.
    pub price_per_credit: Option<f64>,
}

impl Call for GetPlanBalance {
    type Output = Held;

    fn request(&self) -> Request {
        Request::get(["/api/v1/protocol/plans/", self.plan_id.as_str(), "/balance/", &self.holder].concat())
    }

    fn parse(&self, response: &Response) -> Result<Held, ApiError> {
        let body = success_body(response)?;
        let balance = Credits::from_json(body.get("balance").unwrap_or(&Value::Null), "balance")
            .map_err(|error| ApiError::garbled(response, &error.message()))?;
        Ok(Held { balance, price_per_credit: body.get("pricePerCredit").and_then(Value::as_f64) })
    }
}

/// Buy a crypto, free or trial plan: `POST /api/v1/protocol/plans/:planId/order`, with the buyer's key, no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlan {
    /// The plan.
    pub plan_id: PlanId,
}

/// An order that went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// The transaction, where the platform names it.
    pub tx_hash: Option<String>,
}

impl Call for OrderPlan {
    type Output = Ordered;

    fn request(&self) -> Request {
        Request::post(["/api/v1/protocol/plans/", self.plan_id.as_str(), "/order"].concat(), None)
    }

    fn parse(&self, response: &Response) -> Result<Ordered, ApiError> {
        let body = success_body(response)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(ToString::to_string);
        match body.get("success").and_then(Value::as_bool) {
            Some(true) => Ok(Ordered { tx_hash: text("txHash") }),
            Some(false) => Err(ApiError {
                kind: super::ApiErrorKind::Refused,
                code: "order_refused".into(),
                message: text("message").unwrap_or_else(|| "the order was refused".into()),
                ..ApiError::garbled(response, "")
            }),
            None => Err(ApiError::garbled(response, "success is missing")),
        }
    }
}
