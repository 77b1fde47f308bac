//! The class that JavaScript meets first, and how it is made. See `types.d.ts` for what each member does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::browser;
use super::calls::{id, promise, require_object};
use super::convert::{bad_wire, get, text};
use super::core::Core;
use super::driver::{Hooks, run};
use super::error::{set, spent_nothing};
use super::request::take;
use super::session::{Session, now};
use super::views;
use crate::wire::{ApiKey, PlanId, WireError, WireErrorKind};
use alloc::rc::Rc;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/resources.js")]
extern "C" {
    fn resource(name: &str, core: Core) -> JsValue;
}

#[wasm_bindgen(module = "/src/js/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = withBudget)]
    fn with_budget(payments: JsValue, core: Core, budget: &JsValue) -> JsValue;
}

#[wasm_bindgen(module = "/src/js/books.js")]
extern "C" {
    #[wasm_bindgen(js_name = wrapFetch)]
    fn wrap_fetch(payments: Payments, fetch: &JsValue) -> JsValue;

    #[wasm_bindgen(js_name = paymentOf)]
    fn payment_of(response: &JsValue) -> JsValue;

    fn described(quote: &Promise, core: Core) -> Promise;

    #[wasm_bindgen(js_name = exportReceipts, catch)]
    fn export_receipts(spend: &JsValue, format: &JsValue) -> Result<JsValue, JsValue>;
}

/// Makes an instance from a key.
#[wasm_bindgen(js_name = getInstance, skip_typescript)]
pub fn get_instance(options: &JsValue) -> Result<JsValue, JsValue> {
    require_object(options, "options")?;
    let key = text(options, "nvmApiKey")?
        .ok_or_else(|| bad_wire(&WireError::new(WireErrorKind::Missing, "nvmApiKey")))?;
    let key = ApiKey::parse(&key).map_err(|error| bad_wire(&error))?;
    Ok(made(Session::new(options, Some(key), None)?, options))
}

/// Makes an instance for a page, logged in if a login has come back or a session is kept.
#[wasm_bindgen(js_name = getBrowserInstance, skip_typescript)]
pub fn get_browser_instance(options: &JsValue) -> Result<JsValue, JsValue> {
    require_object(options, "options")?;
    Ok(made(browser::open(options)?, options))
}

/// The instance, or a promise of it where its budget is kept beyond the page.
fn made(session: Rc<Session>, options: &JsValue) -> JsValue {
    let core = Core(session.clone());
    let payments = Payments { session }.into();
    let budget = get(options, "budget");
    if budget.is_null_or_undefined() { payments } else { with_budget(payments, core, &budget) }
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Payments {
    pub(super) session: Rc<Session>,
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
    pub fn environment_name(&self) -> JsValue {
        self.session.deployment.borrow().environment.as_str().into()
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getEnvironmentName, skip_typescript)]
    pub fn get_environment_name(&self) -> JsValue {
        self.environment_name()
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, js_name = loginError, skip_typescript)]
    pub fn login_error(&self) -> JsValue {
        self.session.page.as_ref().map_or(JsValue::UNDEFINED, browser::Page::login_error)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getAccountAddress, skip_typescript)]
    pub fn account_address(&self) -> JsValue {
        self.session.account().into()
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = setOrganizationId, skip_typescript)]
    pub fn set_organization_id(&self, organization: &JsValue) -> Result<(), JsValue> {
        let organization = match organization.is_null_or_undefined() {
            true => None,
            false => {
                let id: PlanId = id(organization, "organizationId")?;
                Some(id.as_str().into())
            }
        };
        *self.session.organization.borrow_mut() = organization;
        Ok(())
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn connect(&self, options: &JsValue) -> Result<JsValue, JsValue> {
        browser::connect(&self.session, options)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn logout(&self) {
        self.session.forget();
        self.session.log_out();
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn fetch(&self, input: JsValue, init: JsValue, options: JsValue) -> Promise {
        self.begin(input, init, options, false)
    }

    fn begin(&self, input: JsValue, init: JsValue, options: JsValue, quote: bool) -> Promise {
        let session = self.session.clone();
        promise(async move {
            let hooks = Hooks::read(&options, Some(&session.hooks)).map_err(spent_nothing)?;
            run(session, take(&input, &init).await?, hooks, quote).await
        })
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn quote(&self, input: JsValue, init: JsValue) -> Promise {
        described(&self.begin(input, init, JsValue::UNDEFINED, true), Core(self.session.clone()))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = wrapFetch, skip_typescript)]
    pub fn wrap_fetch(&self, fetch: &JsValue) -> JsValue {
        wrap_fetch(Self { session: self.session.clone() }, fetch)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = paymentOf, skip_typescript)]
    pub fn payment_of(&self, response: &JsValue) -> JsValue {
        payment_of(response)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn spend(&self) -> JsValue {
        let spend = views::totals(&self.session.buyer.borrow(), now());
        if let Some(ledger) = self.session.ledger.get() {
            set(&spend, "receipts", &ledger.receipts());
        }
        spend
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = exportReceipts, skip_typescript)]
    pub fn export_receipts(&self, format: &JsValue) -> Result<JsValue, JsValue> {
        export_receipts(&self.spend(), format)
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn plans(&self) -> JsValue {
        self.resource("Plans")
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn agents(&self) -> JsValue {
        self.resource("Agents")
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn delegation(&self) -> JsValue {
        self.resource("Delegations")
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(getter, skip_typescript)]
    pub fn x402(&self) -> JsValue {
        self.resource("X402")
    }

    fn resource(&self, name: &str) -> JsValue {
        resource(name, Core(self.session.clone()))
    }
}
