//! The 402 for people (rule 17): a page on which a person sees what a resource costs, logs in, buys and goes on; and the
//! addresses of the gate's own that it needs.
//!
//! It stands by itself: one document with its style, and the scripts that the Worker carries. It may load nothing from
//! elsewhere, and talk to this gate and to the platform only.

mod assets;
mod settings;
mod theme;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use assets::is_own;
pub(crate) use settings::Page;

use super::http::headers::HeaderList;
use super::http::method::Method;
use super::http::path::Target;
use super::response::gate_response::GateResponse;
use crate::codec::text::ByteSplit;
use crate::wire::PaymentRequired;
use alloc::string::String;
use view::View;

/// Under this the gate answers by itself; nothing of it is forwarded.
const ROOT: [&str; 2] = [".well-known", "payments"];

/// Somebody with a browser, who goes to a resource.
#[derive(Debug, Clone)]
pub(crate) struct Navigation {
    /// The resource, as a URL of this host: path and query.
    to: String,
    /// The request can be repeated. A submitted form cannot.
    again: bool,
}

impl Navigation {
    /// Detects a page load: the client asks for HTML by name and is not a script. A browser says so in `sec-fetch-mode`
    /// where it can; headers that only programs send exclude a page.
    pub(crate) fn of(method: Method, target: &Target, headers: &HeaderList) -> Option<Self> {
        let html = headers.members("accept").any(|kind| {
            let mut parts = kind.split_byte(b';').map(str::trim);
            let named = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
            named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        });
        let navigates = headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
        let program = ["payment-signature", "x-payment-pass", "x-requested-with"]
            .into_iter()
            .any(|name| headers.get(name).is_some());
        if !html || !navigates || program {
            return None;
        }
        let mut to = target.path.print();
        if let Some(query) = &target.query {
            to.push('?');
            to.push_str(query);
        }
        Some(Self { to, again: matches!(method, Method::Get | Method::Head) })
    }
}

impl Page {
    /// Makes of a refusal with an offer the page for it, where there is somebody to read one. What a program reads stays
    /// where it is: status and headers.
    pub(crate) fn dress(
        &self,
        answer: &mut GateResponse,
        code: &str,
        navigation: Option<&Navigation>,
        pass: Option<(&str, u64)>,
    ) {
        if !answer.offers {
            return;
        }
        answer.headers.merge("vary", &["Accept", "Sec-Fetch-Mode"]);
        let Some(navigation) = navigation else { return };
        let offer = answer.body.as_deref().and_then(|body| PaymentRequired::from_json(body.as_bytes()).ok());
        let Some(offer) = offer else { return };
        let document = answer.body.as_deref().and_then(|body| crate::codec::parse_json(body.as_bytes()));
        let view = View {
            to: Some(&navigation.to),
            again: navigation.again,
            offer: Some(&offer),
            code: Some(code),
            message: document.as_ref().and_then(|document| document.get("message")?.as_str()),
            pass,
        };
        answer.body = Some(view::render(self, &view));
        self.headers(&mut answer.headers);
    }

    /// Sets the page's headers: content type, content security policy and protections against embedding.
    fn headers(&self, headers: &mut HeaderList) {
        headers.set("content-type", "text/html; charset=utf-8");
        headers.set("content-security-policy", self.policy.as_str());
        headers.set("referrer-policy", "no-referrer");
        headers.set("x-content-type-options", "nosniff");
        headers.set("x-frame-options", "DENY");
    }
}
