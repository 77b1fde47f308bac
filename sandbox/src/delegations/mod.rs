//! Delegations, payment methods and card charges.

pub(crate) mod charges;
pub(crate) mod delegation;
pub(crate) mod delegation_routes;
pub(crate) mod payment_methods;
pub(crate) mod remove_card;
