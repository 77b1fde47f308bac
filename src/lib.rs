//! Pay for an HTTP resource, or charge for one, over HTTP 402: x402 and Nevermined payment plans.
//!
//! | feature | adds | start at |
//! |---|---|---|
//! | `client` | a paying HTTP client for native programs, async or blocking | `client::Client` |
//! | `tower` | the paywall as a tower layer, for axum and other servers on tokio | `tower::PaywallLayer` |
//! | `sqlite` | a paywall's state in a SQLite database | `sqlite::SqliteStore` |
//! | `worker` | the paywall in a Cloudflare Worker in Rust (workers-rs) | `worker::Paywall` |
//! | `serde` | `Serialize` and `Deserialize` of the types of [`wire`] | |
//! | none | the core: every decision of a buyer and of a seller, without I/O | [`subscriber::Buyer`], [`paywall::Gate`] |
//!
//! ```toml
//! [dependencies]
//! payments-wasm = { version = "0.1", features = ["client"] }
//! ```
//!
//! * An agent that pays: the page of `client` has one. It needs your HTTP client behind the trait `transport::Transport`, whose page
//!   has the lines for `reqwest`.
//! * A server that is paid: the page of `tower` has one, for axum.
//! * A Cloudflare Worker that is paid: `npx payments-wasm paywall init my-api --rust` writes the whole project. The page of
//!   `worker::Paywall` has its code; docs.rs shows it for the target `wasm32-unknown-unknown`.
//! * Anything else: the core below, with your own I/O.
//!
//! You need an API key of [Nevermined](https://nevermined.app), and to sell, a plan. `npx payments-wasm sandbox` runs the platform on
//! your own machine and prints keys and plans to try with. `docs/rust.md` is the guide.
//!
//! Features are additive. `client`, `tower` and `sqlite` are for native targets, `worker` for `wasm32-unknown-unknown`. The features
//! `subscriber`, `builder`, `dialects`, `gate-dialects`, `paywall` and their base `npm` build the npm package and the ready-made Worker; a Rust program needs none of them.
//!
//! # Modules
//!
//! Each imports only those below it.
//!
//! * `client`, `tower`, `worker`, `bindings`: drivers. They do I/O and decide nothing.
//! * [`subscriber`] and [`paywall`]: the decisions, as state machines without I/O. Their pages list the rules of money.
//! * [`api`]: the Nevermined HTTP API as data, one call a value.
//! * [`wire`]: bytes to types and back (headers, tokens, receipts, credits).
//!
//! # Examples
//!
//! A price is a [`wire::Credits`]: a uint256 in whole credits.
//!
//! ```
//! use payments_wasm::wire::{Credits, PlanId};
//!
//! let plan: PlanId = "1001".parse()?;
//! let price: Credits = "340282366920938463463374607431768211456".parse()?;
//! assert!(u64::try_from(price).is_err());
//! assert_eq!([Credits::from(1), Credits::from(2)].into_iter().sum::<Credits>(), Credits::from(3));
//! assert_eq!(format!("{price} of {plan}"), "340282366920938463463374607431768211456 of 1001");
//! # Ok::<(), payments_wasm::wire::WireError>(())
//! ```
//!
//! An offer is read from the header of a 402, and refused where it is not well-formed.
//!
//! ```
//! use payments_wasm::wire::{Accept, Credits, PaymentRequired, Resource, Scheme};
//!
//! let accept = Accept::new(Scheme::Erc4337, "eip155:84532", "1001".parse()?).with_credits(Credits::from(2));
//! let offer = PaymentRequired::new(Resource { url: "/ask".into(), ..Resource::default() }, vec![accept]);
//! let read = PaymentRequired::from_header(&offer.to_header())?;
//! assert_eq!(read.accepts()[0].credits(), Some(Credits::from(2)));
//! # Ok::<(), payments_wasm::wire::WireError>(())
//! ```
//!
//! A gate decides what a request is answered. Here it asks the platform how the plan is paid, before it makes an offer.
//!
//! ```
//! use payments_wasm::paywall::{Action, Bindings, Gate, RequestHead, Settings};
//!
//! let variable = |name: &str| {
//!     Some(match name {
//!         "NVM_API_KEY" => "sandbox:e30.e30.e30",
//!         "ROUTES" => r#"{ "POST /ask": { "planId": "1001", "credits": 2 } }"#,
//!         "UNLISTED" => "deny",
//!         _ => return None,
//!     }
//!     .to_string())
//! };
//! let gate = Gate::new(Settings::read(variable, Bindings { origin: true, ..Bindings::default() })?);
//! // 16 bytes of the system's random generator for each request, and the time in milliseconds.
//! let (seed, now) = ([7; 16], 1_800_000_000_000);
//! let ask = |path: &str| RequestHead::new("POST", &format!("https://shop.example{path}"), seed, now);
//! let (_, action) = gate.open(&ask("/other"));
//! assert!(matches!(action, Action::Respond(answer) if answer.status == 404));
//! let (_, action) = gate.open(&ask("/ask"));
//! let Action::Call(call) = action else { panic!("{action:?}") };
//! assert!(call.path.ends_with("/plans/1001"), "{}", call.path);
//! # Ok::<(), payments_wasm::paywall::ConfigError>(())
//! ```

// On docs.rs each item says the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

pub mod api;
#[cfg(feature = "npm")]
mod bindings;
#[cfg(all(feature = "client", not(target_arch = "wasm32")))]
pub mod client;
mod codec;
pub mod paywall;
#[cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
pub mod sqlite;
pub mod subscriber;
#[cfg(all(feature = "tower", not(target_arch = "wasm32")))]
pub mod tower;
#[cfg(all(any(feature = "client", feature = "tower"), not(target_arch = "wasm32")))]
pub mod transport;
pub mod wire;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(doctest)]
#[doc = include_str!("../docs/rust.md")]
struct RustBlocks;
