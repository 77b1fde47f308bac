use super::price_request::PriceRequest;
use super::speaker::Speaker;
use super::state::State;
use crate::paywall::Gate;
use crate::wire::Credits;
use core::pin::Pin;
use std::sync::Arc;

/// The values that all requests share.
pub(super) struct Shared<T> {
    pub(super) gate: Gate,
    /// The dialects beside x402 with plans, where there are any.
    pub(super) dialects: Option<Speaker>,
    pub(super) transport: T,
    pub(super) state: Option<State>,
    pub(super) price: Option<Price>,
    pub(super) client_address: ClientAddress,
    pub(super) log: Log,
    pub(super) routed: bool,
}

/// Wakes the task of the state, which then ends.
impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            state.wake();
        }
    }
}

pub(super) type Price = Box<dyn Fn(PriceRequest, String) -> Priced + Send + Sync>;
pub(super) type Priced = Pin<Box<dyn Future<Output = Option<Credits>> + Send>>;
pub(super) type ClientAddress = Box<dyn Fn(&http::request::Parts) -> Option<String> + Send + Sync>;
pub(super) type Log = Arc<dyn Fn(&str) + Send + Sync>;
