//! The classes that JavaScript meets. See `types.d.ts` for what each member does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::browser;
use super::convert::{
    bad_field, bad_wire, credits, delegation, digits, function, milliseconds, policy, text,
};
use super::driver::{Hooks, run};
use super::error::reject;
use super::request::take;
use super::session::{Session, now};
use crate::api::plans::{GetPlanBalance, OrderPlan, get_plan};
use crate::api::x402::GetAccessToken;
use crate::api::{Call, Request, delegation as delegations};
use crate::subscriber::FetchError;
use crate::wire::{AgentId, ApiKey, Credits, PlanId, Scheme, WireError, WireErrorKind};
use alloc::{boxed::Box, rc::Rc, string::String};
use core::future::Future;
use core::pin::Pin;
use js_sys::{JSON, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// How long `waitForCredits` waits, in milliseconds, where the caller does not say.
const WAIT_MS: u32 = 60_000;

/// Makes an instance from a key.
#[wasm_bindgen(js_name = getInstance, skip_typescript)]
pub fn get_instance(options: &JsValue) -> Result<Payments, JsValue> {
    require_object(options)?;
    let key = text(options, "nvmApiKey")?
        .ok_or_else(|| bad_wire(&WireError::new(WireErrorKind::Missing, "nvmApiKey")))?;
    let key = ApiKey::parse(&key).map_err(|error| bad_wire(&error))?;
    Ok(Payments { session: Session::new(options, Some(key))?, page: None })
}

/// Makes an instance for a page, logged in if a login has come back or a session is kept.
#[wasm_bindgen(js_name = getBrowserInstance, skip_typescript)]
pub fn get_browser_instance(options: &JsValue) -> Result<Payments, JsValue> {
    require_object(options)?;
    let (session, page) = browser::open(options)?;
    Ok(Payments { session, page: Some(page) })
}

fn require_object(options: &JsValue) -> Result<(), JsValue> {
    if options.is_object() { Ok(()) } else { Err(bad_field("options", "an object")) }
}

/// One place turns futures into promises, and one type of future: each other would be another kilobyte of wasm.
fn promise(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let work: Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>> = Box::pin(work);
    future_to_promise(work)
}

/// The answer to one call, as the platform gave it.
fn answer(session: &Rc<Session>, request: Result<Request, JsValue>) -> Promise {
    let session = session.clone();
    promise(async move { session.call_json(&request?).await })
}

fn plan_id(text: &JsValue) -> Result<PlanId, JsValue> {
    // An id that was read as a bigint is as good as its digits.
    let digits = text.as_string().or_else(|| text.is_bigint().then(|| digits(text)).flatten());
    let digits = digits.ok_or_else(|| bad_field("planId", "a string"))?;
    PlanId::parse(&digits, "planId").map_err(|error| bad_wire(&error))
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Payments {
    session: Rc<Session>,
    page: Option<browser::Page>,
}

#[wasm_bindgen]
impl Payments {
    /// See `types.d.ts`.
    #[wasm_bindgen(getter, js_name = isLoggedIn, skip_typescript)]
    pub fn is_logged_in(&self) -> bool {
        self.session.key.borrow().is_some()
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, js_name = environmentName, skip_typescript)]
    pub fn environment_name(&self) -> String {
        self.session.deployment.borrow().environment.as_str().into()
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, js_name = loginError, skip_typescript)]
    pub fn login_error(&self) -> JsValue {
        self.page.as_ref().map_or(JsValue::UNDEFINED, browser::Page::login_error)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getAccountAddress, skip_typescript)]
    pub fn account_address(&self) -> Option<String> {
        self.session.account()
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn connect(&self) -> Result<(), JsValue> {
        match &self.page {
            Some(page) => page.connect(&self.session.deployment.borrow()),
            None => Err(browser::only_in_a_page("connect")),
        }
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn logout(&self) {
        if let Some(page) = &self.page {
            page.forget();
        }
        self.session.log_out();
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn fetch(&self, input: JsValue, init: JsValue, options: JsValue) -> Promise {
        let session = self.session.clone();
        promise(async move {
            let hooks = Hooks {
                policy: policy(&options)?.or_else(|| session.policy.clone()),
                approve: function(&options, "approve")?.or_else(|| session.approve.clone()),
                delegation_id: delegation(&options)?,
            };
            run(session, take(&input, &init).await?, hooks).await
        })
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn plans(&self) -> Plans {
        Plans(self.session.clone())
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn delegation(&self) -> Delegations {
        Delegations(self.session.clone())
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn x402(&self) -> X402 {
        X402(self.session.clone())
    }
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Plans(pub(super) Rc<Session>);

#[wasm_bindgen]
impl Plans {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlan, skip_typescript)]
    pub fn get_plan(&self, id: &JsValue) -> Promise {
        answer(&self.0, plan_id(id).map(|id| get_plan(&id)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlanBalance, skip_typescript)]
    pub fn get_plan_balance(&self, id: JsValue, account: Option<String>) -> Promise {
        let session = self.0.clone();
        promise(async move {
            let holder = account
                .filter(|account| GetPlanBalance::is_address(account))
                .or_else(|| session.account())
                .ok_or_else(|| session.unauthorized())?;
            session.balance(&plan_id(&id)?, holder).await
        })
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = orderPlan, skip_typescript)]
    pub fn order_plan(&self, id: &JsValue) -> Promise {
        answer(&self.0, plan_id(id).map(|plan_id| OrderPlan { plan_id }.request()))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = waitForCredits, skip_typescript)]
    pub fn wait_for_credits(&self, id: JsValue, options: JsValue) -> Promise {
        let session = self.0.clone();
        promise(async move {
            let plan_id = plan_id(&id)?;
            let least = credits(&options, "min")?.unwrap_or(Credits::from(1));
            let deadline = now() + u64::from(milliseconds(&options, "timeoutMs")?.unwrap_or(WAIT_MS));
            let signal = super::convert::get(&options, "signal");
            let holder = session.account().ok_or_else(|| session.unauthorized())?;
            for attempt in 0.. {
                if super::convert::get(&signal, "aborted").is_truthy() {
                    let error = FetchError::Aborted;
                    return Err(super::error::reject_because(
                        &error.message(),
                        error.code(),
                        &super::convert::get(&signal, "reason"),
                    ));
                }
                let balance = session.balance(&plan_id, holder.clone()).await?;
                if credits(&balance, "balance")?.is_some_and(|held| held >= least) {
                    return Ok(balance);
                }
                let pause = crate::subscriber::poll_pause_ms(attempt);
                if now() + pause > deadline {
                    break;
                }
                let slept = promise(async move {
                    crate::transport::sleep(pause).await;
                    Ok(JsValue::UNDEFINED)
                });
                // An abort is seen at the top.
                drop(
                    wasm_bindgen_futures::JsFuture::from(crate::transport::unless_aborted(&signal, &slept))
                        .await,
                );
            }
            let error = FetchError::CreditsTimeout;
            let facts = super::error::Facts {
                code: error.code(),
                hint: error.hint(),
                retryable: true,
                ..super::error::Facts::default()
            };
            Err(reject(&error.message(), facts))
        })
    }
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Delegations(Rc<Session>);

#[wasm_bindgen]
impl Delegations {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = createDelegation, skip_typescript)]
    pub fn create(&self, payload: &JsValue) -> Promise {
        let body = require_object(payload).and_then(|()| JSON::stringify(payload));
        answer(&self.0, body.map(|body| delegations::create_delegation(body.into())))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = listDelegations, skip_typescript)]
    pub fn list(&self) -> Promise {
        answer(&self.0, Ok(delegations::list_delegations()))
    }
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct X402(Rc<Session>);

#[wasm_bindgen]
impl X402 {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getX402AccessToken, skip_typescript)]
    pub fn get_access_token(&self, id: &JsValue, agent: Option<String>, options: &JsValue) -> Promise {
        answer(&self.0, token_request(&self.0, id, agent.as_deref(), options))
    }
}

fn token_request(
    session: &Session,
    id: &JsValue,
    agent: Option<&str>,
    options: &JsValue,
) -> Result<Request, JsValue> {
    let scheme = match text(options, "scheme")? {
        None => Scheme::Erc4337,
        Some(name) => {
            Scheme::parse(&name).ok_or_else(|| bad_field("scheme", "nvm:erc4337 or nvm:card-delegation"))?
        }
    };
    let environment = session.deployment.borrow().environment;
    let call = GetAccessToken {
        scheme,
        network: text(options, "network")?
            .unwrap_or_else(|| scheme.default_network(environment).as_str().into()),
        plan_id: plan_id(id)?,
        agent_id: agent
            .map(|id| AgentId::parse(id, "agentId"))
            .transpose()
            .map_err(|error| bad_wire(&error))?,
        delegation_id: delegation(options)?.or_else(|| session.delegation_id.clone()).ok_or_else(|| {
            bad_wire(&WireError::new(WireErrorKind::Missing, "delegationConfig.delegationId"))
        })?,
    };
    Ok(call.request())
}
