//! The flow of one request. Each state is a type that owns its data: it takes an event and returns the state that waits
//! for the next one, the end of the request, or the next phase ([`progress::Progress`]).
//!
//! | phase | file |
//! |---|---|
//! | the gate's endpoints, the route, the price, the forwarded request | [`opening`] |
//! | the terms of a plan | [`plan_lookup`] |
//! | rates, price handler, pass, allowance, token | [`admission`], [`pass_admission`] |
//! | verify | [`verification`] |
//! | claim, rates and open deliveries in the state; debts | [`reservation`], [`debts`] |
//! | the origin | [`forwarded`] |
//! | settle, journal, delivery | [`settlement`], [`settlement_attempt`] |
//!
//! [`flow_state`] is the list of the states, and [`context`] the part of a request that all of them work with.

pub(crate) mod admission;
pub(crate) mod context;
pub(crate) mod debts;
pub(crate) mod flow_state;
pub(crate) mod forwarded;
pub(crate) mod opening;
pub(crate) mod pass_admission;
pub(crate) mod payment_attempt;
pub(crate) mod plan_lookup;
pub(crate) mod progress;
pub(crate) mod reservation;
pub(crate) mod settlement;
pub(crate) mod settlement_attempt;
pub(crate) mod verification;
