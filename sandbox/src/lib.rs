//! The Nevermined platform as a Worker for development and tests, offline.
//!
//! One Durable Object holds all state. A request is read completely, then served without an await in one storage
//! transaction: a burn and its top-up commit or roll back together, and two requests never interleave.
//!
//! The crate uses [`payments_wasm::wire`] and the HTTP contract, and nothing else of this project: an error in a
//! client's idea of the API cannot be repeated here.
//!
//! Modules from the bottom up. Each imports only those before it, which `tests/sandbox/crate.test.mjs` checks:
//!
//! * `http`, `primitives`, `pages`: requests, responses and errors; time, random bytes, EIP-712; parts of HTML pages.
//! * `storage`, `settings`, `context`, `crypto`: SQLite, the context of a request, signing keys and secrets.
//! * `identity`, `organizations`, `catalog`: accounts and API keys, organizations, plans and agents.
//! * `ledger`, `delegations`, `metering`, `checkout`: credits and money, spending limits, purchases.
//! * `tokens`, `widgets`, `facilitator`, `mpp`, `oauth`: access tokens, verify and settle.
//! * `control`, `seed`, `dashboard`: the routes of the sandbox itself.
//! * `router`, `service`, `worker_http`, `durable_object`: the route table, the transaction of a request, the Worker.

mod catalog;
mod checkout;
mod context;
mod control;
mod crypto;
mod dashboard;
mod delegations;
mod durable_object;
mod facilitator;
mod http;
mod identity;
mod ledger;
mod metering;
mod mpp;
mod oauth;
mod organizations;
mod pages;
mod primitives;
mod router;
mod seed;
mod service;
mod settings;
mod storage;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod testing;
mod tokens;
mod widgets;
mod worker_http;
