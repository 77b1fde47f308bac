//! The JavaScript shell of the subscriber: promises, errors, results. It translates and decides nothing. The class that callers
//! meet, `Payments`, is `payments.js`: it reads options and the way back from a login, and loads this when it is first needed.
//!
//! Every exported async method is a plain function that returns a `Promise` built from a cloned `Rc`: no borrow is
//! held across an await, and an object may be freed while a call is under way.

mod calls;
mod convert;
mod core;
mod driver;
mod error;
mod request;
mod session;
mod views;

#[cfg(target_family = "wasm")]
use {talc::wasm::WasmDynamicTalc, zeroizing_alloc::ZeroAlloc};

/// The default allocator of this target is 3 KB gzipped larger than need be. Memory is overwritten when it is freed: keys
/// and tokens pass through strings that nothing else wipes, such as the glue's, headers and JSON.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: ZeroAlloc<WasmDynamicTalc> = ZeroAlloc(talc::wasm::new_wasm_dynamic_allocator());
