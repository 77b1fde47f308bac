//! The meaning of the facilitator's answers for a request (rule 21): which requests are refused, which are to wait, and
//! which results are not known.

use crate::api::x402::Verified;
use crate::api::{ApiError, ApiErrorKind};
use crate::codec::text::ByteSplit;
use crate::wire::{NOT_SETTLED, Receipt};
use alloc::string::{String, ToString};

/// The result of a verify.
#[derive(Debug, PartialEq)]
pub(crate) enum VerifyResult {
    /// The token would pay.
    Valid(Verified),
    /// It would not: 402 and a fresh offer.
    Refused(Refusal),
    /// Nobody knows: 503. The code says why.
    Unavailable(String),
}

/// The result of a settle.
#[derive(Debug, PartialEq)]
pub(crate) enum SettleResult {
    /// The credits are burned.
    Paid(Receipt),
    /// They are not, and will not be: 402, nothing delivered.
    Refused { receipt: Receipt, refusal: Refusal, pay_again: bool },
    /// They are not, and it is not the buyer's doing: 503, nothing delivered. The code says why.
    NotTried(String),
    /// They may be: delivered and journalled. The code says why.
    Unknown(String),
}

/// A refusal, as the buyer receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `BCK.*` where the facilitator named one.
    pub(crate) code: String,
    pub(crate) message: String,
    /// Empty where there is none.
    pub(crate) correlation_id: String,
}

/// The refusal of a single-use token that was settled before.
pub(crate) const SPENT: &str = "BCK.X402.0059";

/// The refusal that says that the burn failed: of nothing that the payer did, so it may be settled another time.
pub(crate) const BURN_FAILED: &str = "BCK.X402.0009";

/// Refusals after which paying again is right: too little credit, a spent single-use token.
const PAY_AGAIN: [&str; 5] =
    ["BCK.CREDITS.0003", "BCK.PROTOCOL.0011", "BCK.X402.0007", "BCK.X402.0008", SPENT];

/// Refusals that say that a token is of no more use: it is invalid, has ended or was revoked, as was its delegation, or
/// it was spent.
const TOKEN_ENDED: [&str; 5] =
    ["BCK.X402.0005", "BCK.X402.0010", "BCK.X402.0016", "BCK.DELEGATION.0002", SPENT];

impl Refusal {
    /// True if this token will never be settled.
    pub(crate) fn ends_token(&self) -> bool {
        TOKEN_ENDED.contains(&self.code.as_str())
    }
}

/// Answers with 500 that say what did not happen: the order before the burn failed, or the burn did. They are a no, not
/// silence; else whoever's card or wallet is empty is served for nothing, each time.
const NOT_BURNED: [&str; 3] = ["BCK.X402.0007", "BCK.X402.0008", BURN_FAILED];

/// Turns the answer to a verify into its result.
pub(crate) fn verdict(answer: Result<Verified, ApiError>) -> VerifyResult {
    match answer {
        Ok(verified) if verified.is_valid => VerifyResult::Valid(verified),
        Ok(verified) => {
            let reason = verified.invalid_reason.as_deref();
            VerifyResult::Refused(refusal_for(reason, "Insufficient credits or invalid token."))
        }
        Err(error) => match meaning(&error) {
            Fault::Buyer => VerifyResult::Refused(refusal_of(error)),
            Fault::Seller => VerifyResult::Unavailable("facilitator_unauthorized".into()),
            Fault::Busy => VerifyResult::Unavailable("facilitator_busy".into()),
            Fault::Broken => VerifyResult::Unavailable("facilitator_unavailable".into()),
            Fault::Garbled => VerifyResult::Unavailable("facilitator_garbled".into()),
        },
    }
}

/// Turns the answer to a settle into its result.
pub(crate) fn settled(answer: Result<Receipt, ApiError>, network: &str) -> SettleResult {
    match answer {
        Ok(receipt) if receipt.success() => SettleResult::Paid(receipt),
        Ok(receipt) => {
            let refusal = refusal_for(receipt.text("errorReason"), "The payment was refused at settlement.");
            SettleResult::Refused { pay_again: pays_again(&refusal.code), receipt, refusal }
        }
        Err(error) => match meaning(&error) {
            Fault::Broken if !NOT_BURNED.contains(&error.code.as_str()) => {
                SettleResult::Unknown("facilitator_unavailable".into())
            }
            Fault::Buyer | Fault::Broken => {
                let refusal = refusal_of(error);
                let receipt = Receipt::refused(&refusal.code, network);
                SettleResult::Refused { receipt, pay_again: pays_again(&refusal.code), refusal }
            }
            Fault::Seller => SettleResult::NotTried("facilitator_unauthorized".into()),
            // Delivering here would let a crowd have for nothing what it asks for fast enough.
            Fault::Busy => SettleResult::NotTried("facilitator_busy".into()),
            Fault::Garbled => SettleResult::Unknown("facilitator_garbled".into()),
        },
    }
}

/// A receipt that says that nothing was settled: a buyer's budget need not stay in doubt over an answer that failed.
pub(crate) fn not_settled() -> String {
    Receipt::refused(NOT_SETTLED, "").to_header()
}

enum Fault {
    /// A clear no to this payment.
    Buyer,
    /// A clear no to the seller's key.
    Seller,
    /// Not now, and not done.
    Busy,
    /// Something went wrong on the way, at any point of it.
    Broken,
    /// Not the facilitator's language: another server, or a page in between.
    Garbled,
}

fn meaning(error: &ApiError) -> Fault {
    let named = error.code.starts_with("BCK.");
    let key = error.code.starts_with("BCK.APIKEY.") || error.code.starts_with("BCK.AUTH.");
    match (error.kind, error.status) {
        (ApiErrorKind::Garbled, _) => Fault::Garbled,
        // No settle was sent.
        (_, 408 | 429) => Fault::Busy,
        (ApiErrorKind::Unavailable, _) => Fault::Broken,
        (ApiErrorKind::Unauthorized, 401) => Fault::Seller,
        // The platform answers 403 for the seller's key, and for plans, agents and balances too.
        (ApiErrorKind::Unauthorized, _) if key || !named => Fault::Seller,
        (ApiErrorKind::Unauthorized, _) => Fault::Buyer,
        (ApiErrorKind::Refused, 400 | 402 | 409 | 412 | 422) => Fault::Buyer,
        (ApiErrorKind::Refused, 400..500) if named => Fault::Buyer,
        (ApiErrorKind::Refused, _) => Fault::Garbled,
    }
}

fn pays_again(code: &str) -> bool {
    PAY_AGAIN.contains(&code)
}

fn refusal_of(error: ApiError) -> Refusal {
    let message = match error.hint {
        Some(hint) => [error.message.as_str(), " — ", hint.as_str()].concat(),
        None => error.message,
    };
    Refusal { code: error.code, message, correlation_id: error.correlation_id.unwrap_or_default() }
}

/// The refusal for a reason, which may be a text or begin with a code of the platform.
fn refusal_for(reason: Option<&str>, otherwise: &str) -> Refusal {
    let code = reason
        .map(|reason| reason.split_before(b" :").map_or(reason, |(code, _)| code))
        .filter(|word| word.starts_with("BCK."))
        .unwrap_or("payment_refused");
    // The text is the platform's, so it is cut to a length that fits an answer.
    let message = reason.unwrap_or(otherwise).chars().take(500).collect();
    Refusal { code: code.to_string(), message, correlation_id: String::new() }
}
