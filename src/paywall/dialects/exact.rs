//! The scheme `exact` of x402, at the facilitator that its terms name.

use super::carrier::Asked;
use super::terms::{Dialects, ExactTerms};
use super::transfer::Transfer;
use super::{Arrival, Carrier, Dialect, Entry, Outgoing, Paid, Question, Refusal};
use crate::codec;
use crate::wire::exact::{Amount, ChainAddress, ChainId, EXACT, X402Version};
use crate::wire::{MAX_RECEIPT_BYTES, Scheme, base64};
use alloc::{boxed::Box, string::String};
use serde_json::{Map, Value, json};

/// The largest payment header, in characters.
const MAX_PAYMENT: usize = 16 * 1024;

pub(super) const MALFORMED: Refusal =
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
    let (terms, transfer) = match version {
        X402Version::V2 => {
            let accepted = document.get("accepted").ok_or(MALFORMED)?;
            let text = |name: &str| accepted.get(name).and_then(Value::as_str).unwrap_or_default();
            let chain = ChainId::parse(text("network")).ok_or(OTHER_TERMS)?;
            let address = |name: &'static str| ChainAddress::parse(text(name), &chain, name).ok();
            let (asset, pay_to) = address("asset").zip(address("payTo")).ok_or(OTHER_TERMS)?;
            let same =
                |terms: &&ExactTerms| terms.chain == chain && terms.asset == asset && terms.pay_to == pay_to;
            let terms = dialects.exact.iter().find(same).ok_or(OTHER_TERMS)?;
            (terms, Transfer::read(payload, &chain).ok_or(MALFORMED)?)
        }
        X402Version::V1 => {
            let network = document.get("network").and_then(Value::as_str).unwrap_or_default();
            let chain = ChainId::parse_v1(network).ok_or(OTHER_TERMS)?;
            let transfer = Transfer::read(payload, &chain).ok_or(MALFORMED)?;
            // A payment of version 1 does not name the asset: of an EVM chain's the facilitator finds another one by the
            // signature.
            let same = |terms: &&ExactTerms| terms.chain == chain && transfer.goes_to(terms);
            (dialects.exact.iter().find(same).ok_or(OTHER_TERMS)?, transfer)
        }
    };
    let network = terms.chain.caip2();
    let carrier = Carrier::new(
        Dialect::Exact(version),
        (terms.plan_id.as_str(), Scheme::Erc4337, &network),
        (Some(transfer.payer()), &transfer.nonce()),
        text,
        (arrival.search, None),
    );
    let carrier = carrier.ok_or(MALFORMED)?;
    let authorization = arrival.authorization.map(Into::into);
    Ok(Entry::Paid(Box::new(Paid { dialect: Dialect::Exact(version), carrier, authorization })))
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
        let Some(Value::Object(mut payment)) = codec::parse_text(carrier.payment()) else {
            return invalid(question, "invalid_payload");
        };
        let payload = payment.get_mut("payload");
        let read =
            payload.and_then(|payload| Transfer::read(payload, &terms.chain).map(|read| (payload, read)));
        let Some((payload, transfer)) = read else {
            return invalid(question, "invalid_payload");
        };
        *payload = transfer.payload(payload);
        if let Some(reason) = transfer.mismatch(terms, &amount) {
            return invalid(question, reason);
        }
        // A facilitator signs for its own accounts alone, so that the payment may say which one.
        let requirements = terms.entry(version, &amount, asked, transfer.fee_payer());
        let body = json!({
            "x402Version": version.number(), "paymentPayload": payment, "paymentRequirements": requirements,
        });
        Outgoing::Facilitator {
            url: terms.facilitator.clone(),
            path: question.facilitator_path(),
            body: codec::print(&body),
        }
    }

    /// The facilitator's answer in the platform's format.
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
            (Question::Settle, _) if body.len() > MAX_RECEIPT_BYTES => (200, short(&document)),
            _ => (200, body),
        }
    }
}

/// An answer to settle that is too large for a receipt, which would be no answer: a facilitator may quote what the client sent, so that its no would
/// be an unknown outcome, and be delivered.
fn short(answer: &Map<String, Value>) -> String {
    let mut receipt = Map::new();
    for name in ["success", "errorReason", "payer", "transaction", "network"] {
        match answer.get(name) {
            Some(Value::String(text)) => {
                receipt.insert(name.into(), text.chars().take(500).collect::<String>().into())
            }
            Some(value @ Value::Bool(_)) => receipt.insert(name.into(), value.clone()),
            _ => None,
        };
    }
    codec::print_object(&receipt)
}

/// A no that needs no facilitator.
fn invalid(question: Question, reason: &str) -> Outgoing {
    let body = match question {
        Question::Verify => json!({ "isValid": false, "invalidReason": reason }),
        Question::Settle => {
            json!({ "success": false, "errorReason": reason, "transaction": "", "network": "" })
        }
    };
    Outgoing::answer(200, codec::print(&body))
}
