//! What `payments.plans`, `.agents`, `.delegation` and `.x402` stand on (`resources.js`): one class for all of them.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::calls::{answer, id, promise, unless};
use super::convert::{bad_wire, credits, delegation, digits, function, get, milliseconds, scheme, text};
use super::error::{Facts, reject};
use super::session::{Session, now};
use crate::api::plans::GetPlanBalance;
use crate::api::x402::GetAccessToken;
use crate::api::{Call, Request, calls};
use crate::subscriber::{FetchError, poll_pause_ms};
use crate::transport::sleep;
use crate::wire::{AgentId, Credits, Scheme, WireError, WireErrorKind};
use alloc::{rc::Rc, string::String, vec::Vec};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

/// How long `waitForCredits` waits, in milliseconds, where the caller does not say.
const WAIT_MS: u32 = 60_000;

/// A session, as the resources hold it.
#[wasm_bindgen(skip_typescript)]
pub struct Core(pub(super) Rc<Session>);

#[wasm_bindgen]
impl Core {
    /// Asks the platform by the name of a call; its arguments are texts or are left out.
    #[wasm_bindgen(skip_typescript)]
    pub fn ask(&self, name: &str, given: Vec<JsValue>) -> Promise {
        let given: Vec<_> = given.iter().map(digits).collect();
        answer(&self.0, calls::request(name, &given).map_err(|error| bad_wire(&error)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPlan, skip_typescript)]
    pub fn get_plan(&self, plan: JsValue) -> Promise {
        self.ask("getPlan", Vec::from([plan]))
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
    #[wasm_bindgen(js_name = waitForCredits, skip_typescript)]
    pub fn wait_for_credits(&self, plan: JsValue, options: JsValue) -> Promise {
        let signal = get(&options, "signal");
        let waiting = promise(wait(self.0.clone(), plan, options));
        promise(async move { unless(&signal, &waiting).await })
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getX402AccessToken, skip_typescript)]
    pub fn get_access_token(&self, plan: &JsValue, agent: Option<String>, options: &JsValue) -> Promise {
        answer(&self.0, token_request(&self.0, plan, agent.as_deref(), options))
    }

    /// Where things are: where a page is come back to (empty outside one), the card pages, and the platform that they are
    /// to talk to.
    #[wasm_bindgen(skip_typescript)]
    pub fn places(&self) -> Vec<String> {
        let deployment = self.0.deployment.borrow();
        let own = self.0.page.as_ref().map(|page| page.return_url.clone()).unwrap_or_default();
        Vec::from([own, deployment.embed.clone().into(), deployment.network_name().into()])
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

fn token_request(
    session: &Session,
    plan: &JsValue,
    agent: Option<&str>,
    options: &JsValue,
) -> Result<Request, JsValue> {
    let scheme = scheme(options)?.unwrap_or(Scheme::Erc4337);
    let environment = session.deployment.borrow().environment;
    let call = GetAccessToken {
        scheme,
        network: text(options, "network")?
            .unwrap_or_else(|| scheme.default_network(environment).as_str().into()),
        plan_id: id(plan, "planId")?,
        agent_id: agent
            .map(|id| AgentId::parse(id, "agentId"))
            .transpose()
            .map_err(|error| bad_wire(&error))?,
        delegation_id: delegation(options)?.or_else(|| session.delegation_id.clone()).ok_or_else(|| {
            bad_wire(&WireError::new(WireErrorKind::Missing, "delegationConfig.delegationId"))
        })?,
        binding: None,
    };
    Ok(call.request())
}
