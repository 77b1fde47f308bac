//! `GET /.well-known/payments/passes`: the passes that came with the request and are valid, so that a page knows if its
//! browser keeps them.

use crate::codec;
use crate::paywall::flow::context::Context;
use crate::paywall::http::method::Method;
use crate::paywall::pass::Pass;
use crate::paywall::response::gate_response::GateResponse;
use alloc::vec::Vec;
use serde_json::Value;

/// The list of passes, for `GET` and `HEAD`.
pub(crate) fn answer(method: Method, context: &Context) -> GateResponse {
    let Some(passes) = &context.settings().passes else { return GateResponse::empty(404) };
    if !matches!(method, Method::Get | Method::Head) {
        let answer = GateResponse::error(405, "method_not_listed", "This method is not offered here.");
        return answer.with("allow", "GET, HEAD");
    }
    let held = passes.held(&context.client.passes, context.now);
    let held: Vec<Value> = held.iter().map(Pass::describe).collect();
    GateResponse::document(200, codec::print(&codec::object(Vec::from([("passes", held.into())]))))
}
