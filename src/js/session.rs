//! What the objects of one `Payments` share: the key, where the platform is, the buyer, and who is to be told.

use super::convert::{delegation, function, milliseconds, policy, text};
use super::driver::Mailbox;
use super::error::{Facts, from_api, reject, set, unreachable};
use super::views::bigint;
use crate::api::{ApiError, Deployment, Request, Response, plans};
use crate::subscriber::{Buyer, Policy};
use crate::transport::Fetcher;
use crate::wire::{ApiKey, DelegationId, PlanId, WireError};
use alloc::{rc::Rc, string::String};
use core::cell::RefCell;
use js_sys::Function;
use wasm_bindgen::prelude::*;

/// How long a call of the platform may take, in milliseconds, where the caller does not say.
const TIMEOUT_MS: u32 = 30_000;

pub(super) struct Session {
    pub(super) key: RefCell<Option<ApiKey>>,
    pub(super) deployment: RefCell<Deployment>,
    pub(super) buyer: RefCell<Buyer>,
    pub(super) mailbox: RefCell<Mailbox>,
    pub(super) fetcher: Fetcher,
    pub(super) policy: Option<Policy>,
    pub(super) approve: Option<Function>,
    pub(super) on_event: Option<Function>,
    pub(super) delegation_id: Option<DelegationId>,
    pub(super) timeout_ms: u32,
    settings: Settings,
}

/// Where the platform is, as the caller said it.
struct Settings {
    environment: Option<String>,
    backend: Option<String>,
    frontend: Option<String>,
    embed: Option<String>,
}

impl Settings {
    fn read(options: &JsValue) -> Result<Self, JsValue> {
        Ok(Self {
            environment: text(options, "environment")?,
            backend: text(options, "backend")?,
            frontend: text(options, "frontend")?,
            embed: text(options, "embed")?,
        })
    }

    fn deployment(&self, key: Option<&ApiKey>) -> Result<Deployment, WireError> {
        let environment = Deployment::environment_of(key, self.environment.as_deref())?;
        match Deployment::hosted(environment) {
            Some(hosted) => Ok(hosted),
            None => {
                Deployment::custom(self.backend.as_deref(), self.frontend.as_deref(), self.embed.as_deref())
            }
        }
    }
}

impl Session {
    /// Reads the options that every kind of instance has.
    pub(super) fn new(options: &JsValue, key: Option<ApiKey>) -> Result<Rc<Self>, JsValue> {
        let settings = Settings::read(options)?;
        let deployment =
            settings.deployment(key.as_ref()).map_err(|error| super::convert::bad_wire(&error))?;
        let session = Self {
            key: RefCell::new(None),
            deployment: RefCell::new(deployment),
            buyer: RefCell::new(Buyer::new()),
            mailbox: RefCell::default(),
            fetcher: Fetcher::new(function(options, "fetch")?),
            policy: policy(options)?,
            approve: function(options, "approve")?,
            on_event: function(options, "onEvent")?,
            delegation_id: delegation(options)?,
            timeout_ms: milliseconds(options, "timeoutMs")?.unwrap_or(TIMEOUT_MS),
            settings,
        };
        if let Some(key) = key {
            session.log_in(key).map_err(|error| super::convert::bad_wire(&error))?;
        }
        Ok(Rc::new(session))
    }

    /// Uses a key from now on; the environment that its prefix names wins.
    pub(super) fn log_in(&self, key: ApiKey) -> Result<(), WireError> {
        let deployment = self.settings.deployment(Some(&key))?;
        *self.deployment.borrow_mut() = deployment;
        self.buyer.borrow_mut().log_in(key.account().map(Into::into), self.delegation_id.clone());
        *self.key.borrow_mut() = Some(key);
        Ok(())
    }

    pub(super) fn account(&self) -> Option<String> {
        self.key.borrow().as_ref().and_then(|key| key.account().map(Into::into))
    }

    /// Makes a call of the platform; `None` where no answer came.
    pub(super) async fn call(&self, request: &Request) -> Option<Response> {
        let secret = self.key.borrow().as_ref().map(|key| key.secret().clone());
        let backend = self.deployment.borrow().backend.clone();
        self.fetcher.call(&backend, request, secret.as_ref(), self.timeout_ms).await
    }

    /// Makes a call whose answer is the caller's: JavaScript parses it, and nothing is lost or renamed.
    pub(super) async fn call_json(&self, request: &Request) -> Result<JsValue, JsValue> {
        if request.auth == crate::api::Auth::Key && self.key.borrow().is_none() {
            return Err(self.unauthorized());
        }
        let response = self.call(request).await.ok_or_else(unreachable)?;
        if !response.is_success() {
            return Err(from_api(&ApiError::from_response(&response)));
        }
        js_sys::JSON::parse(&response.body).map_err(|_| from_api(&ApiError::garbled(&response, "not JSON")))
    }

    /// The balance of a plan, as the platform says it and with `balance` as a `bigint`. What is learned about one's own
    /// credits is also what a purchase is decided by.
    pub(super) async fn balance(&self, plan_id: &PlanId, holder: String) -> Result<JsValue, JsValue> {
        let own = self.account().as_deref() == Some(holder.as_str());
        let call = plans::GetPlanBalance { plan_id: plan_id.clone(), holder };
        let answer = self.call_json(&crate::api::Call::request(&call)).await?;
        let held = super::convert::credits(&answer, "balance")?.ok_or_else(|| {
            let answer = Response { status: 200, ..Response::default() };
            from_api(&ApiError::garbled(&answer, "balance is missing"))
        })?;
        set(&answer, "balance", &bigint(held));
        if own {
            self.buyer.borrow_mut().note_balance(plan_id, held, now());
        }
        Ok(answer)
    }

    pub(super) fn unauthorized(&self) -> JsValue {
        let error = crate::subscriber::FetchError::Unauthorized;
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
