//! Plans: read, balance, order (section 4.1).

use super::x402::success_body;
use super::{ApiError, Call, Page, Request, Response};
use crate::wire::{Credits, PlanId, ResourceId, Scheme};
use alloc::{
    format,
    string::{String, ToString},
};
use serde_json::Value;

/// Read a plan: `GET /api/v1/protocol/plans/:planId`, public. The answer is for the caller as it came.
#[must_use]
pub fn get_plan(plan_id: &PlanId) -> Request {
    Request::get(format!("/api/v1/protocol/plans/{plan_id}"))
}

/// List one's own plans, or with an organization all of its: `GET /api/v1/protocol/plans`, with the key. Answers
/// `{ total, page, offset, plans }`.
#[must_use]
pub fn get_plans(page: &Page, organization: Option<&ResourceId>) -> Request {
    Request::get(page.of_own("/api/v1/protocol/plans", organization.map(ResourceId::as_str))).with_key()
}

/// List the agents that a plan gives access to: `GET /api/v1/protocol/plans/:planId/agents`, public. Answers
/// `{ total, page, offset, agents }`.
#[must_use]
pub fn get_plan_agents(plan_id: &PlanId, page: &Page) -> Request {
    Request::get(page.of_public(format!("/api/v1/protocol/plans/{plan_id}/agents")))
}

/// How a plan is paid for, by what [`get_plan`] answers (section 6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanScheme {
    /// By card where the plan says that its price is not in crypto, else on chain.
    pub scheme: Scheme,
    /// The provider that charges the card, where the plan names one.
    pub provider: Option<String>,
}

impl PlanScheme {
    /// Reads the two members out of a plan: `registry.price.isCrypto` and `metadata.plan.fiatPaymentProvider`.
    ///
    /// # Errors
    /// An [`ApiError`] for anything but a 2xx answer that is an object. The official SDKs take any failure for
    /// `nvm:erc4337`, and a card plan with it.
    pub fn read(response: &Response) -> Result<Self, ApiError> {
        let plan = success_body(response)?;
        let deep = |path: [&str; 3]| {
            let [first, second, third] = path;
            plan.get(first)?.get(second)?.get(third)
        };
        let by_card = deep(["registry", "price", "isCrypto"]) == Some(&Value::Bool(false));
        let provider = deep(["metadata", "plan", "fiatPaymentProvider"]).and_then(Value::as_str);
        Ok(Self {
            scheme: if by_card { Scheme::CardDelegation } else { Scheme::Erc4337 },
            provider: provider.filter(|name| !name.is_empty()).map(ToString::to_string),
        })
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
    /// Whether a text is an address: what the official SDKs check before they use it.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.strip_prefix("0x")
            .is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// What somebody holds of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// In credits.
    pub balance: Credits,
    /// What a credit costs, in the plan's currency: to compare plans by, not to add up.
    pub price_per_credit: Option<f64>,
}

impl Call for GetPlanBalance {
    type Output = Held;

    fn request(&self) -> Request {
        Request::get(format!("/api/v1/protocol/plans/{}/balance/{}", self.plan_id, self.holder))
    }

    fn parse(&self, response: &Response) -> Result<Held, ApiError> {
        let body = success_body(response)?;
        let balance = Credits::from_json(body.get("balance").unwrap_or(&Value::Null), "balance")
            .map_err(|error| ApiError::garbled(response, &error.to_string()))?;
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
        Request::post(format!("/api/v1/protocol/plans/{}/order", self.plan_id), None)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_how_it_is_paid_for() {
        type Case = (&'static str, Option<(Scheme, Option<&'static str>)>);
        let cases: [Case; 7] = [
            (r#"{"registry":{"price":{"isCrypto":true}}}"#, Some((Scheme::Erc4337, None))),
            (r#"{"registry":{"price":{"isCrypto":false}}}"#, Some((Scheme::CardDelegation, None))),
            (
                r#"{"registry":{"price":{"isCrypto":false}},"metadata":{"plan":{"fiatPaymentProvider":"braintree"}}}"#,
                Some((Scheme::CardDelegation, Some("braintree"))),
            ),
            (r#"{"metadata":{"plan":{"fiatPaymentProvider":""}}}"#, Some((Scheme::Erc4337, None))),
            (r#"{"registry":{"price":{"isCrypto":"false"}}}"#, Some((Scheme::Erc4337, None))),
            ("{}", Some((Scheme::Erc4337, None))),
            ("[]", None),
        ];
        for (body, expected) in cases {
            let response = Response { status: 200, body: body.into(), correlation_id: None };
            let read = PlanScheme::read(&response).ok();
            let expected =
                expected.map(|(scheme, provider)| PlanScheme { scheme, provider: provider.map(Into::into) });
            assert_eq!(read, expected, "{body}");
        }
        assert!(PlanScheme::read(&Response { status: 404, ..Response::default() }).is_err());
    }
}
