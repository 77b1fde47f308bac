//! Rules 16 and 26: which requests a route's key stands for, which keys are refused, and what an alias gets.

mod keys;
mod matching;

use super::*;
use alloc::{format, string::ToString};

fn with_routes(keys: &[&str], over: &[(&str, &str)]) -> Result<Gate, ConfigError> {
    // Each costs one more than the one before, so that an offer tells which it was.
    let price =
        |(index, key): (usize, &&str)| format!(r#"{key:?}: {{"planId": "1", "credits": {}}}"#, index + 1);
    let routes = keys.iter().enumerate().map(price).collect::<Vec<_>>().join(", ");
    let routes = format!("{{{routes}}}");
    let over: Vec<_> = [("ROUTES", routes.as_str()), ("OPEN_ROUTES", "[]")]
        .into_iter()
        .chain(over.iter().copied())
        .collect();
    // The first of two wins.
    let over: Vec<_> = over.iter().rev().copied().collect();
    settings(&over).map(Gate::new).map(|gate| knowing(gate, &["1"]))
}

/// The offer for a request: the credits, else the error code, else `forwarded`.
fn fate(gate: &Gate, method: &str, url: &str) -> String {
    let request = RequestHead { method: method.into(), url: url.into(), ..RequestHead::default() };
    match gate.open(&request).1 {
        Action::Respond(answer) if answer.status == 402 => {
            body(&answer)["accepts"][0]["extra"]["credits"].as_str().unwrap().to_string()
        }
        Action::Respond(answer) => body(&answer)["code"].as_str().unwrap_or("none").to_string(),
        Action::Forward(_) => "forwarded".into(),
        other => panic!("{other:?}"),
    }
}

/// The path as an origin reads it that decodes twice and ignores case, doubled slashes and the last one.
fn lax(url: &str) -> String {
    let path = url.trim_start_matches("https://origin.example").split('?').next().unwrap();
    let twice = (0..2).fold(path.to_string(), |path, _| decode(&path));
    let segments: Vec<_> = twice.split('/').filter(|segment| !segment.is_empty()).collect();
    ["/", &segments.join("/")].concat().to_ascii_lowercase()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|hex| core::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let byte = if *first == b'%' { hex } else { None };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_paid(path: &str) -> bool {
    let plain: String = path.chars().filter(char::is_ascii).collect();
    let folder =
        ["/index", "/default"].iter().find_map(|page| Some(plain.split_at_checked(plain.rfind(page)?)?.0));
    let plain = folder.unwrap_or(&plain);
    let stem = plain.split([';', '.', ':', '?', '#', '\0']).next().unwrap_or_default();
    stem == "/paid"
        || plain.starts_with("/files/") && plain.matches('/').count() == 2
        || plain.starts_with("/data/")
}
