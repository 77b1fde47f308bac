//! A page's part: the address bar, the storage, the way to the login page (rule 14).

use super::convert::{bad_field, text};
use super::error::{Facts, from_login, reject};
use super::session::Session;
use crate::api::Deployment;
use crate::subscriber::{
    ACCOUNT, KEY, LoginAnswer, STATE, login_url, read_login_answer, return_url_with_state,
};
use crate::transport::random_hex;
use crate::wire::{ApiKey, Secret};
use alloc::{format, rc::Rc, string::String, vec::Vec};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = takeFromAddress)]
    fn take_from_address(names: Vec<String>) -> Option<Vec<JsValue>>;

    #[wasm_bindgen(js_name = returnAddress)]
    fn return_address(text: &str, names: Vec<String>) -> Option<String>;

    #[wasm_bindgen(js_name = kept)]
    fn kept(storage: &str, name: &str, value: &JsValue) -> Option<String>;

    #[wasm_bindgen(js_name = leaveFor)]
    fn leave_for(url: &str);
}

/// Survives going to the login page and coming back, and no longer than the tab.
const TAB: &str = "sessionStorage";
/// Where the one-time state is kept between going to the login page and coming back.
const KEPT_STATE: &str = "payments-wasm.login-state";
/// Where the key is kept, if it is to be.
const KEPT_KEY: &str = "payments-wasm.key";

/// What belongs to the page rather than to the session.
pub(super) struct Page {
    return_url: String,
    storage: Option<&'static str>,
    login_error: JsValue,
}

/// Makes the session of a page. Before anything else the key is taken out of the address bar.
pub(super) fn open(options: &JsValue) -> Result<(Rc<Session>, Page), JsValue> {
    let answer = take_login_answer().ok_or_else(|| only_in_a_page("getBrowserInstance"))?;

    let return_url = text(options, "returnUrl")?
        .and_then(|url| return_address(&url, login_parameters()))
        .ok_or_else(|| bad_field("returnUrl", "an http or https URL"))?;
    let storage = match text(options, "storage")?.as_deref() {
        None | Some("memory") => None,
        Some("session") => Some(TAB),
        Some("local") => Some("localStorage"),
        Some(_) => return Err(bad_field("storage", "'memory', 'session' or 'local'")),
    };

    let kept_state = take_kept_state(answer.key.is_some());
    let (came_back, login_error) = match read_login_answer(&answer, kept_state.as_deref()) {
        Ok(key) => (key, JsValue::UNDEFINED),
        Err(error) => (None, from_login(&error)),
    };
    let page = Page { return_url, storage, login_error };
    let key = match (came_back, text(options, "nvmApiKey")?) {
        (Some(key), _) => Some(key),
        (None, Some(given)) => Some(ApiKey::parse(&given).map_err(|error| super::convert::bad_wire(&error))?),
        (None, None) => page.kept_key(),
    };
    page.keep(key.as_ref());
    Ok((Session::new(options, key)?, page))
}

pub(super) fn only_in_a_page(what: &str) -> JsValue {
    reject(
        &format!("{what} needs a page"),
        Facts {
            code: "browser_only",
            hint: Some("outside a page use Payments.getInstance({ nvmApiKey })"),
            ..Facts::default()
        },
    )
}

impl Page {
    /// Goes to the login page.
    pub(super) fn connect(&self, deployment: &Deployment) -> Result<(), JsValue> {
        let state = random_hex();
        if kept(TAB, KEPT_STATE, &state.as_str().into()).is_none() {
            let facts = Facts { code: "storage_unavailable", ..Facts::default() };
            return Err(reject("sessionStorage is needed to log in, and is not available", facts));
        }
        leave_for(&login_url(deployment, &return_url_with_state(&self.return_url, &state)));
        Ok(())
    }

    pub(super) fn login_error(&self) -> JsValue {
        self.login_error.clone()
    }

    /// Forgets what is kept, on logout.
    pub(super) fn forget(&self) {
        if let Some(storage) = self.storage {
            kept(storage, KEPT_KEY, &JsValue::NULL);
        }
    }

    fn keep(&self, key: Option<&ApiKey>) {
        if let (Some(storage), Some(key)) = (self.storage, key) {
            // A full or forbidden storage means that the next page has to log in again.
            kept(storage, KEPT_KEY, &key.secret().expose().into());
        }
    }

    fn kept_key(&self) -> Option<ApiKey> {
        let key = ApiKey::parse(&kept(self.storage?, KEPT_KEY, &JsValue::UNDEFINED)?).ok();
        let ended = |key: &ApiKey| key.expires_at().is_some_and(|end| end <= super::session::now() / 1000);
        if key.as_ref().is_none_or(ended) {
            self.forget();
            return None;
        }
        key
    }
}

fn login_parameters() -> Vec<String> {
    [KEY, ACCOUNT, STATE].map(Into::into).into()
}

/// Reads the three parameters of a login and takes them out of the address bar, keeping all others and the hash.
fn take_login_answer() -> Option<LoginAnswer> {
    let mut values = take_from_address(login_parameters())?.into_iter().map(|value| value.as_string());
    let mut next = || values.next().flatten();
    Some(LoginAnswer { key: next().map(Secret::new), account: next(), state: next() })
}

/// The state that was given out, which can be used once: when a key comes back, whatever comes of it.
fn take_kept_state(use_up: bool) -> Option<String> {
    let state = kept(TAB, KEPT_STATE, &JsValue::UNDEFINED);
    if use_up {
        kept(TAB, KEPT_STATE, &JsValue::NULL);
    }
    state
}
