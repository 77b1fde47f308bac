use super::error::{Wrong, wrong};
use crate::codec::text::ByteSplit;
use crate::paywall::http::host::Host;
use crate::paywall::http::method::Method;
use crate::paywall::pricing::price::PaidRoute;
use crate::paywall::routing::path_pattern::Pattern;
use crate::paywall::routing::route_table::{Entry, Routes};
use alloc::{sync::Arc, vec::Vec};

/// The key of a route, read: `POST /ask`, `GET|PUT /files/:name`, `* api.example/*rest`.
///
/// Methods, one space, a host if it is for one only, a path (see [`Pattern`]). The methods are upper case with `|`
/// between them, or `*` for all; `HEAD` goes with `GET` and may be named beside it. The host is compared without a
/// port, unless it has one.
#[derive(Debug)]
pub(crate) struct RouteKey {
    methods: Vec<Method>,
    host: Option<Host>,
    pattern: Pattern,
}

impl RouteKey {
    /// Reads the key at the path `at` of the configuration.
    ///
    /// # Errors
    /// Names `at`, and says what is wrong there.
    pub(crate) fn parse(key: &str, at: &str) -> Result<Self, Wrong> {
        let shape = "must be a method and a path, like \"POST /ask\"";
        let (methods, place) = key.split_once_byte(b' ').ok_or_else(|| wrong(at, shape))?;
        let (authority, path) = match place.split_before(b"/") {
            Some((authority, path)) => (authority, path),
            None => return Err(wrong(at, "must have a path, which begins with a slash")),
        };
        let host = match authority {
            "" => None,
            text => Some(
                Host::parse("", text)
                    .filter(|host| host.print() == text)
                    .ok_or_else(|| wrong(at, "has an invalid host, or one not in lower case"))?,
            ),
        };
        let pattern = Pattern::parse(path).map_err(|problem| wrong(at, problem))?;
        Ok(Self { methods: parse_methods(methods, at)?, host, pattern })
    }

    /// The methods, `HEAD` left out.
    pub(crate) fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Puts it on the list, with what it costs by method; open without.
    ///
    /// # Errors
    /// Names `at`, and the route on the list that it collides with.
    pub(crate) fn list(
        self,
        routes: &mut Routes,
        at: &str,
        mut terms: impl FnMut(Method) -> Option<Arc<PaidRoute>>,
    ) -> Result<(), Wrong> {
        for method in self.methods {
            let (host, pattern) = (self.host.clone(), self.pattern.clone());
            let entry = Entry { at: at.into(), method, host, pattern, terms: terms(method) };
            routes.add(entry).map_err(|problem| wrong(at, problem))?;
        }
        Ok(())
    }
}

fn parse_methods(text: &str, at: &str) -> Result<Vec<Method>, Wrong> {
    const LISTED: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    if text == "*" {
        return Ok(LISTED.to_vec());
    }
    let mut methods = Vec::new();
    for name in text.split_byte(b'|') {
        let method = Method::parse(name)
            .filter(|method| *method == Method::Head || LISTED.contains(method))
            .ok_or_else(|| {
                wrong(
                    at,
                    "must begin with GET, POST, PUT, PATCH or DELETE, several with | between them, or *",
                )
            })?;
        if methods.contains(&method) {
            return Err(wrong(at, "names a method twice"));
        }
        methods.push(method);
    }
    let named = methods.len();
    methods.retain(|method| *method != Method::Head);
    if methods.len() < named && !methods.contains(&Method::Get) {
        return Err(wrong(at, "names HEAD without GET"));
    }
    Ok(methods)
}
