//! Login by redirect, by popup, and by a listener on this machine (rule 14, contract sections 8.1 and 8.2).
//!
//! The platform sends the user back to `returnUrl`, or a program to its `callback_url`, with the key in the query.
//! A one-time state rides in that address itself and must come back: a key that arrives without it was planted (login
//! fixation).

use crate::api::query::encode;
use crate::api::{Deployment, is_loopback};
use crate::codec::text::ByteSplit;
use crate::wire::{ApiKey, WireError, WireErrorKind};
use alloc::string::String;
use core::fmt;

/// The query parameter of ours that carries the state.
pub const STATE: &str = "nvmState";
/// The platform's query parameter with the key.
pub const KEY: &str = "nvmApiKey";
/// The platform's query parameter with the account's address.
pub const ACCOUNT: &str = "accountAddress";

/// The query parameter of ours that says: this window was opened for a login, and gives what it brings to its opener.
pub const POPUP: &str = "nvmPopup";
/// All that a login adds to the address that it leads back to, with a space between them.
pub const LOGIN_PARAMETERS: &str = "nvmApiKey accountAddress nvmState nvmPopup";
/// The platform's query parameter with the key, for a program that listens on this machine.
pub const CALLBACK_KEY: &str = "nvm_api_key";

/// The parameters in the address bar when the page loaded.
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

    /// A message for a person.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::StateMismatch => "a login came back that this page did not ask for; it was not used",
            Self::BadKey(_) => "the login came back with something that is no API key",
            Self::AccountMismatch => "the login came back with a key of another account",
        }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::BadKey(error) => Some(error),
            Self::StateMismatch | Self::AccountMismatch => None,
        }
    }
}

/// The address of the login page: `<frontend>/login?returnUrl=<percent-encoded>`.
#[must_use]
pub fn login_url(deployment: &Deployment, return_url: &str) -> String {
    [&deployment.frontend, "/login?returnUrl=", &encode(return_url)].concat()
}

/// The address of the login page for a program that listens at `callback_url` on this machine:
/// `<frontend>/auth/cli?callback_url=<percent-encoded>`, the state being put in.
///
/// # Errors
/// `BadValue` for a callback that is not plain HTTP to this machine: the key would go there.
pub fn callback_login_url(
    deployment: &Deployment,
    callback_url: &str,
    state: &str,
) -> Result<String, WireError> {
    let host = callback_url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?', '#']).next());
    if !host.is_some_and(|host| !host.contains(['@', '\\']) && is_loopback(host)) {
        return Err(WireError::new(WireErrorKind::BadValue, "callbackUrl"));
    }
    let back = return_url_with_state(callback_url, state);
    Ok([&deployment.frontend, "/auth/cli?callback_url=", &encode(&back)].concat())
}

/// `return_url` with the state put in: before the fragment, after what the query has already.
#[must_use]
pub fn return_url_with_state(return_url: &str, state: &str) -> String {
    with_parameter(return_url, STATE, state)
}

/// An address with one parameter more: before the fragment, after what the query has already.
#[must_use]
pub fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let (front, fragment) = match url.split_once_byte(b'#') {
        Some((front, fragment)) => (front, Some(fragment)),
        None => (url, None),
    };
    let joint = if front.contains('?') { "&" } else { "?" };
    let mut url = [front, joint, name, "=", &encode(value)].concat();
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// Checks the parameters that came back against the stored state. `Ok(None)` if there was no login.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Secret;

    #[test]
    fn the_parameters_of_a_login_are_those_that_are_read() {
        let all: alloc::vec::Vec<_> = LOGIN_PARAMETERS.split(' ').collect();
        assert_eq!(all, [KEY, ACCOUNT, STATE, POPUP]);
    }

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
    fn rule_14_a_listener_on_this_machine_and_nowhere_else() {
        let deployment = Deployment::custom(Some("http://127.0.0.1:1"), None, None).unwrap();
        let url = callback_login_url(&deployment, "http://localhost:4000/callback", "s1").unwrap();
        assert_eq!(
            url,
            "http://127.0.0.1:1/auth/cli?callback_url=http%3A%2F%2Flocalhost%3A4000%2Fcallback%3FnvmState%3Ds1"
        );
        for bad in [
            "https://app.example/callback",
            "http://app.example/callback",
            "http://localhost.app.example/",
            "http://localhost@app.example/",
            "http://app.example\\@localhost/",
            "http://",
            "javascript:alert(1)",
            "",
        ] {
            let error = callback_login_url(&deployment, bad, "s").unwrap_err();
            assert_eq!(error.field, "callbackUrl", "{bad}");
        }
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
