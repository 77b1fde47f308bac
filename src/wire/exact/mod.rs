//! The scheme `exact` of x402, versions 2 and 1: a fixed amount of an asset on a chain.
//!
//! On EVM chains the payer signs an EIP-3009 authorization; the signer is the caller's. On Solana the caller signs a
//! transaction.

mod address;
mod authorization;
mod chain;
mod offer;
mod payload;
mod required;
mod solana;

pub use address::{ChainAddress, EvmAddress};
pub use authorization::Authorization;
pub use chain::ChainId;
pub use offer::{ExactOffer, MAX_TIMEOUT_SECS, X402Version};
pub use payload::ExactPayment;
pub use required::{ExactRequired, check_identifier};
pub use solana::{SolanaAddress, SolanaTransfer};

use super::Credits;

/// An amount of an asset in its atomic units: a uint256.
pub type Amount = Credits;

/// The name of the scheme on the wire.
pub const EXACT: &str = "exact";
/// The request header of x402 version 1.
pub const X_PAYMENT: &str = "x-payment";
/// The response header of x402 version 1.
pub const X_PAYMENT_RESPONSE: &str = "x-payment-response";
