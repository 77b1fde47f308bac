//! The endpoints of an agent, as path-to-regexp patterns: the URLs that its plans give access to (contract sections
//! 4.2, 4.5).

use crate::http::fields::text;
use serde_json::{Map, Value};

/// The registered endpoints of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// Verb and pattern. The verbs `ANY`, `ALL` and `*` match all verbs.
    listed: Vec<(String, String)>,
    open: Vec<String>,
}

impl Endpoints {
    /// Reads `agentApiAttributes`. An entry is `{ "POST": "https://..." }`. An entry of another shape, such as `{
    /// "verb": "POST", "url": ... }`, matches nothing, as on the hosted service.
    pub(crate) fn read(api: &Map<String, Value>) -> Self {
        let list = |name: &str| api.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let listed = list("endpoints")
            .iter()
            .filter_map(Value::as_object)
            .flatten()
            .filter_map(|(verb, url)| Some((verb.to_ascii_uppercase(), url.as_str()?.to_owned())))
            .collect();
        let open = list("openEndpoints").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Self { listed, open }
    }

    /// Finds the entry for a request. Without registered endpoints every request matches. `test` runs a regular
    /// expression.
    pub(crate) fn allow(
        &self,
        verb: Option<&str>,
        url: &str,
        test: impl Fn(&str, &str) -> bool,
    ) -> Option<Match> {
        if self.listed.is_empty() {
            return Some(Match::default());
        }
        let fits = |pattern: &str| test(&expression(pattern, has_origin(url)), without_query(url));
        let of_verb = |listed: &str| {
            matches!(listed, "ANY" | "ALL" | "*") || verb.is_none_or(|verb| listed.eq_ignore_ascii_case(verb))
        };
        let listed = self.listed.iter().find(|(listed, pattern)| of_verb(listed) && fits(pattern));
        let found = listed.map(|(verb, pattern)| Match { verb: verb.clone(), url: pattern.clone() });
        found.or_else(|| self.open.iter().any(|pattern| fits(pattern)).then(Match::default))
    }
}

/// The entry that matched a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) verb: String,
    pub(crate) url: String,
}

fn has_origin(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('/'))
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// The path of a pattern.
fn path(pattern: &str) -> &str {
    let rest = pattern.split_once("://").map(|(_, rest)| rest);
    rest.map_or(pattern, |rest| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"))
}

/// Converts a pattern to a JavaScript regular expression. `:name` matches a segment, `:name(re)` and `(re)` match the
/// expression, `*` and `{*name}` match anything, `{...}` is optional, and `?`, `+`, `*` after a segment say how often
/// it may occur. A resource without an origin, as middlewares send it, is compared with the pattern's path.
fn expression(pattern: &str, whole: bool) -> String {
    let pattern = if whole { pattern } else { path(pattern) };
    let mut out = String::from("^");
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        let name = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            while rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
        };
        match next {
            ':' if rest.peek().is_some_and(|c| c.is_alphabetic() || *c == '_') => {
                name(&mut rest);
                let group = if rest.peek() == Some(&'(') { group(&mut rest) } else { "[^/]+".to_owned() };
                repeat(&mut out, &group, &mut rest);
            }
            '(' => {
                let group = inner(&mut rest);
                repeat(&mut out, &group, &mut rest);
            }
            '*' => {
                name(&mut rest);
                out.push_str(".*");
            }
            '{' => out.push_str("(?:"),
            '}' => out.push_str(")?"),
            other if other.is_alphanumeric() || matches!(other, '/' | '_' | '~' | '%') => out.push(other),
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out.push_str("/?$");
    out
}

/// Reads the group whose opening bracket is the next character.
fn group(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    rest.next();
    inner(rest)
}

/// Reads the content of a group up to its closing bracket.
fn inner(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let (mut text, mut depth, mut escaped) = (String::new(), 1, false);
    for next in rest.by_ref() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        text.push(next);
    }
    text
}

/// Appends a group with its modifier. A slash before the group belongs to what repeats.
fn repeat(out: &mut String, group: &str, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let Some(modifier) = rest.next_if(|c| matches!(c, '?' | '+' | '*')) else {
        out.push_str(&format!("(?:{group})"));
        return;
    };
    let slash = if out.ends_with('/') {
        out.pop();
        "/"
    } else {
        ""
    };
    out.push_str(&format!("(?:{slash}(?:{group})){modifier}"));
}

/// Reads the endpoints from a stored agent.
pub(crate) fn of(api: &str) -> Endpoints {
    let api: Value = serde_json::from_str(api).unwrap_or(Value::Null);
    api.as_object().map(Endpoints::read).unwrap_or_default()
}

/// The HTTP verb of an offer or a token.
pub(crate) fn verb(side: &Map<String, Value>) -> Option<&str> {
    side.get("extra").and_then(Value::as_object).and_then(|extra| text(extra, "httpVerb"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_become_regular_expressions() {
        for (pattern, whole, expected) in [
            ("https://a.example/ask", true, "^https\\:\\/\\/a\\.example\\/ask/?$"),
            ("https://a.example/ask", false, "^/ask/?$"),
            ("http://localhost:3000/a", true, "^http\\://localhost\\:3000/a/?$"),
            ("https://a.example", false, "^//?$"),
            ("/agents/:id/tasks", false, "^/agents/(?:[^/]+)/tasks/?$"),
            ("/agents/:id(\\d+)", false, "^/agents/(?:\\d+)/?$"),
            ("/files/(.*)", false, "^/files/(?:.*)/?$"),
            ("/files/*", false, "^/files/.*/?$"),
            ("/files{/:name}", false, "^/files(?:/(?:[^/]+))?/?$"),
            ("/files/:name?", false, "^/files(?:/(?:[^/]+))?/?$"),
            ("/files/:name+", false, "^/files(?:/(?:[^/]+))+/?$"),
            ("/data.csv", false, "^/data\\.csv/?$"),
        ] {
            assert_eq!(expression(pattern, whole), expected.replace("\\/", "/"), "{pattern}");
        }
    }

    #[test]
    fn requests_are_matched_with_the_endpoints_of_an_agent() {
        let api = json!({
            "endpoints": [{ "POST": "https://a.example/ask" }, { "verb": "GET", "url": "https://a.example/other" }],
            "openEndpoints": ["https://a.example/health"],
        });
        let endpoints = Endpoints::read(api.as_object().unwrap());
        // A stand-in for the regular expression engine: these patterns contain only escapes and an end mark.
        let test = |pattern: &str, url: &str| {
            pattern.replace('\\', "").trim_start_matches('^').trim_end_matches("/?$") == url
        };
        for (verb, url, allowed) in [
            (Some("POST"), "https://a.example/ask", true),
            (Some("post"), "https://a.example/ask?q=1", true),
            (None, "https://a.example/ask", true),
            (Some("POST"), "/ask", true),
            (Some("POST"), "/ask?q=1", true),
            (Some("GET"), "https://a.example/ask", false),
            (Some("GET"), "https://a.example/other", false),
            (Some("GET"), "https://a.example/health", true),
            (Some("POST"), "https://b.example/ask", false),
        ] {
            assert_eq!(endpoints.allow(verb, url, test).is_some(), allowed, "{verb:?} {url}");
        }
        assert!(Endpoints::default().allow(Some("GET"), "/anything", |_, _| false).is_some());
    }
}
