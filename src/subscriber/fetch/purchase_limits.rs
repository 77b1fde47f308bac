use super::request::FetchRequest;
use crate::api::plans::PlanPrice;
use crate::subscriber::{Budget, FetchError, Policy, PurchaseLimits};

/// The reason why a fetch may not order a plan now. By a policy alone a plan is bought only where plans or a price are named,
/// and once an hour where no number is. `asked`: somebody agreed to this very purchase.
pub(crate) fn purchase_refusal(
    request: &FetchRequest,
    asked: bool,
    price: Option<&PlanPrice>,
    budget: &Budget,
    now: u64,
) -> Option<FetchError> {
    let is_bounded = |policy: &Policy| !policy.plans.is_empty() || policy.max_price.is_some();
    if !asked && !request.policies().any(is_bounded) {
        return Some(FetchError::PurchaseUnbounded);
    }
    if !request.policies().all(|policy| policy.allows_price(price)) {
        return Some(FetchError::BudgetExceeded("maxPrice"));
    }
    let default = Policy {
        max_purchases: PurchaseLimits { per_hour: Some(1), ..PurchaseLimits::default() },
        ..Policy::default()
    };
    let is_unlimited = !request.policies().any(|policy| policy.max_purchases.is_set());
    let default = (!asked && is_unlimited).then_some(&default);
    let limit =
        request.policies().chain(default).find_map(|policy| policy.broken_purchase_limit(budget, now));
    limit.map(FetchError::BudgetExceeded)
}
