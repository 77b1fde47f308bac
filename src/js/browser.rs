//! A page's part: the address bar, the storage, other tabs, the way to the login and card pages (rule 14).

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::calls::{promise, unless};
use super::convert::{bad_field, bad_wire, get, text};
use super::error::{Facts, from_login, reject};
use super::session::{Session, has_ended};
use crate::subscriber::{
    ACCOUNT, Buyer, KEY, LOGIN_PARAMETERS, LoginAnswer, POPUP, STATE, login_url, read_login_answer,
    return_url_with_state, with_parameter,
};
use crate::transport::random_hex;
use crate::wire::{ApiKey, Secret};
use alloc::{rc::Rc, string::String};
use core::cell::RefCell;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = handOver)]
    fn hand_over() -> bool;

    #[wasm_bindgen(js_name = takeFromAddress)]
    fn take_from_address(words: &str) -> JsValue;

    #[wasm_bindgen(js_name = returnAddress)]
    fn return_address(text: &str, words: &str, own: bool) -> Option<String>;

    #[wasm_bindgen(js_name = kept)]
    fn kept(storage: &str, name: &str, value: &JsValue) -> Option<String>;

    #[wasm_bindgen(js_name = onKept)]
    fn on_kept(name: &str, listener: &JsValue);

    #[wasm_bindgen(js_name = leaveFor)]
    fn leave_for(url: &str);

    #[wasm_bindgen(js_name = openPopup, catch)]
    fn open_popup(url: Option<&str>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = popupAnswer)]
    fn popup_answer(popup: &JsValue, url: Option<&str>, name: &str, state: &str, signal: &JsValue)
    -> Promise;
}

/// Survives going to another page and coming back, and no longer than the tab.
const TAB: &str = "sessionStorage";
/// Shared by the tabs of an origin.
const LOCAL: &str = "localStorage";
/// Where the one-time state is kept between going to the login page and coming back.
const KEPT_STATE: &str = "payments-wasm.login-state";
/// Where the key is kept, if it is to be.
const KEPT_KEY: &str = "payments-wasm.key";
/// Where it is kept what was ordered and has not come, for all tabs of the origin.
const KEPT_ORDERS: &str = "payments-wasm.orders";
/// What belongs to the page rather than to the session.
pub(super) struct Page {
    pub(super) return_url: String,
    storage: Option<&'static str>,
    login_error: JsValue,
    /// What was last read or kept of the orders; nothing once that could not be kept.
    orders: RefCell<Option<String>>,
}

/// Makes the session of a page. Before anything else the key is taken out of the address bar.
pub(super) fn open(options: &JsValue) -> Result<Rc<Session>, JsValue> {
    // A window that was opened for a login gives it to the page that opened it, and uses nothing itself.
    hand_over();
    let answer = take_login_answer().ok_or_else(|| only_in_a_page("getBrowserInstance"))?;

    let return_url = text(options, "returnUrl")?
        .and_then(|url| return_address(&url, LOGIN_PARAMETERS, false))
        .ok_or_else(|| bad_field("returnUrl", "an http or https URL"))?;
    let storage = match text(options, "storage")?.as_deref() {
        None | Some("memory") => None,
        Some("session") => Some(TAB),
        Some("local") => Some(LOCAL),
        Some(_) => return Err(bad_field("storage", "'memory', 'session' or 'local'")),
    };

    let kept_state = take_kept_state(answer.key.is_some());
    let (came_back, login_error) = match read_login_answer(&answer, kept_state.as_deref()) {
        Ok(key) => (key, JsValue::UNDEFINED),
        Err(error) => (None, from_login(&error)),
    };
    let page = Page { return_url, storage, login_error, orders: RefCell::new(Some(String::new())) };
    let key = match (came_back, text(options, "nvmApiKey")?) {
        (Some(key), _) => Some(key),
        (None, Some(given)) => Some(ApiKey::parse(&given).map_err(|error| bad_wire(&error))?),
        (None, None) => page.kept_key(),
    };
    if let Some(key) = &key {
        page.keep(key);
    }
    let session = Session::new(options, key, Some(page))?;
    watch(&session);
    Ok(session)
}

pub(super) fn only_in_a_page(what: &str) -> JsValue {
    reject(
        &[what, " needs a page"].concat(),
        Facts {
            code: "browser_only",
            hint: Some("outside a page use Payments.getInstance({ nvmApiKey })"),
            ..Facts::default()
        },
    )
}

/// Goes to the login page, or opens it in a window of its own and resolves when somebody has logged in there.
pub(super) fn connect(session: &Rc<Session>, options: &JsValue) -> Result<JsValue, JsValue> {
    let page = session.page.as_ref().ok_or_else(|| only_in_a_page("connect"))?;
    let state = random_hex();
    let back = return_url_with_state(&page.return_url, &state);
    if !in_popup(options)? {
        keep_state(&state)?;
        leave_for(&login_url(&session.deployment.borrow(), &back));
        return Ok(JsValue::UNDEFINED);
    }
    return_address(&back, "", true).ok_or_else(not_own)?;
    let url = login_url(&session.deployment.borrow(), &with_parameter(&back, POPUP, "1"));
    let popup = open_popup(Some(&url))?;
    let signal = get(options, "signal");
    let session = session.clone();
    Ok(promise(async move {
        let values = unless(&signal, &popup_answer(&popup, None, STATE, &state, &signal)).await?;
        let key =
            read_login_answer(&login_answer(&values), Some(&state)).map_err(|error| from_login(&error))?;
        let key = key
            .ok_or_else(|| reject("nobody logged in", Facts { code: "popup_closed", ..Facts::default() }))?;
        session.log_out();
        session.log_in(key.clone()).map_err(|error| bad_wire(&error))?;
        if let Some(page) = &session.page {
            page.keep(&key);
        }
        Ok(JsValue::UNDEFINED)
    })
    .into())
}

impl Page {
    pub(super) fn login_error(&self) -> JsValue {
        self.login_error.clone()
    }

    /// Forgets what is kept, on logout.
    pub(super) fn forget(&self) {
        if let Some(storage) = self.storage {
            kept(storage, KEPT_KEY, &JsValue::NULL);
        }
    }

    fn keep(&self, key: &ApiKey) {
        if let Some(storage) = self.storage {
            // A full or forbidden storage means that the next page has to log in again.
            kept(storage, KEPT_KEY, &key.secret().expose().into());
        }
    }

    /// Takes up what this page before it was loaded again, or another tab, ordered and has not come.
    pub(super) fn take_up_orders(&self, buyer: &mut Buyer) {
        let mut known = self.orders.borrow_mut();
        let Some(last) = known.as_mut() else { return };
        let now = kept(LOCAL, KEPT_ORDERS, &JsValue::UNDEFINED).unwrap_or_default();
        if *last != now {
            buyer.take_up_orders(&now);
            *last = now;
        }
    }

    /// Keeps what was ordered and has not come: a page that is loaded again, and other tabs, wait for it and do not order
    /// twice. A page that may keep nothing orders all the same.
    pub(super) fn keep_orders(&self, orders: &str) {
        let mut known = self.orders.borrow_mut();
        if known.as_deref().is_none_or(|last| last == orders) {
            return;
        }
        let value = if orders.is_empty() { JsValue::NULL } else { orders.into() };
        let was_kept = kept(LOCAL, KEPT_ORDERS, &value).is_some() || orders.is_empty();
        *known = was_kept.then(|| orders.into());
    }

    fn kept_key(&self) -> Option<ApiKey> {
        let key = ApiKey::parse(&kept(self.storage?, KEPT_KEY, &JsValue::UNDEFINED)?).ok();
        if key.as_ref().is_none_or(has_ended) {
            self.forget();
            return None;
        }
        key
    }
}

/// Follows what other tabs do, where they share the key: a login there is one here, and so is a logout.
fn watch(session: &Rc<Session>) {
    if session.page.as_ref().is_none_or(|page| page.storage != Some(LOCAL)) {
        return;
    }
    let session = Rc::downgrade(session);
    let listener = Closure::<dyn FnMut(JsValue)>::new(move |value: JsValue| {
        let Some(session) = session.upgrade() else { return };
        match value.as_string().map(|text| ApiKey::parse(&text)) {
            Some(Ok(key)) => {
                session.log_out();
                // One that leads to no deployment leaves nobody logged in.
                drop(session.log_in(key));
                session.tell_change();
            }
            _ => session.end("logged_out_elsewhere"),
        }
    });
    on_kept(KEPT_KEY, &listener.into_js_value());
}

/// `mode`: whether a window of its own is opened rather than this one led elsewhere.
fn in_popup(options: &JsValue) -> Result<bool, JsValue> {
    match text(options, "mode")?.as_deref() {
        None | Some("redirect") => Ok(false),
        Some("popup") => Ok(true),
        Some(_) => Err(bad_field("mode", "'redirect' or 'popup'")),
    }
}

fn not_own() -> JsValue {
    bad_field("returnUrl", "an http or https URL, and with a popup one of this page's own origin")
}

fn keep_state(state: &str) -> Result<(), JsValue> {
    if kept(TAB, KEPT_STATE, &state.into()).is_some() {
        return Ok(());
    }
    let facts = Facts { code: "storage_unavailable", ..Facts::default() };
    Err(reject("sessionStorage is needed to come back, and is not available", facts))
}

/// Reads the parameters of a login and takes them out of the address bar, keeping all others and the hash.
fn take_login_answer() -> Option<LoginAnswer> {
    let values = take_from_address(LOGIN_PARAMETERS);
    values.is_object().then(|| login_answer(&values))
}

fn login_answer(values: &JsValue) -> LoginAnswer {
    let value = |name| get(values, name).as_string();
    LoginAnswer { key: value(KEY).map(Secret::new), account: value(ACCOUNT), state: value(STATE) }
}

/// The state that was given out, which can be used once: when a key comes back, whatever comes of it.
fn take_kept_state(use_up: bool) -> Option<String> {
    let state = kept(TAB, KEPT_STATE, &JsValue::UNDEFINED);
    if use_up {
        kept(TAB, KEPT_STATE, &JsValue::NULL);
    }
    state
}
