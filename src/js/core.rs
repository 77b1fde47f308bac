//! What `payments.plans`, `.agents`, `.delegation` and `.x402` stand on (`resources.js`): one class for all of them.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::calls::{answer, id, promise};
use super::convert::{bad_wire, delegation, digits, scheme, text};
use super::session::{Ledger, Session};
use super::views;
use crate::api::plans::GetPlanBalance;
use crate::api::x402::GetAccessToken;
use crate::api::{Call, Request, calls};
use crate::subscriber::poll_pause_ms;
use crate::wire::{Scheme, WireError, WireErrorKind};
use alloc::{rc::Rc, vec::Vec};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/page.js")]
extern "C" {
    fn places(own: Option<&str>, embed: &str, network: &str) -> JsValue;
}

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

    /// Whether there is a key.
    #[wasm_bindgen(getter, js_name = loggedIn, skip_typescript)]
    pub fn logged_in(&self) -> bool {
        self.0.key.borrow().is_some()
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
            self.0.buyer.borrow_mut().take_up(&text, &tab);
        }
        self.0.take_steps();
        self.0.buyer.borrow().kept(&tab).into()
    }

    /// What was to be kept is kept, or could not be.
    #[wasm_bindgen(skip_typescript)]
    pub fn turned(&self, kept: bool) {
        if !kept {
            self.0.buyer.borrow_mut().not_kept();
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

    /// Where things are: where a page is come back to (nowhere outside one), the card pages, and the platform that they are
    /// to talk to.
    #[wasm_bindgen(skip_typescript)]
    pub fn places(&self) -> JsValue {
        let deployment = self.0.deployment.borrow();
        let own = self.0.page.as_ref().map(|page| page.return_url.as_str());
        places(own, &deployment.embed, deployment.network_name())
    }
}

fn token_request(
    session: &Session,
    plan: &JsValue,
    agent: &JsValue,
    options: &JsValue,
) -> Result<Request, JsValue> {
    let scheme = scheme(options)?.unwrap_or(Scheme::Erc4337);
    let environment = session.deployment.borrow().environment;
    let call = GetAccessToken {
        scheme,
        network: text(options, "network")?
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
