//! Facts about the client that matter to pages and passes: a browser, a holder of a pass.

use super::gate::{Action, Gate, RequestHead};
use super::http::method::Method;
use super::http::path::Target;
use super::page::{self, Navigation};
use super::pass::{Pass, PresentedPasses};
use super::pricing::price::PaidRoute;
use super::request_flow::RequestFlow;
use super::response::gate_response::GateResponse;
use alloc::{
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Value, json};

/// Facts about the client, taken from the request.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// Somebody with a browser, for whom a refusal is a page.
    pub(crate) navigation: Option<Navigation>,
    pub(crate) passes: PresentedPasses,
    /// The client came over TLS.
    pub(crate) https: bool,
    /// The paid route that it asks for, if any.
    pub(crate) route: Option<Rc<PaidRoute>>,
}

impl Client {
    pub(crate) fn read(method: Method, target: &Target, request: &RequestHead) -> Self {
        Self {
            navigation: Navigation::of(method, target, &request.headers),
            passes: PresentedPasses::read(&request.headers, method),
            https: target.origin.starts_with("https:"),
            route: None,
        }
    }
}

impl RequestFlow {
    /// Answers for an address of the gate's own; nothing where it is none, and then it is a resource like any other.
    pub(crate) fn own_endpoint(
        &mut self,
        gate: &Gate,
        method: Method,
        target: &Target,
        request: &RequestHead,
    ) -> Option<Result<Action, GateResponse>> {
        let segments = page::is_own(&target.path)?;
        let settings = self.settings.clone();
        let name = segments.first().map(String::as_str).filter(|_| segments.len() == 1);
        let action = match name {
            // A page of another origin may ask both, with a header of ours.
            Some("status" | "passes")
                if method == Method::Options
                    && request.headers.get("access-control-request-method").is_some() =>
            {
                Err(settings.cors.preflight(&request.headers, &[Method::Get, Method::Head]))
            }
            Some("status") => self.status(gate, method, request)?,
            Some("passes") if settings.passes.is_some() => Ok(self.passes(method)),
            _ => Ok(settings.page.as_ref()?.own(method, segments).map(|answer| self.respond(answer))?),
        };
        self.log.route = "own".into();
        Some(action)
    }

    /// Makes of a refusal the page for it, where there is somebody to read one.
    pub(crate) fn make_page(&self, answer: &mut GateResponse) {
        let Some(page) = &self.settings.page else { return };
        let set =
            self.client.route.as_ref().and_then(|terms| self.settings.passes.as_ref()?.set_of(&terms.name));
        page.dress(answer, self.client.navigation.as_ref(), set.map(|set| (set.name.as_str(), set.seconds)));
    }

    /// `GET /.well-known/payments/passes`: those that came along and are good for something, so that a page knows
    /// whether its browser keeps them.
    fn passes(&self, method: Method) -> Action {
        let Some(passes) = &self.settings.passes else { return self.respond(GateResponse::empty(404)) };
        if !matches!(method, Method::Get | Method::Head) {
            let answer = GateResponse::error(405, "method_not_listed", "This method is not offered here.");
            return self.respond(answer.with("allow", "GET, HEAD"));
        }
        let held = passes.held(&self.client.passes, self.now);
        let held: Vec<Value> = held.iter().map(Pass::describe).collect();
        self.respond(GateResponse::document(200, json!({ "passes": held }).to_string()))
    }
}
