//! Orders of plans and credits, by API and by page.

pub(crate) mod checkout_page;
pub(crate) mod credit_operations;
pub(crate) mod off_plan_orders;
pub(crate) mod plan_orders;
