//! The shell of the builder API in JavaScript: calls become requests and answers become values, as texts of JSON. `fetch`,
//! timers and classes are in the `.js` files beside: what goes out, and what an answer means, is decided in
//! [`api::builder`](crate::api::builder).

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use crate::api::builder::{self, Surroundings};
use crate::api::{ApiError, Auth, Deployment, Response};
use crate::codec::{parse_json, parse_object, print};
use crate::wire::{ApiKey, WireError};
use alloc::string::{String, ToString};
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

/// The seller's key and environment. It discloses the key only in the headers of a request.
#[wasm_bindgen(skip_typescript)]
#[derive(Debug)]
pub struct Seller {
    /// Nobody's, where nobody is logged in: what is public can be asked all the same.
    key: Option<ApiKey>,
    deployment: Deployment,
    version: Option<String>,
}

#[wasm_bindgen]
impl Seller {
    /// Reads `{ nvmApiKey, environment, backend, version }`. Throws the facts of an error, as every function here does.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str) -> Result<Seller, String> {
        let options = parse_object(options).unwrap_or_default();
        let text = |name| match options.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(wrong(&WireError::new(crate::wire::WireErrorKind::WrongType, name))),
        };
        let key = text("nvmApiKey")?.map(ApiKey::parse).transpose().map_err(|error| wrong(&error))?;
        let (environment, backend) = (text("environment")?, text("backend")?);
        let deployment = Deployment::environment_of(key.as_ref(), environment).and_then(|environment| {
            match Deployment::hosted(environment) {
                Some(hosted) => Ok(hosted),
                None => Deployment::custom(backend, None, None),
            }
        });
        let deployment = deployment.map_err(|error| wrong(&error))?;
        Ok(Self { key, deployment, version: text("version")?.map(Into::into) })
    }

    /// The request of a call: `{ url, method, headers, body, repeat }`. `random` are 16 bytes.
    pub fn prepare(
        &self,
        name: &str,
        arguments: &str,
        organization: Option<String>,
        random: &[u8],
        now: f64,
    ) -> Result<String, String> {
        let arguments = parse_json(arguments.as_bytes()).unwrap_or_default();
        let random = u128::from_be_bytes(random.try_into().unwrap_or_default());
        let surroundings = Surroundings { environment: self.deployment.environment, random };
        let call = builder::prepare(name, &arguments, surroundings).map_err(|error| wrong(&error))?;
        // A clock is a whole number of milliseconds between 1970 and the year 275760.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let now = now as u64;
        if call.request.auth == Auth::Key && self.key.is_none() {
            return Err(print(
                &json!({ "message": "nobody is logged in", "code": "not_logged_in", "retryable": false }),
            ));
        }
        if call.request.auth == Auth::Key && self.key.as_ref().is_some_and(|key| key.has_surely_ended(now)) {
            return Err(print(&json!({
                "message": "the API key has expired", "code": "session_expired", "kind": "SessionExpired", "status": 401,
                "retryable": false,
            })));
        }
        let mut headers = Map::new();
        for (name, value) in
            call.request.headers(self.key.as_ref().map(ApiKey::secret), organization.as_deref())
        {
            let value = self.version.clone().filter(|_| name == "nevermined-version").unwrap_or(value);
            headers.insert(name.into(), Value::String(value));
        }
        let url = [self.deployment.backend.as_ref(), &call.request.path].concat();
        Ok(print(&json!({
            "url": url,
            "method": call.request.method.as_str(),
            "headers": headers,
            "body": call.request.body,
            "repeat": call.repeatable,
        })))
    }
}

/// The result of a call, as JSON; undefined where the body is the result unchanged.
#[wasm_bindgen(js_name = readAnswer)]
pub fn read_answer(
    name: &str,
    status: u16,
    body: String,
    correlation: Option<String>,
    repeatable: bool,
) -> Result<Option<String>, String> {
    let response = Response { status, body, correlation_id: correlation };
    builder::answer(name, &response).map_err(|error| refused(name, builder::error(name, error, repeatable)))
}

/// The facts of the error for an answer that never came: in time, or at all.
#[wasm_bindgen(js_name = noAnswer)]
pub fn no_answer(name: &str, in_time: bool, repeatable: bool) -> String {
    refused(name, builder::no_answer(name, in_time, repeatable))
}

/// How many milliseconds to wait before a call that may be repeated is sent again; nothing to stop.
#[wasm_bindgen(js_name = pauseBefore)]
pub fn pause_before(
    name: &str,
    status: Option<u16>,
    tries: u32,
    retry_after: Option<String>,
    jitter: u8,
) -> Option<u32> {
    let pause = builder::pause(name, status, tries, retry_after.as_deref(), jitter)?;
    u32::try_from(pause).ok()
}

/// The facts of an error about what the caller gave.
fn wrong(error: &WireError) -> String {
    print(&json!({ "message": error.to_string(), "code": "validation", "retryable": false }))
}

/// The facts of an error of the platform's.
fn refused(name: &str, error: ApiError) -> String {
    let kind = match () {
        () if builder::unknown_code(name) == Some(error.code.as_str()) => Some("OutcomeUnknown"),
        () if error.ends_session() => Some("SessionExpired"),
        () => None,
    };
    let mut facts = Map::new();
    facts.insert("message".into(), error.message.into());
    facts.insert("code".into(), error.code.into());
    facts.insert("retryable".into(), error.retryable.into());
    if error.status > 0 {
        facts.insert("status".into(), error.status.into());
    }
    for (name, text) in [
        ("kind", kind.map(Into::into)),
        ("hint", error.hint),
        ("correlationId", error.correlation_id),
        ("docsUrl", error.docs_url.map(Into::into)),
    ] {
        if let Some(text) = text {
            facts.insert(name.into(), Value::String(text));
        }
    }
    print(&Value::Object(facts))
}
