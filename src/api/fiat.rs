//! Buying a plan by card (sections 4.1 and 8.4).

use super::Request;
use crate::wire::PlanId;
use alloc::format;

/// Begin a card checkout: `POST /api/v1/fiat/stripe/payment`, with the buyer's key. Answers
/// `{ result: { checkoutLink, stripeCheckoutSessionId, … } }`; nothing is charged before somebody pays at that link.
///
/// The platform has no place for a way back, and says nothing when it is paid: the credits do.
#[must_use]
pub fn order_fiat_plan(plan_id: &PlanId) -> Request {
    // An id needs no escaping.
    let body = format!(r#"{{"sessionType":"embedded","planId":"{plan_id}"}}"#);
    Request::post("/api/v1/fiat/stripe/payment", Some(body))
}
