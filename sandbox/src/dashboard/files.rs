//! The dashboard: a page and its scripts. They call the sandbox's own routes only.

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::response::Response;

/// The Content-Security-Policy of the page: its own scripts, its own style sheets, requests to this origin. Trusted
/// types keep text from becoming markup.
pub(crate) const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, media type and text of the files. The other pages load `base.css`, `pages.css` and the icon.
const FILES: [(&str, &str, &str); 13] = [
    ("account.js", SCRIPT, include_str!("account.js")),
    ("api.js", SCRIPT, include_str!("api.js")),
    ("base.css", CSS, include_str!("base.css")),
    ("controls.js", SCRIPT, include_str!("controls.js")),
    ("dashboard.css", CSS, include_str!("dashboard.css")),
    ("dom.js", SCRIPT, include_str!("dom.js")),
    ("format.js", SCRIPT, include_str!("format.js")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("lists.js", SCRIPT, include_str!("lists.js")),
    ("log.css", CSS, include_str!("log.css")),
    ("log.js", SCRIPT, include_str!("log.js")),
    ("main.js", SCRIPT, include_str!("main.js")),
    ("pages.css", CSS, include_str!("../pages/pages.css")),
];

/// `GET /dashboard`
pub(crate) fn page() -> Result {
    Ok(Response::file(HTML, include_str!("index.html")))
}

/// `GET /dashboard/:file`
pub(crate) fn file(name: &str) -> Result {
    let found = FILES.iter().find(|(known, _, _)| *known == name);
    let (_, kind, text) = found.ok_or_else(|| {
        ApiError::new(404, "SANDBOX.NOT_FOUND", format!("The dashboard has no file {name}"))
    })?;
    Ok(Response::file(kind, text))
}

/// True if a browser opens `/`, which an API client never does. The browser is redirected to the dashboard.
pub(crate) fn is_browser_visit(ctx: &RequestContext) -> bool {
    ctx.request.accept.as_deref().is_some_and(|accept| accept.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_the_page_exist() {
        let html = include_str!("index.html");
        let modules = FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT).map(|(_, _, text)| *text);
        for text in modules.chain([html]) {
            for part in text.split(['"', '\'']) {
                let name = part.strip_prefix("/dashboard/").or_else(|| part.strip_prefix("./"));
                if let Some(name) = name.filter(|name| name.contains('.')) {
                    assert!(file(name).is_ok(), "{name}");
                }
            }
        }
    }

    #[test]
    fn no_script_turns_text_into_markup() {
        for (name, _, text) in FILES {
            for way in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "http://",
                "https://",
            ] {
                let allowed = name == "icon.svg" && way == "http://";
                assert!(allowed || !text.contains(way), "{name} has {way}");
            }
        }
        let html = include_str!("index.html");
        for way in ["style=", "onclick", "<style", "http://", "https://"] {
            assert!(!html.contains(way), "{way}");
        }
    }
}
