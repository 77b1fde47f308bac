//! Who asks, as far as pages and passes go: somebody with a browser, somebody with a pass.

use super::answer::Answer;
use super::gate::{Action, RequestHead};
use super::method::Method;
use super::page::{self, Navigation};
use super::pass::{Carried, Pass};
use super::path::Target;
use super::price::Terms;
use super::visit::Visit;
use alloc::{
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Value, json};

/// What is known of a guest from the request.
#[derive(Debug, Default)]
pub(crate) struct Guest {
    /// Somebody with a browser, for whom a refusal is a page.
    pub(crate) navigation: Option<Navigation>,
    pub(crate) carried: Carried,
    /// Whether they came over TLS.
    pub(crate) https: bool,
    /// What they ask for, where it is to be paid.
    pub(crate) terms: Option<Rc<Terms>>,
}

impl Guest {
    pub(crate) fn read(method: Method, target: &Target, request: &RequestHead) -> Self {
        Self {
            navigation: Navigation::of(method, target, &request.headers),
            carried: Carried::read(&request.headers, method),
            https: target.origin.starts_with("https:"),
            terms: None,
        }
    }
}

impl Visit {
    /// Answers for an address of the gate's own; nothing where it is none, and then it is a resource like any other.
    pub(crate) fn own(&mut self, method: Method, target: &Target, request: &RequestHead) -> Option<Action> {
        let segments = page::is_own(&target.path)?;
        let settings = self.settings.clone();
        match segments.first().map(String::as_str) {
            Some("status") if segments.len() == 1 => self.status(method, request),
            Some("passes") if segments.len() == 1 && settings.passes.is_some() => Some(self.passes(method)),
            _ => settings.page.as_ref()?.own(method, segments).map(|answer| self.respond(answer)),
        }
    }

    /// Makes of a refusal the page for it, where there is somebody to read one.
    pub(crate) fn dress(&self, answer: Answer) -> Answer {
        let Some(page) = &self.settings.page else { return answer };
        let set =
            self.guest.terms.as_ref().and_then(|terms| self.settings.passes.as_ref()?.set_of(&terms.route));
        page.dress(answer, self.guest.navigation.as_ref(), set.map(|set| (set.name.as_str(), set.seconds)))
    }

    /// `GET /.well-known/payments/passes`: those that came along and are good for something, so that a page knows
    /// whether its browser keeps them.
    fn passes(&self, method: Method) -> Action {
        let Some(passes) = &self.settings.passes else { return self.respond(Answer::empty(404)) };
        if !matches!(method, Method::Get | Method::Head) {
            let answer = Answer::error(405, "method_not_listed", "This method is not offered here.");
            return self.respond(answer.with("allow", "GET, HEAD"));
        }
        let held = passes.held(&self.guest.carried, self.now);
        let held: Vec<Value> = held.iter().map(Pass::describe).collect();
        self.respond(Answer::document(200, json!({ "passes": held }).to_string()))
    }
}
