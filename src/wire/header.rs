use crate::codec::text::ByteSplit;

/// The header of a 402 that carries the offer: standard base64 of a [`PaymentRequired`](super::PaymentRequired)
/// (x402 v2, HTTP transport).
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// The header of a request that carries the credential, a Nevermined [`AccessToken`](super::AccessToken) verbatim.
pub const PAYMENT_SIGNATURE: &str = "payment-signature";
/// The header of a response that carries the [`Receipt`](super::Receipt), on success and on a refused settlement.
pub const PAYMENT_RESPONSE: &str = "payment-response";

/// The value of a header that is there once. Where a proxy has doubled it, `fetch` gives all of them with commas between, of which
/// base64 has none.
pub(super) fn only_one(value: &str) -> &str {
    value.split_byte(b',').map(str::trim_ascii).find(|one| !one.is_empty()).unwrap_or_default()
}
