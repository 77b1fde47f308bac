//! Delegations: a limit within which the platform may spend for an agent (section 4.5).

use super::x402::success_body;
use super::{ApiError, Call, Request, Response};
use crate::codec::print_object;
use crate::wire::{DelegationRef, PlanId};
use alloc::string::{String, ToString as _};
use serde_json::{Map, Value};

/// Make a delegation: `POST /api/v1/delegation/create`, with the buyer's key. Tokens are minted from it.
///
/// ```
/// use payments_wasm::api::{Call, delegations::CreateDelegation};
///
/// // Ten dollars within an hour, in crypto.
/// let call = CreateDelegation::crypto(1000, 3600);
/// assert_eq!(call.request().path, "/api/v1/delegation/create");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateDelegation {
    /// The provider that charges it: `erc4337`, `stripe`, `braintree`, `visa` or `vgs`.
    pub provider: String,
    /// The currency, in lower case: `usdc`, `usd`.
    pub currency: String,
    /// The most that it may spend in all, in cents.
    pub spending_limit_cents: u64,
    /// For how long it is valid, in seconds.
    pub duration_secs: u64,
    /// The plan that it is for; any plan where it is `None`.
    pub plan_id: Option<PlanId>,
    /// The card that it charges, for providers of cards.
    pub payment_method_id: Option<String>,
    /// How many charges it allows; any number where it is `None`.
    pub max_transactions: Option<u32>,
}

impl CreateDelegation {
    /// A delegation that pays with crypto.
    #[must_use]
    pub fn crypto(spending_limit_cents: u64, duration_secs: u64) -> Self {
        Self {
            provider: "erc4337".into(),
            currency: "usdc".into(),
            spending_limit_cents,
            duration_secs,
            plan_id: None,
            payment_method_id: None,
            max_transactions: None,
        }
    }

    /// A delegation that charges an enrolled card, in dollars.
    #[must_use]
    pub fn card(
        provider: &str,
        payment_method_id: &str,
        spending_limit_cents: u64,
        duration_secs: u64,
    ) -> Self {
        Self {
            provider: provider.into(),
            currency: "usd".into(),
            payment_method_id: Some(payment_method_id.into()),
            ..Self::crypto(spending_limit_cents, duration_secs)
        }
    }
}

impl Call for CreateDelegation {
    type Output = DelegationRef;

    fn request(&self) -> Request {
        let mut body = Map::new();
        let texts = [
            ("provider", Some(self.provider.as_str())),
            ("currency", Some(self.currency.as_str())),
            ("planId", self.plan_id.as_ref().map(PlanId::as_str)),
            ("providerPaymentMethodId", self.payment_method_id.as_deref()),
        ];
        let numbers = [
            ("spendingLimitCents", Some(self.spending_limit_cents)),
            ("durationSecs", Some(self.duration_secs)),
            ("maxTransactions", self.max_transactions.map(u64::from)),
        ];
        body.extend(texts.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?.into()))));
        body.extend(numbers.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?.into()))));
        Request::post("/api/v1/delegation/create", Some(print_object(&body)))
    }

    fn parse(&self, response: &Response) -> Result<DelegationRef, ApiError> {
        let body = success_body(response)?;
        let id = body.get("delegationId").and_then(Value::as_str).unwrap_or_default();
        DelegationRef::parse(id, "delegationId")
            .map_err(|error| ApiError::garbled(response, &error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_delegation_is_made_with_what_is_given() {
        let card = CreateDelegation {
            max_transactions: Some(3),
            ..CreateDelegation::card("stripe", "pm_1", 500, 60)
        };
        for (call, body) in [
            (
                CreateDelegation {
                    plan_id: Some("1001".parse().unwrap()),
                    ..CreateDelegation::crypto(1000, 3600)
                },
                json!({ "provider": "erc4337", "currency": "usdc", "planId": "1001", "spendingLimitCents": 1000, "durationSecs": 3600 }),
            ),
            (
                card,
                json!({
                    "provider": "stripe", "currency": "usd", "providerPaymentMethodId": "pm_1", "spendingLimitCents": 500,
                    "durationSecs": 60, "maxTransactions": 3,
                }),
            ),
        ] {
            let sent: Value = serde_json::from_str(call.request().body.as_deref().unwrap()).unwrap();
            assert_eq!(sent, body);
            let answer =
                |body: &str| call.parse(&Response { status: 201, body: body.into(), correlation_id: None });
            assert_eq!(answer(r#"{"delegationId":"d-1"}"#).unwrap().id(), Some("d-1"));
            assert!(answer("{}").is_err());
        }
    }
}
