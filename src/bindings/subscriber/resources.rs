//! What the classes of JavaScript stand on (`payments.js`, `resources.js`): one class for all of them.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::convert::{bad_wire, delegation, digits, scheme, text};
use super::error::{set, spent_nothing};
use super::fetch_driver::{Hooks, run};
use super::promise::{answer, id, promise};
use super::session::{Ledger, Session, now};
use super::views;
use crate::api::plans::GetPlanBalance;
use crate::api::x402::GetAccessToken;
use crate::api::{Call, Request, calls};
use crate::bindings::http::Kept;
use crate::subscriber::poll_pause_ms;
use crate::wire::{ApiKey, Environment, Scheme, WireError, WireErrorKind};
use alloc::{rc::Rc, string::String, vec::Vec};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

/// A session, as JavaScript holds it.
#[wasm_bindgen(skip_typescript)]
pub struct Core(pub(super) Rc<Session>);

#[wasm_bindgen]
impl Core {
    /// Makes one from options that were read. `page`: whether orders are kept for as long as the tab. `ended` is told why a
    /// session ended that its owner did not end.
    #[wasm_bindgen(constructor, skip_typescript)]
    pub fn new(given: &JsValue, environment: &str, page: bool, ended: Function) -> Result<Core, JsValue> {
        let environment = Environment::parse(environment).unwrap_or(Environment::Custom);
        Session::new(given, environment, page, ended).map(Core)
    }

    /// Uses a key from now on.
    #[wasm_bindgen(js_name = logIn, skip_typescript)]
    pub fn log_in(&self, key: &str) -> Result<(), JsValue> {
        ApiKey::parse(key).and_then(|key| self.0.log_in(key)).map_err(|error| bad_wire(&error))
    }

    /// Forgets key, tokens and agreements.
    #[wasm_bindgen(js_name = logOut, skip_typescript)]
    pub fn log_out(&self) {
        self.0.log_out();
    }

    /// In whose name calls are made from now on.
    #[wasm_bindgen(js_name = setOrganization, skip_typescript)]
    pub fn set_organization(&self, organization: Option<String>) {
        *self.0.organization.borrow_mut() = organization;
    }

    /// Fetches, and pays if need be. `options` were read; `within` is the request that is being asked about by the code that
    /// fetches this, if it is asked from there.
    #[wasm_bindgen(skip_typescript)]
    pub fn fetch(&self, kept: Kept, options: JsValue, quote: bool, within: JsValue) -> Promise {
        let session = self.0.clone();
        promise(async move {
            let hooks = Hooks::read(&options, Some(&session.hooks)).map_err(spent_nothing)?;
            run(session, kept, hooks, quote, &within).await
        })
    }

    /// What was spent.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn spend(&self) -> JsValue {
        let spend = views::totals(&self.0.buyer.borrow(), now());
        if let Some(ledger) = self.0.ledger.get() {
            set(&spend, "receipts", &ledger.receipts());
        }
        spend
    }

    /// Asks the platform by the name of a call; its arguments are texts or are left out.
    #[wasm_bindgen(skip_typescript)]
    pub fn ask(&self, name: &str, given: Vec<JsValue>) -> Promise {
        let given: Vec<_> = given.iter().map(digits).collect();
        answer(&self.0, calls::request(name, &given).map_err(|error| bad_wire(&error)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlanBalance, skip_typescript)]
    pub fn get_plan_balance(&self, plan: JsValue, account: &JsValue) -> Promise {
        let (session, account) = (self.0.clone(), account.as_string());
        promise(async move {
            let holder = account
                .filter(|account| GetPlanBalance::is_address(account))
                .or_else(|| session.account())
                .ok_or_else(|| session.unauthorized())?;
            session.balance(&id(&plan, "planId")?, holder).await
        })
    }

    /// How long to wait before a balance is asked for again, in milliseconds, after so many times.
    #[wasm_bindgen(skip_typescript)]
    pub fn pause(&self, times: u32) -> u32 {
        u32::try_from(poll_pause_ms(times)).unwrap_or(u32::MAX)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getX402AccessToken, skip_typescript)]
    pub fn get_access_token(&self, plan: &JsValue, agent: &JsValue, options: &JsValue) -> Promise {
        answer(&self.0, token_request(&self.0, plan, agent, options))
    }

    /// From now on each step of the buyer's is taken when the ledger says so: [`turn`](Self::turn), then
    /// [`turned`](Self::turned).
    #[wasm_bindgen(js_name = keepWith, skip_typescript)]
    pub fn keep_with(&self, ledger: Ledger) {
        drop(self.0.ledger.set(ledger));
    }

    /// Takes up what was kept, if it could be read, does what is due, and says what is to be kept.
    #[wasm_bindgen(skip_typescript)]
    pub fn turn(&self, kept: &JsValue, tab: &JsValue) -> JsValue {
        let tab = tab.as_string().unwrap_or_default();
        if let Some(text) = kept.as_string() {
            self.0.buyer.borrow_mut().load(&text, &tab);
        }
        self.0.take_steps();
        self.0.buyer.borrow().stored_text(&tab).into()
    }

    /// What was to be kept is kept, or could not be.
    #[wasm_bindgen(skip_typescript)]
    pub fn turned(&self, kept: bool) {
        if !kept {
            self.0.buyer.borrow_mut().storage_failed();
        }
        self.0.pump();
    }

    /// The books of this instance, where they have changed since this was last called.
    #[wasm_bindgen(skip_typescript)]
    pub fn records(&self) -> JsValue {
        let buyer = self.0.buyer.borrow();
        let records = buyer.records();
        // One that is taken out makes them shorter, one that comes is of another time or makes them longer.
        let sign = (records.len(), records.last().map_or(0, |last| last.at));
        if self.0.told.replace(sign) == sign { JsValue::UNDEFINED } else { views::records(records) }
    }

    /// Where the card pages are.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn embed(&self) -> JsValue {
        self.0.deployment.borrow().embed.as_ref().into()
    }

    /// The platform that they are to talk to.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn network(&self) -> JsValue {
        self.0.deployment.borrow().network_name().into()
    }
}

fn token_request(
    session: &Session,
    plan: &JsValue,
    agent: &JsValue,
    options: &JsValue,
) -> Result<Request, JsValue> {
    let scheme = scheme(options).unwrap_or(Scheme::Erc4337);
    let environment = session.deployment.borrow().environment;
    let call = GetAccessToken {
        scheme,
        network: text(options, "network")
            .unwrap_or_else(|| scheme.default_network(environment).as_str().into()),
        plan_id: id(plan, "planId")?,
        agent_id: match agent.is_null_or_undefined() {
            true => None,
            false => Some(id(agent, "agentId")?),
        },
        delegation_id: delegation(options)?.or_else(|| session.hooks.delegation_id.clone()).ok_or_else(
            || bad_wire(&WireError::new(WireErrorKind::Missing, "delegationConfig.delegationId")),
        )?,
        binding: None,
    };
    Ok(call.request())
}
