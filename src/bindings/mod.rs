//! Bindings for JavaScript: one folder for each feature and entry of the npm package. `http/` has the HTTP client that they share, in
//! JavaScript.

#[cfg(feature = "builder")]
mod builder;
#[cfg(feature = "dialects")]
mod dialects;
#[cfg(feature = "gate-dialects")]
mod gate_dialects;
#[cfg(feature = "paywall")]
mod paywall;
#[cfg(feature = "subscriber")]
mod subscriber;

#[cfg(target_family = "wasm")]
use {talc::wasm::WasmDynamicTalc, zeroizing_alloc::ZeroAlloc};

/// talc is 3 KB gzipped smaller than the default allocator of this target. Memory is overwritten when it is freed: keys
/// and tokens pass through strings that nothing else wipes, such as the glue's, headers and JSON.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: ZeroAlloc<WasmDynamicTalc> = ZeroAlloc(talc::wasm::new_wasm_dynamic_allocator());
