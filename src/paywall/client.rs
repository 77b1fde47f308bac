use super::action::RequestHead;
use super::http::method::Method;
use super::http::path::Target;
use super::page::Navigation;
use super::pass::PresentedPasses;
use super::pricing::price::PaidRoute;
use alloc::sync::Arc;

/// The client of a request, as far as pages and passes go.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// Set where a person with a browser asks: a refusal is a page then.
    pub(crate) navigation: Option<Navigation>,
    pub(crate) passes: PresentedPasses,
    /// Set where the client came over TLS.
    pub(crate) https: bool,
    /// The paid route that it asks for.
    pub(crate) route: Option<Arc<PaidRoute>>,
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
