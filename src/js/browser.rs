//! A page's part: the address bar, the storage, the way to the login page (rule 14).

use super::convert::{bad_field, get, text};
use super::error::{Facts, from_login, reject};
use super::session::Session;
use crate::api::Deployment;
use crate::subscriber::{
    ACCOUNT, KEY, LoginAnswer, STATE, login_url, read_login_answer, return_url_with_state,
};
use crate::transport::random_hex;
use crate::wire::{ApiKey, Secret};
use alloc::{
    format,
    rc::Rc,
    string::{String, ToString},
};
use js_sys::global;
use wasm_bindgen::prelude::*;

/// Where the one-time state is kept between going to the login page and coming back.
const KEPT_STATE: &str = "payments-wasm.login-state";
/// Where the key is kept, if it is to be.
const KEPT_KEY: &str = "payments-wasm.key";

/// What belongs to the page rather than to the session.
pub(super) struct Page {
    return_url: String,
    storage: Option<web_sys::Storage>,
    login_error: JsValue,
}

/// Makes the session of a page. Before anything else the key is taken out of the address bar.
pub(super) fn open(options: &JsValue) -> Result<(Rc<Session>, Page), JsValue> {
    let location = get(&global(), "location");
    let href = get(&location, "href").as_string().ok_or_else(|| only_in_a_page("getBrowserInstance"))?;
    let answer = take_login_answer(&href)?;

    let return_url = text(options, "returnUrl")?.ok_or_else(|| bad_field("returnUrl", "a URL"))?;
    let return_url = clean(&return_url, &href)?;
    let storage = match text(options, "storage")?.as_deref() {
        None | Some("memory") => None,
        Some("session") => Some(storage("sessionStorage")?),
        Some("local") => Some(storage("localStorage")?),
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
        storage("sessionStorage")?.set_item(KEPT_STATE, &state)?;
        let url = login_url(deployment, &return_url_with_state(&self.return_url, &state));
        let location: web_sys::Location = get(&global(), "location").unchecked_into();
        location.assign(&url)
    }

    pub(super) fn login_error(&self) -> JsValue {
        self.login_error.clone()
    }

    /// Forgets what is kept, on logout.
    pub(super) fn forget(&self) {
        if let Some(storage) = &self.storage {
            drop(storage.remove_item(KEPT_KEY));
        }
    }

    fn keep(&self, key: Option<&ApiKey>) {
        if let (Some(storage), Some(key)) = (&self.storage, key) {
            // A full or forbidden storage means that the next page has to log in again.
            drop(storage.set_item(KEPT_KEY, key.secret().expose()));
        }
    }

    fn kept_key(&self) -> Option<ApiKey> {
        let kept = self.storage.as_ref()?.get_item(KEPT_KEY).ok()??;
        let key = ApiKey::parse(&kept).ok();
        let ended = |key: &ApiKey| key.expires_at().is_some_and(|end| end <= super::session::now() / 1000);
        if key.as_ref().is_none_or(ended) {
            self.forget();
            return None;
        }
        key
    }
}

/// Reads the three parameters of a login and takes them out of the address bar, keeping all others and the hash.
fn take_login_answer(href: &str) -> Result<LoginAnswer, JsValue> {
    let url = web_sys::Url::new(href)?;
    let query = url.search_params();
    let answer = LoginAnswer {
        key: query.get(KEY).map(Secret::new),
        account: query.get(ACCOUNT),
        state: query.get(STATE),
    };
    if answer.key.is_some() || answer.account.is_some() || answer.state.is_some() {
        let history = get(&global(), "history");
        if let Some(history) = history.dyn_ref::<web_sys::History>() {
            let state = history.state().unwrap_or(JsValue::NULL);
            history.replace_state_with_url(&state, "", Some(&without_login(&url)))?;
        }
    }
    Ok(answer)
}

/// A URL without what a login puts into it.
fn without_login(url: &web_sys::Url) -> String {
    let query = url.search_params();
    for name in [KEY, ACCOUNT, STATE] {
        query.delete(name);
    }
    url.href()
}

/// The return URL, absolute and without what an earlier login left in it.
fn clean(return_url: &str, base: &str) -> Result<String, JsValue> {
    let url = web_sys::Url::new_with_base(return_url, base).map_err(|_| bad_field("returnUrl", "a URL"))?;
    if !matches!(url.protocol().as_str(), "https:" | "http:") {
        return Err(bad_field("returnUrl", "an http or https URL"));
    }
    Ok(without_login(&url))
}

/// The state that was given out, which can be used once: when a key comes back, whatever comes of it.
fn take_kept_state(use_up: bool) -> Option<String> {
    let storage = storage("sessionStorage").ok()?;
    let kept = storage.get_item(KEPT_STATE).ok()??;
    if use_up {
        drop(storage.remove_item(KEPT_STATE));
    }
    Some(kept.to_string())
}

fn storage(name: &str) -> Result<web_sys::Storage, JsValue> {
    let value = get(&global(), name);
    if value.is_object() {
        return Ok(value.unchecked_into());
    }
    Err(reject(
        &format!("{name} is not available here"),
        Facts { code: "storage_unavailable", ..Facts::default() },
    ))
}
