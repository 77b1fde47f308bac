//! The Worker that is deployed as it is.

use super::shell::{Shell, serve};
use super::{js, settings};
use crate::paywall::GateResponse;
use worker::{Context, Env, event, web_sys};

/// Smaller and quicker than the default one of this target. Who uses the library chooses for themselves.
#[cfg(all(
    not(any(feature = "subscriber", feature = "paywall", feature = "builder")),
    target_family = "wasm"
))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Answers one request: as the gate says, or with 500 and the key's name if the configuration is wrong, whatever
/// was asked (fail closed).
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    match settings::gate(&env).await {
        Ok(gate) => {
            let shell = Shell { gate, request, env, origin: None, handler: None, asked: false };
            serve(shell, &context).await
        }
        Err(error) => {
            worker::console_error!("{}: {}", error.code(), error);
            js::answer(GateResponse::misconfigured(&error), &env)
        }
    }
}
