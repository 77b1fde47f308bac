//! `payments.plans`. See `types.d.ts` for what each member does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::browser::only_in_a_page;
use super::calls::{answer, id, page, promise, unless};
use super::convert::{credits, function, get, milliseconds};
use super::error::{Facts, reject};
use super::session::{Session, now};
use crate::api::plans::{GetPlanBalance, OrderPlan, get_plan, get_plan_agents, get_plans};
use crate::api::{Call, Page, fiat::order_fiat_plan};
use crate::subscriber::{FetchError, poll_pause_ms};
use crate::transport::sleep;
use crate::wire::Credits;
use alloc::{rc::Rc, string::String};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

/// How long `waitForCredits` waits, in milliseconds, where the caller does not say.
const WAIT_MS: u32 = 60_000;

#[wasm_bindgen(module = "/src/js/checkout.js")]
extern "C" {
    fn checkout(plans: Plans, id: &JsValue, options: &JsValue, return_url: &str) -> Promise;

    #[wasm_bindgen(js_name = checkoutReturned)]
    fn checkout_returned(plans: Plans, options: &JsValue) -> Promise;
}

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Plans(pub(super) Rc<Session>);

#[wasm_bindgen]
impl Plans {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlan, skip_typescript)]
    pub fn get_plan(&self, plan: &JsValue) -> Promise {
        answer(&self.0, id(plan, "planId").map(|id| get_plan(&id)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlans, skip_typescript)]
    pub fn get_plans(
        &self,
        page: &JsValue,
        offset: &JsValue,
        sort_by: Option<String>,
        sort_order: Option<String>,
        options: &JsValue,
    ) -> Promise {
        let digits = super::convert::digits;
        let page = Page { page: digits(page), offset: digits(offset), sort_by, sort_order };
        let organization = get(options, "organizationId");
        let organization = match organization.is_undefined() {
            true => Ok(None),
            false => id(&organization, "organizationId").map(Some),
        };
        answer(&self.0, organization.map(|id| get_plans(&page, id.as_ref())))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getAgentsAssociatedToAPlan, skip_typescript)]
    pub fn get_agents(&self, plan: &JsValue, pagination: &JsValue) -> Promise {
        answer(&self.0, id(plan, "planId").map(|id| get_plan_agents(&id, &page(pagination))))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlanBalance, skip_typescript)]
    pub fn get_plan_balance(&self, plan: JsValue, account: Option<String>) -> Promise {
        let session = self.0.clone();
        promise(async move {
            let holder = account
                .filter(|account| GetPlanBalance::is_address(account))
                .or_else(|| session.account())
                .ok_or_else(|| session.unauthorized())?;
            session.balance(&id(&plan, "planId")?, holder).await
        })
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = orderPlan, skip_typescript)]
    pub fn order_plan(&self, plan: &JsValue) -> Promise {
        answer(&self.0, id(plan, "planId").map(|plan_id| OrderPlan { plan_id }.request()))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = orderFiatPlan, skip_typescript)]
    pub fn order_fiat_plan(&self, plan: &JsValue) -> Promise {
        answer(&self.0, id(plan, "planId").map(|id| order_fiat_plan(&id)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(skip_typescript)]
    pub fn checkout(&self, plan: &JsValue, options: &JsValue) -> Result<Promise, JsValue> {
        let page = self.0.page.as_ref().ok_or_else(|| only_in_a_page("checkout"))?;
        Ok(checkout(Plans(self.0.clone()), plan, options, &page.return_url))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = checkoutReturned, skip_typescript)]
    pub fn checkout_returned(&self, options: &JsValue) -> Result<Promise, JsValue> {
        self.0.page.as_ref().ok_or_else(|| only_in_a_page("checkoutReturned"))?;
        Ok(checkout_returned(Plans(self.0.clone()), options))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = waitForCredits, skip_typescript)]
    pub fn wait_for_credits(&self, plan: JsValue, options: JsValue) -> Promise {
        let signal = get(&options, "signal");
        let waiting = promise(wait(self.0.clone(), plan, options));
        promise(async move { unless(&signal, &waiting).await })
    }
}

async fn wait(session: Rc<Session>, plan: JsValue, options: JsValue) -> Result<JsValue, JsValue> {
    let plan_id = id(&plan, "planId")?;
    let least = credits(&options, "min")?.unwrap_or(Credits::from(1));
    let deadline = now() + u64::from(milliseconds(&options, "timeoutMs")?.unwrap_or(WAIT_MS));
    let on_progress = function(&options, "onProgress")?;
    let signal = get(&options, "signal");
    let holder = session.account().ok_or_else(|| session.unauthorized())?;
    for attempt in 0.. {
        let balance = session.balance(&plan_id, holder.clone()).await?;
        if credits(&balance, "balance")?.is_some_and(|held| held >= least) {
            return Ok(balance);
        }
        if let Some(on_progress) = &on_progress {
            // A listener that throws does not end the waiting.
            drop(on_progress.call1(&JsValue::UNDEFINED, &balance));
        }
        let pause = poll_pause_ms(attempt);
        // Nobody is waiting any more after an abort.
        if now() + pause > deadline || get(&signal, "aborted").is_truthy() {
            break;
        }
        sleep(pause).await;
    }
    let error = FetchError::CreditsTimeout;
    let facts = Facts { code: error.code(), hint: error.hint(), retryable: true, ..Facts::default() };
    Err(reject(&error.message(), facts))
}
