//! Delegations, payment methods and card charges.

pub(crate) mod charges;
pub(crate) mod delegation;
pub(crate) mod payment_methods;
