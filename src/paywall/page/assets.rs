//! The addresses of the gate's own, below `/.well-known/payments/`.

use super::view::{self, View};
use super::{Page, ROOT};
use crate::paywall::http::method::Method;
use crate::paywall::http::path::CanonicalPath;
use crate::paywall::response::gate_response::GateResponse;
use alloc::string::String;

/// How long a script may be kept: its address changes with it.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The frame of what was bought reaches nothing around it.
const FRAME_POLICY: &str = "sandbox allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads \
    allow-top-navigation-by-user-activation; default-src * data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'";

/// The segments behind the root of the gate's own addresses, if this is one of them.
pub(crate) fn is_own(path: &CanonicalPath) -> Option<&[String]> {
    path.segments().strip_prefix(&ROOT.map(Into::<String>::into))
}

impl Page {
    /// Answers for an address of the page's; nothing where it is none.
    pub(crate) fn own(&self, method: Method, segments: &[String]) -> Option<GateResponse> {
        let mut names = segments.iter().map(String::as_str);
        let answer = match (names.next(), names.next(), names.next(), names.next()) {
            // The way back from a login: the key in its address is for the page alone, and goes no further.
            (Some("login"), None, ..) => self.blank(),
            (Some("frame"), None, ..) => {
                let mut answer = GateResponse::empty(200);
                answer.headers.set("content-type", "text/html; charset=utf-8");
                answer.headers.set("content-security-policy", FRAME_POLICY);
                answer.headers.set("referrer-policy", "no-referrer");
                answer.headers.set("x-content-type-options", "nosniff");
                answer.body = Some(self.built.frame.clone());
                answer
            }
            (Some("sdk"), Some(build), Some(name), None) if build == self.built.id => self.script(name)?,
            _ => return None,
        };
        if matches!(method, Method::Get | Method::Head) {
            return Some(answer);
        }
        let answer = GateResponse::error(405, "method_not_listed", "This method is not offered here.");
        Some(answer.with("allow", "GET, HEAD"))
    }

    fn blank(&self) -> GateResponse {
        let mut answer = GateResponse::empty(200);
        answer.body = Some(view::render(self, &View::default()));
        self.headers(&mut answer.headers);
        answer
    }

    fn script(&self, name: &str) -> Option<GateResponse> {
        let name = self.built.files.iter().find(|known| *known == name)?;
        let mut answer = GateResponse::empty(200);
        answer.headers.set("content-type", "text/javascript; charset=utf-8");
        answer.headers.set("cache-control", FOREVER);
        answer.headers.set("x-content-type-options", "nosniff");
        answer.headers.set("cross-origin-resource-policy", "same-origin");
        answer.file = Some(name.clone());
        Some(answer)
    }
}
