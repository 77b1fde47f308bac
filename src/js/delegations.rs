//! `payments.delegation`: what may be spent, and from which card. See `types.d.ts` for what each member does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::browser;
use super::calls::{answer, body, id, promise};
use super::convert::{get, text};
use super::session::Session;
use crate::api::delegation;
use alloc::rc::Rc;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/checkout.js")]
extern "C" {
    #[wasm_bindgen(js_name = purchasingPower)]
    fn purchasing_power(delegations: Delegations) -> Promise;
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Delegations(pub(super) Rc<Session>);

#[wasm_bindgen]
impl Delegations {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = createDelegation, skip_typescript)]
    pub fn create(&self, payload: &JsValue) -> Promise {
        answer(&self.0, body(payload, "options").map(delegation::create_delegation))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = listDelegations, skip_typescript)]
    pub fn list(&self, options: &JsValue) -> Promise {
        answer(&self.0, Ok(delegation::list_delegations(get(options, "accessible").as_bool())))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = revokeDelegation, skip_typescript)]
    pub fn revoke(&self, delegation: &JsValue) -> Promise {
        answer(&self.0, id(delegation, "delegationId").map(|id| delegation::revoke_delegation(&id)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = listPaymentMethods, skip_typescript)]
    pub fn list_methods(&self, options: &JsValue) -> Promise {
        let accessible = get(options, "accessible").as_bool();
        let provider = text(options, "provider");
        answer(&self.0, provider.map(|name| delegation::list_payment_methods(accessible, name.as_deref())))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = updatePaymentMethod, skip_typescript)]
    pub fn update_method(&self, method: &JsValue, changes: &JsValue) -> Promise {
        let request = || {
            let id = id(method, "paymentMethodId")?;
            Ok(delegation::update_payment_method(&id, body(changes, "changes")?))
        };
        answer(&self.0, request())
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPurchasingPower, skip_typescript)]
    pub fn purchasing_power(&self) -> Promise {
        purchasing_power(Delegations(self.0.clone()))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = setupCard, skip_typescript)]
    pub fn setup_card(&self, options: JsValue) -> Result<Promise, JsValue> {
        let visit = browser::card_visit(&self.0, &options)?;
        let session = self.0.clone();
        Ok(promise(async move { browser::setup_card(session, options, visit).await }))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = cardReturned, skip_typescript)]
    pub fn card_returned(&self) -> Result<JsValue, JsValue> {
        browser::card_returned()
    }
}
