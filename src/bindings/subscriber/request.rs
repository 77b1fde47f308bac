//! Requests and events, out of the fields that `js/core.js` writes in this order.

use super::fields::Fields;
use crate::api::plans::PlanPrice;
use crate::subscriber::{
    AmountLimit, Approval, Event, FetchId, FetchRequest, Policy, PurchaseLimits, Redirected, Redirects,
    ResponseHead, Target, Timeouts,
};
use crate::wire::{DelegationRef, WireError};
use alloc::sync::Arc;

pub(super) fn fetch_id(fields: &mut Fields<'_>) -> FetchId {
    FetchId::from(fields.small().unwrap_or_default())
}

fn target(fields: &mut Fields<'_>) -> Option<Target> {
    let (url, origin, path) = (fields.next(), fields.next(), fields.next());
    (!url.is_empty()).then(|| Target { url: url.into(), origin: origin.into(), path: path.into() })
}

/// `delegationId`, or else `apiKeyId`.
pub(super) fn delegation(fields: &mut Fields<'_>) -> Result<Option<DelegationRef>, WireError> {
    let (id, api_key_id) = (fields.value(), fields.value());
    DelegationRef::of_config(id.as_deref(), api_key_id.as_deref())
}

pub(super) fn request(fields: &mut Fields<'_>) -> Result<FetchRequest, WireError> {
    let target = target(fields).unwrap_or(Target { url: "".into(), origin: "".into(), path: "".into() });
    let method = fields.next();
    let mut request = FetchRequest::new(target, method);
    request.redirects = match fields.next() {
        "manual" => Redirects::Manual,
        "error" => Redirects::Error,
        _ => Redirects::Follow,
    };
    request.quote = fields.is_set();
    request.asks = fields.small().unwrap_or_default();
    request.can_ask = request.asks > 0;
    request.within = fields.small().map(FetchId::from);
    request.can_select = fields.is_set();
    request.single_use = fields.flag();
    request.prefetch = fields.small().unwrap_or_default();
    request.timeouts = Timeouts {
        send: fields.small(),
        platform: fields.small(),
        approve: fields.small(),
        credits: fields.small(),
    };
    request.resume = fields.small().map(FetchId::from);
    request.delegation_id = delegation(fields)?;
    request.policy = policy(fields);
    request.limits = policy(fields);
    Ok(request)
}

/// A policy, where a one stands before it.
fn policy(fields: &mut Fields<'_>) -> Option<Arc<Policy>> {
    if !fields.is_set() {
        return None;
    }
    Some(Arc::new(Policy {
        max_credits_per_request: fields.credits(),
        max_credits_per_hour: fields.credits(),
        max_credits_per_day: fields.credits(),
        max_credits_total: fields.credits(),
        plans: fields.list(),
        origins: fields.list(),
        networks: fields.list(),
        schemes: fields.list(),
        purchase: fields.flag(),
        max_purchases: PurchaseLimits {
            per_hour: fields.small(),
            per_day: fields.small(),
            total: fields.small(),
        },
        max_price: match (fields.credits(), fields.string()) {
            (Some(amount), Some(currency)) => Some(PlanPrice { amount, currency }),
            _ => None,
        },
        count_price: fields.is_set(),
        max_amounts: (0..fields.small().unwrap_or_default()).map(|_| amount_limit(fields)).collect(),
    }))
}

fn amount_limit(fields: &mut Fields<'_>) -> AmountLimit {
    AmountLimit {
        currency: fields.next().into(),
        per_request: fields.credits(),
        per_hour: fields.credits(),
        per_day: fields.credits(),
        total: fields.credits(),
    }
}

pub(super) fn event(mut fields: Fields<'_>) -> Result<Event, WireError> {
    Ok(match fields.next() {
        "answered" => Event::Answered(ResponseHead {
            status: u16::try_from(fields.number().unwrap_or_default()).unwrap_or_default(),
            redirected: fields.is_set(),
            target: target(&mut fields),
            location: match fields.is_set() {
                true => Some(Redirected::Somewhere),
                false => target(&mut fields).map(Redirected::To),
            },
            offer: fields.value(),
            receipt: fields.value(),
            dialects: fields.value(),
        }),
        "body" => Event::Body(fields.last_value()),
        "selected" => Event::Selected(fields.number().and_then(|place| usize::try_from(place).ok())),
        "approved" => Event::Approved(Approval {
            approve: fields.is_set(),
            purchase: fields.flag(),
            remember: fields.is_set(),
            delegation_id: delegation(&mut fields)?,
        }),
        "approveFailed" => Event::ApproveFailed,
        "timedOut" => Event::TimedOut,
        "aborted" => Event::Aborted,
        _ => Event::SendFailed,
    })
}
