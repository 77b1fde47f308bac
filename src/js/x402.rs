//! `payments.x402`: tokens, and the permissions behind them. See `types.d.ts` for what each member does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::calls::{answer, id, page};
use super::convert::{bad_wire, delegation, scheme, text};
use super::session::Session;
use crate::api::permissions::{get_permission, list_permissions, revoke_permission};
use crate::api::x402::GetAccessToken;
use crate::api::{Call, Request};
use crate::wire::{AgentId, Scheme, WireError, WireErrorKind};
use alloc::{rc::Rc, string::String};
use js_sys::Promise;
use wasm_bindgen::prelude::*;

/// See `types.d.ts`.
#[wasm_bindgen(skip_typescript)]
pub struct X402(pub(super) Rc<Session>);

#[wasm_bindgen]
impl X402 {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getX402AccessToken, skip_typescript)]
    pub fn get_access_token(&self, plan: &JsValue, agent: Option<String>, options: &JsValue) -> Promise {
        answer(&self.0, token_request(&self.0, plan, agent.as_deref(), options))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = getPermission, skip_typescript)]
    pub fn get_permission(&self, hash: &JsValue) -> Promise {
        answer(&self.0, id(hash, "permissionHash").map(|hash| get_permission(&hash)))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = listPermissions, skip_typescript)]
    pub fn list_permissions(&self, pagination: &JsValue) -> Promise {
        answer(&self.0, Ok(list_permissions(&page(pagination))))
    }

    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = revokePermission, skip_typescript)]
    pub fn revoke_permission(&self, hash: &JsValue) -> Promise {
        answer(&self.0, id(hash, "permissionHash").map(|hash| revoke_permission(&hash)))
    }
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
