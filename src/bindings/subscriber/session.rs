//! What the objects of one `Payments` share: the key, where the platform is, the buyer, and who is to be told.

use super::convert::{bad_wire, digits, function, get, text, whole};
use super::error::{Facts, from_api, reject, set, unanswered};
use super::fetch_driver::{Hooks, Mailbox, Step};
use super::promise::promise;
use super::views::{bigint, printable};
use crate::api::{ApiError, ApiErrorKind, Auth, Call, Deployment, Request, Response, plans};
use crate::subscriber::{Buyer, FetchError};
use crate::wire::{ApiKey, Environment, PlanId, WireError};
use alloc::{rc::Rc, string::String, vec::Vec};
use core::cell::{Cell, OnceCell, RefCell};
use js_sys::Function;
use wasm_bindgen::prelude::*;

/// How long a call of the platform may take, in milliseconds, where the caller does not say.
const TIMEOUT_MS: u32 = 30_000;
/// What stands for the platform's answer to a key that is known to have ended: it is not sent.
const EXPIRED: &str =
    r#"{"code":"session_expired","message":"the API key has expired","hint":"log in again"}"#;

/// Where a page keeps what was ordered and has not come, for all tabs of its origin.
const KEPT_ORDERS: &str = "payments-wasm.orders";
const LOCAL: &str = "localStorage";

#[wasm_bindgen(module = "/src/bindings/subscriber/js/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = kept)]
    fn kept(storage: &str, name: &str, value: &JsValue) -> Option<String>;
}

#[wasm_bindgen]
extern "C" {
    /// See `budget_store.js`.
    pub type Ledger;
    #[wasm_bindgen(method)]
    pub(super) fn wake(this: &Ledger);
    #[wasm_bindgen(method, getter)]
    pub(super) fn receipts(this: &Ledger) -> JsValue;
}

pub(super) struct Session {
    pub(super) key: RefCell<Option<ApiKey>>,
    pub(super) deployment: RefCell<Deployment>,
    pub(super) buyer: RefCell<Buyer>,
    pub(super) mailbox: RefCell<Mailbox>,
    pub(super) hooks: Hooks,
    pub(super) on_event: Option<Function>,
    pub(super) timeout_ms: u32,
    /// In whose name calls are made.
    pub(super) organization: RefCell<Option<String>>,
    /// Of a page, what was last read or kept of its orders; nothing elsewhere, or once they could not be kept.
    orders: RefCell<Option<String>>,
    /// What is to happen to the buyer next.
    pub(super) steps: RefCell<Vec<Step>>,
    /// Who keeps the budget beyond this page, and says when a step may be taken.
    pub(super) ledger: OnceCell<Ledger>,
    /// What the ledger has been told of the books: how many, and when the last was.
    pub(super) told: Cell<(usize, u64)>,
    /// Told why the session ended, where its owner did not end it.
    ended: Function,
    /// How often somebody has logged in here.
    logins: Cell<u32>,
    settings: Settings,
}

/// Where the platform is, as the caller said it.
#[derive(Default)]
pub(super) struct Settings {
    environment: Option<String>,
    backend: Option<String>,
    frontend: Option<String>,
    embed: Option<String>,
}

impl Settings {
    fn read(options: &JsValue) -> Self {
        let mut settings = Self::default();
        for (name, setting) in [
            ("environment", &mut settings.environment),
            ("backend", &mut settings.backend),
            ("frontend", &mut settings.frontend),
            ("embed", &mut settings.embed),
        ] {
            *setting = text(options, name);
        }
        settings
    }

    /// Where a key leads.
    fn deployment(&self, key: &ApiKey) -> Result<Deployment, WireError> {
        self.at(Deployment::environment_of(Some(key), self.environment.as_deref())?)
    }

    fn at(&self, environment: Environment) -> Result<Deployment, WireError> {
        match Deployment::hosted(environment) {
            Some(hosted) => Ok(hosted),
            None => {
                Deployment::custom(self.backend.as_deref(), self.frontend.as_deref(), self.embed.as_deref())
            }
        }
    }
}

impl Session {
    /// Makes one from options that were read, with nobody logged in.
    pub(super) fn new(
        options: &JsValue,
        environment: Environment,
        page: bool,
        ended: Function,
    ) -> Result<Rc<Self>, JsValue> {
        let settings = Settings::read(options);
        let deployment = settings.at(environment).map_err(|error| bad_wire(&error))?;
        let session = Self {
            key: RefCell::new(None),
            deployment: RefCell::new(deployment),
            buyer: RefCell::new(Buyer::new()),
            mailbox: RefCell::default(),
            hooks: Hooks::read(options, None)?,
            on_event: function(options, "onEvent"),
            timeout_ms: whole(options, "timeoutMs").unwrap_or(TIMEOUT_MS),
            organization: RefCell::default(),
            orders: RefCell::new(page.then(String::new)),
            steps: RefCell::default(),
            ledger: OnceCell::new(),
            told: Cell::default(),
            ended,
            logins: Cell::default(),
            settings,
        };
        Ok(Rc::new(session))
    }

    /// Uses a key from now on; the environment that its prefix names wins.
    pub(super) fn log_in(&self, key: ApiKey) -> Result<(), WireError> {
        let deployment = self.settings.deployment(&key)?;
        *self.deployment.borrow_mut() = deployment;
        self.buyer.borrow_mut().log_in(key.account().map(Into::into), self.hooks.delegation_id.clone());
        *self.key.borrow_mut() = Some(key);
        self.logins.set(self.logins.get().wrapping_add(1));
        Ok(())
    }

    pub(super) fn account(&self) -> Option<String> {
        self.key.borrow().as_ref().and_then(|key| key.account().map(Into::into))
    }

    /// Makes a call of the platform; `None` where no answer came. A key that the platform refuses ends the session, and so
    /// does one that ended long ago by its own word.
    pub(super) async fn call(self: &Rc<Self>, request: &Request) -> Option<Response> {
        let keyed = request.auth == Auth::Key && self.key.borrow().is_some();
        if keyed && self.key_ended(ApiKey::has_surely_ended) {
            self.end_after_this("expired");
            return Some(Response { status: 401, body: EXPIRED.into(), correlation_id: None });
        }
        // No copy of the key stays here while the answer is awaited: somebody may log out meanwhile.
        let headers = request
            .headers(self.key.borrow().as_ref().map(ApiKey::secret), self.organization.borrow().as_deref());
        let backend = self.deployment.borrow().backend.clone();
        let login = self.logins.get();
        let response = self.hooks.fetcher.call(&backend, request, headers, self.timeout_ms).await?;
        // Another may have logged in meanwhile.
        if response.status == 401 && keyed && self.logins.get() == login {
            let past = |key: &ApiKey, now| key.expires_at().is_some_and(|end| end <= now / 1000);
            self.end_after_this(if self.key_ended(past) { "expired" } else { "refused" });
        }
        Some(response)
    }

    fn key_ended(&self, ended: impl Fn(&ApiKey, u64) -> bool) -> bool {
        self.key.borrow().as_ref().is_some_and(|key| ended(key, now()))
    }

    /// Ends the session once whoever is being answered has been: what they learn is why, not that it is over.
    fn end_after_this(self: &Rc<Self>, reason: &'static str) {
        let session = self.clone();
        drop(promise(async move {
            session.end(reason);
            Ok(JsValue::UNDEFINED)
        }));
    }

    /// Takes up what this page before it was loaded again, or another tab, ordered and has not come.
    pub(super) fn take_up_orders(&self) {
        let mut known = self.orders.borrow_mut();
        let Some(last) = known.as_mut() else { return };
        let now = kept(LOCAL, KEPT_ORDERS, &JsValue::UNDEFINED).unwrap_or_default();
        if *last != now {
            self.buyer.borrow_mut().load_orders(&now);
            *last = now;
        }
    }

    /// Keeps what was ordered and has not come: a page that is loaded again, and other tabs, wait for it and do not order
    /// twice. A page that may keep nothing orders all the same.
    pub(super) fn keep_orders(&self) {
        let mut known = self.orders.borrow_mut();
        let orders = self.buyer.borrow().stored_orders_text();
        if known.as_ref().is_none_or(|last| *last == orders) {
            return;
        }
        let value = if orders.is_empty() { JsValue::NULL } else { orders.as_str().into() };
        let was_kept = kept(LOCAL, KEPT_ORDERS, &value).is_some() || orders.is_empty();
        *known = was_kept.then_some(orders);
    }

    /// Ends a session that its owner did not end here, and says so.
    fn end(self: &Rc<Self>, reason: &str) {
        if self.key.borrow().is_none() {
            return;
        }
        self.log_out();
        drop(self.ended.call1(&JsValue::UNDEFINED, &reason.into()));
    }

    /// Makes a call whose answer is the caller's: JavaScript parses it, and nothing is lost or renamed.
    pub(super) async fn call_json(self: &Rc<Self>, request: &Request) -> Result<JsValue, JsValue> {
        if request.auth == Auth::Key && self.key.borrow().is_none() {
            return Err(self.unauthorized());
        }
        let response = self.call(request).await.ok_or_else(|| unanswered(request))?;
        if !response.is_success() {
            let mut error = ApiError::from_response(&response);
            let unclear = error.kind == ApiErrorKind::Unavailable && error.status != 429;
            if unclear && request.is_order() {
                let unknown = FetchError::PurchaseUnknown;
                error.code = unknown.code().into();
                error.message = unknown.message();
                error.hint = unknown.hint().map(Into::into);
            }
            error.retryable &= !unclear || request.is_idempotent();
            return Err(from_api(&error));
        }
        if response.body.is_empty() {
            return Ok(JsValue::UNDEFINED);
        }
        js_sys::JSON::parse(&response.body).map_err(|_| from_api(&ApiError::garbled(&response, "not JSON")))
    }

    /// The balance of a plan, as the platform says it and with `balance` as a `bigint`. What is learned about one's own
    /// credits is also what a purchase is decided by.
    pub(super) async fn balance(
        self: &Rc<Self>,
        plan_id: &PlanId,
        holder: String,
    ) -> Result<JsValue, JsValue> {
        let own = self.account().as_deref() == Some(holder.as_str());
        let call = plans::GetPlanBalance { plan_id: plan_id.clone(), holder };
        let answer = self.call_json(&call.request()).await?;
        let held =
            digits(&get(&answer, "balance")).and_then(|digits| digits.parse().ok()).ok_or_else(|| {
                let answer = Response { status: 200, ..Response::default() };
                from_api(&ApiError::garbled(&answer, "balance is missing"))
            })?;
        set(&answer, "balance", &bigint(held));
        printable(&answer);
        if own {
            self.buyer.borrow_mut().record_balance(plan_id, held, now());
        }
        Ok(answer)
    }

    pub(super) fn unauthorized(&self) -> JsValue {
        let error = FetchError::Unauthorized;
        let facts = Facts { code: error.code(), hint: error.hint(), ..Facts::default() };
        reject("nobody is logged in", facts)
    }
}

/// The time in milliseconds since 1970, by the platform's clock.
pub(super) fn now() -> u64 {
    let now = js_sys::Date::now();
    // A clock is a whole number of milliseconds between 1970 and the year 275760.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    {
        now as u64
    }
}
