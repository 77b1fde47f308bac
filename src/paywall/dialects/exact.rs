//! The scheme `exact` of x402 on EVM chains, at the facilitator that its terms name.

use super::carrier::Asked;
use super::terms::{Dialects, ExactTerms};
use super::{Arrival, Carrier, Dialect, Entry, Outgoing, Paid, Question, Refusal};
use crate::codec;
use crate::wire::exact::{Amount, ChainId, EXACT, EvmAddress, X402Version};
use crate::wire::{Scheme, base64};
use alloc::{boxed::Box, string::String};
use serde_json::{Map, Value, json};

/// The largest payment header, in characters.
const MAX_PAYMENT: usize = 16 * 1024;

const MALFORMED: Refusal =
    Refusal { code: "payment_malformed", message: "The payment is not one of the scheme exact." };
const OTHER_TERMS: Refusal = Refusal {
    code: "payment_for_another_plan",
    message: "This payment is for terms that are not offered here.",
};

/// Reads the payment of a request; `None` where it has none of this scheme.
pub(super) fn enter(dialects: &Dialects, arrival: &Arrival<'_>) -> Option<Entry> {
    let (header, version) = match (arrival.token, arrival.x_payment) {
        (Some(header), _) => (header, X402Version::V2),
        (None, Some(header)) if dialects.v1 => (header, X402Version::V1),
        _ => return None,
    };
    let read = base64::decode(header.trim(), MAX_PAYMENT, "payment").ok();
    let document = read.and_then(|bytes| match codec::parse_json(&bytes)? {
        Value::Object(document) => Some((bytes, document)),
        _ => None,
    });
    let Some((bytes, document)) = document else {
        // The gate says of its own header what is wrong with it.
        return (version == X402Version::V1).then_some(Entry::Refused(MALFORMED));
    };
    let scheme = match version {
        X402Version::V2 => document.get("accepted").and_then(|accepted| accepted.get("scheme")?.as_str()),
        X402Version::V1 => document.get("scheme").and_then(Value::as_str),
    };
    match (scheme, version) {
        (Some(EXACT), _) => {}
        (_, X402Version::V2) => return None,
        (_, X402Version::V1) => return Some(Entry::Refused(OTHER_TERMS)),
    }
    // The JSON as it came, so that the facilitator sees what was signed for.
    let text = String::from_utf8(bytes).ok();
    let entry = text.ok_or(MALFORMED).and_then(|text| checked(dialects, &document, &text, version, arrival));
    Some(entry.unwrap_or_else(Entry::Refused))
}

fn checked(
    dialects: &Dialects,
    document: &Map<String, Value>,
    text: &str,
    version: X402Version,
    arrival: &Arrival<'_>,
) -> Result<Entry, Refusal> {
    if document.get("x402Version").and_then(Value::as_u64) != Some(version.number()) {
        return Err(MALFORMED);
    }
    let payload = document.get("payload").ok_or(MALFORMED)?;
    let signed = Signed::read(payload).ok_or(MALFORMED)?;
    let terms = match version {
        X402Version::V2 => {
            let accepted = document.get("accepted").ok_or(MALFORMED)?;
            let text = |name: &str| accepted.get(name).and_then(Value::as_str).unwrap_or_default();
            let same = |terms: &&ExactTerms| {
                terms.chain.caip2() == text("network")
                    && text("asset").eq_ignore_ascii_case(terms.asset.as_str())
                    && text("payTo").eq_ignore_ascii_case(terms.pay_to.as_str())
            };
            dialects.exact.iter().find(same)
        }
        X402Version::V1 => {
            let network = document.get("network").and_then(Value::as_str).unwrap_or_default();
            let chain = ChainId::parse_v1(network);
            // A payment of version 1 does not name the asset: the facilitator finds another one by the signature.
            dialects
                .exact
                .iter()
                .find(|terms| Some(&terms.chain) == chain.as_ref() && terms.pay_to == signed.to)
        }
    };
    let terms = terms.ok_or(OTHER_TERMS)?;
    let network = terms.chain.caip2();
    let carrier = Carrier::new(
        Dialect::Exact(version),
        (terms.plan_id.as_str(), Scheme::Erc4337, &network),
        (Some(signed.from.as_str()), &signed.nonce),
        text,
        (arrival.search, None),
    );
    let carrier = carrier.ok_or(MALFORMED)?;
    let authorization = arrival.authorization.map(Into::into);
    Ok(Entry::Paid(Box::new(Paid { dialect: Dialect::Exact(version), carrier, authorization })))
}

/// An EIP-3009 authorization, as far as the gate compares it.
struct Signed {
    from: EvmAddress,
    to: EvmAddress,
    value: Amount,
    nonce: String,
}

impl Signed {
    fn read(payload: &Value) -> Option<Self> {
        payload.get("signature").and_then(Value::as_str)?;
        let authorization = payload.get("authorization")?;
        let text = |name: &str| authorization.get(name).and_then(Value::as_str);
        let nonce = text("nonce")?;
        let digits = nonce.strip_prefix("0x")?;
        let is_nonce = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self {
            from: EvmAddress::parse(text("from")?, "from").ok()?,
            to: EvmAddress::parse(text("to")?, "to").ok()?,
            value: text("value")?.parse().ok()?,
            nonce: nonce.to_ascii_lowercase(),
        })
        .filter(|_| is_nonce)
    }
}

impl Dialects {
    pub(super) fn ask_facilitator(
        &self,
        carrier: &Carrier,
        asked: &Asked,
        question: Question,
        version: X402Version,
    ) -> Outgoing {
        let terms = self.exact.iter().find(|terms| terms.plan_id.as_str() == carrier.plan_id);
        let amount = asked.amount.as_deref().and_then(|amount| amount.parse::<Amount>().ok());
        let Some((terms, amount)) = terms.zip(amount).filter(|_| asked.accept(&carrier.plan_id).is_some())
        else {
            return invalid(question, "invalid_payment_requirements");
        };
        let Some(Value::Object(payment)) = codec::parse_text(carrier.payment()) else {
            return invalid(question, "invalid_payload");
        };
        let Some(signed) = payment.get("payload").and_then(Signed::read) else {
            return invalid(question, "invalid_payload");
        };
        // The facilitator says so too. That the seller is paid what the route costs does not hang on it alone.
        if signed.value != amount {
            return invalid(question, "invalid_exact_evm_payload_authorization_value_mismatch");
        }
        if signed.to != terms.pay_to {
            return invalid(question, "invalid_exact_evm_payload_recipient_mismatch");
        }
        let requirements = terms.entry(version, &amount, asked);
        let body = json!({
            "x402Version": version.number(), "paymentPayload": payment, "paymentRequirements": requirements,
        });
        Outgoing::Facilitator { url: terms.facilitator.clone(), body: codec::print(&body) }
    }

    /// The facilitator's answer in the platform's words.
    pub(super) fn answer_facilitator(question: Question, status: u16, body: String) -> (u16, String) {
        let name = if question == Question::Verify { "isValid" } else { "success" };
        let Some(document) = codec::parse_object(&body) else { return (status, body) };
        let Some(said) = document.get(name).and_then(Value::as_bool) else { return (status, body) };
        // A no is a no in any status of the client's; one with a server's says that something broke.
        if !(200..500).contains(&status) || matches!(status, 401 | 403 | 408 | 429) {
            return (status, body);
        }
        let reason = document.get("errorReason").and_then(Value::as_str);
        match (question, said) {
            // The transaction is on its way: neither paid nor refused.
            (Question::Settle, false) if reason == Some("settlement_pending") => (504, body),
            _ => (200, body),
        }
    }
}

/// A no that needs no facilitator.
fn invalid(question: Question, reason: &str) -> Outgoing {
    let body = match question {
        Question::Verify => json!({ "isValid": false, "invalidReason": reason }),
        Question::Settle => {
            json!({ "success": false, "errorReason": reason, "transaction": "", "network": "" })
        }
    };
    Outgoing::Answer { status: 200, body: codec::print(&body) }
}
