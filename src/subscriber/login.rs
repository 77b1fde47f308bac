//! Login by redirect (rule 14, contract section 8.1).
//!
//! The platform sends whoever logged in back to `returnUrl` with the key in the query. A one-time state rides in
//! `returnUrl` itself and must come back: a key that arrives without it was planted (login fixation).

use crate::api::Deployment;
use crate::wire::{ApiKey, WireError};
use alloc::{format, string::String};
use core::fmt::Write as _;

/// The query parameter of ours that carries the state.
pub const STATE: &str = "nvmState";
/// The platform's query parameter with the key.
pub const KEY: &str = "nvmApiKey";
/// The platform's query parameter with the account's address.
pub const ACCOUNT: &str = "accountAddress";

/// What stood in the address bar when the page loaded.
#[derive(Debug, Default)]
pub struct LoginAnswer {
    /// `nvmApiKey`.
    pub key: Option<crate::wire::Secret>,
    /// `accountAddress`.
    pub account: Option<String>,
    /// `nvmState`.
    pub state: Option<String>,
}

/// Why a key that came back is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginError {
    /// It came without the state that this page gave out, or with another.
    StateMismatch,
    /// It is not a key.
    BadKey(WireError),
    /// The account that came with it is not the key's.
    AccountMismatch,
}

impl LoginError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::StateMismatch => "login_state_mismatch",
            Self::BadKey(_) => "login_bad_key",
            Self::AccountMismatch => "login_account_mismatch",
        }
    }

    /// What happened, for a person.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::StateMismatch => "a login came back that this page did not ask for; it was not used",
            Self::BadKey(_) => "the login came back with something that is no API key",
            Self::AccountMismatch => "the login came back with a key of another account",
        }
    }
}

/// The address of the login page: `<frontend>/login?returnUrl=<percent-encoded>`.
#[must_use]
pub fn login_url(deployment: &Deployment, return_url: &str) -> String {
    format!("{}/login?returnUrl={}", deployment.frontend, encode(return_url))
}

/// `return_url` with the state put in: before the fragment, after what the query has already.
#[must_use]
pub fn return_url_with_state(return_url: &str, state: &str) -> String {
    let (front, fragment) = match return_url.split_once('#') {
        Some((front, fragment)) => (front, Some(fragment)),
        None => (return_url, None),
    };
    let joint = if front.contains('?') { '&' } else { '?' };
    let mut url = format!("{front}{joint}{STATE}={}", encode(state));
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// Judges what came back, given the state that was kept. `Ok(None)` where nobody was logging in.
///
/// # Errors
/// A [`LoginError`]; the kept state is used up either way.
pub fn read_login_answer(answer: &LoginAnswer, kept: Option<&str>) -> Result<Option<ApiKey>, LoginError> {
    let Some(key) = &answer.key else { return Ok(None) };
    match (answer.state.as_deref(), kept) {
        (Some(came), Some(kept)) if !kept.is_empty() && came == kept => {}
        _ => return Err(LoginError::StateMismatch),
    }
    let key = ApiKey::parse(key.expose()).map_err(LoginError::BadKey)?;
    match (answer.account.as_deref(), key.account()) {
        (Some(came), Some(own)) if !came.eq_ignore_ascii_case(own) => Err(LoginError::AccountMismatch),
        _ => Ok(Some(key)),
    }
}

/// Percent-encodes all but unreserved characters, as `encodeURIComponent` does and a little more.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Secret;

    #[test]
    fn rule_14_return_url_travels_encoded_and_whole() {
        let deployment = Deployment::custom(Some("http://127.0.0.1:1"), None, None).unwrap();
        let url = return_url_with_state("https://app.example/cb?x=1&y=2#frag", "s1");
        assert_eq!(url, "https://app.example/cb?x=1&y=2&nvmState=s1#frag");
        assert_eq!(return_url_with_state("https://a/", "s"), "https://a/?nvmState=s");
        assert_eq!(
            login_url(&deployment, &url),
            "http://127.0.0.1:1/login?returnUrl=https%3A%2F%2Fapp.example%2Fcb%3Fx%3D1%26y%3D2%26nvmState%3Ds1%23frag"
        );
    }

    #[test]
    fn rule_14_a_key_without_our_state_is_refused() {
        type Text = Option<&'static str>;
        type Case = (&'static str, Text, Text, Text, Text, Result<bool, LoginError>);
        let key = "local:a.eyJzdWIiOiIweEFiIn0.c";
        // Name; key, account and state that came back; the state that was given out.
        let cases: [Case; 9] = [
            ("nobody logs in", None, None, None, None, Ok(false)),
            ("nobody came back", None, None, None, Some("s"), Ok(false)),
            ("as it should be", Some(key), Some("0xaB"), Some("s"), Some("s"), Ok(true)),
            ("account left out", Some(key), None, Some("s"), Some("s"), Ok(true)),
            ("no state came", Some(key), None, None, Some("s"), Err(LoginError::StateMismatch)),
            ("none was given out", Some(key), None, Some("s"), None, Err(LoginError::StateMismatch)),
            ("another state", Some(key), None, Some("t"), Some("s"), Err(LoginError::StateMismatch)),
            ("empty both", Some(key), None, Some(""), Some(""), Err(LoginError::StateMismatch)),
            (
                "another account",
                Some(key),
                Some("0xcd"),
                Some("s"),
                Some("s"),
                Err(LoginError::AccountMismatch),
            ),
        ];
        for (name, key, account, state, kept, expected) in cases {
            let answer = LoginAnswer {
                key: key.map(Secret::new),
                account: account.map(Into::into),
                state: state.map(Into::into),
            };
            let read = read_login_answer(&answer, kept).map(|key| key.is_some());
            assert_eq!(read, expected, "{name}");
        }
        for (error, code, message) in [
            (LoginError::StateMismatch, "login_state_mismatch", "did not ask for"),
            (LoginError::AccountMismatch, "login_account_mismatch", "another account"),
        ] {
            assert_eq!(error.code(), code);
            assert!(error.message().contains(message));
        }
        let junk = LoginAnswer { key: Some(Secret::new("x")), account: None, state: Some("s".into()) };
        assert!(matches!(read_login_answer(&junk, Some("s")), Err(LoginError::BadKey(_))));
    }
}
