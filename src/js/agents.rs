//! `payments.agents`. See `types.d.ts` for what each member does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::calls::{answer, id, page};
use super::session::Session;
use crate::api::agents::{get_agent, get_agent_plans};
use alloc::rc::Rc;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct Agents(pub(super) Rc<Session>);

#[wasm_bindgen]
impl Agents {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getAgent, skip_typescript)]
    pub fn get_agent(&self, agent: &JsValue) -> Promise {
        answer(&self.0, id(agent, "agentId").map(|id| get_agent(&id)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getAgentPlans, skip_typescript)]
    pub fn get_agent_plans(&self, agent: &JsValue, pagination: &JsValue) -> Promise {
        answer(&self.0, id(agent, "agentId").map(|id| get_agent_plans(&id, &page(pagination))))
    }
}
