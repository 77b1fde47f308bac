//! MPP, method `nevermined`, intent `charge`. Challenges are the platform's: it seals method, request, resource, verb,
//! end and digest, and neither it nor the gate keeps one before it is paid.

use super::carrier::Asked;
use super::terms::{Dialects, MppTerms};
use super::{Arrival, Carrier, Dialect, Entry, Outgoing, Paid, Question, Refusal};
use crate::codec;
use crate::wire::mpp::MppCredential;
use crate::wire::{AccessToken, AgentId, Credits, base64};
use alloc::{
    boxed::Box,
    string::{String, ToString},
};
use serde_json::{Map, Value};

/// The credential is of no use: forged, malformed, spent, or for something else. One answer for all, as the platform has it.
pub(super) const REJECTED: Refusal =
    Refusal { code: "BCK.MPP.0003", message: "The credential was rejected." };
/// A fresh challenge may be paid.
pub(super) const EXPIRED: Refusal =
    Refusal { code: "BCK.MPP.0004", message: "The challenge has expired. Pay the fresh one." };
/// A fresh challenge for this body may be paid.
pub(super) const OTHER_BODY: Refusal = Refusal {
    code: "BCK.MPP.0005",
    message: "The body differs from the one that the challenge was issued for. Pay the fresh challenge.",
};

/// Reads the credential of a request; `None` where it names no `Payment` scheme.
pub(super) fn enter(terms: &MppTerms, arrival: &Arrival<'_>) -> Option<Entry> {
    let header = arrival.authorization?;
    let credential = match MppCredential::from_header(header) {
        Ok(None) => return None,
        Ok(Some(credential)) => credential,
        Err(_) => return Some(Entry::Refused(REJECTED)),
    };
    Some(checked(terms, header, &credential, arrival).unwrap_or_else(Entry::Refused))
}

fn checked(
    terms: &MppTerms,
    header: &str,
    credential: &MppCredential,
    arrival: &Arrival<'_>,
) -> Result<Entry, Refusal> {
    let challenge = &credential.challenge;
    let charge = challenge.nevermined().ok().flatten().ok_or(REJECTED)?;
    let token = credential.access_token().ok_or(REJECTED)?;
    // An MPP token has the form of any other, with a signature of its own.
    let token = AccessToken::decode(token.expose()).map_err(|_| REJECTED)?;
    let accepted = token.accepted();
    let scheme = accepted.scheme().filter(|_| accepted.plan_id() == Some(&charge.plan_id)).ok_or(REJECTED)?;
    if challenge.expires_at().is_none_or(|end| end <= arrival.now) {
        return Err(EXPIRED);
    }
    match (&challenge.digest, arrival.body_digest) {
        (Some(_), None) => return Ok(Entry::NeedsBody),
        (Some(digest), Some(body)) if digest != body => return Err(OTHER_BODY),
        (None, _) if terms.bind_body => return Err(OTHER_BODY),
        _ => {}
    }
    let (credential_alone, rest) = MppCredential::split(header).ok_or(REJECTED)?;
    let digest = arrival.body_digest.filter(|_| challenge.digest.is_some());
    let carrier = Carrier::new(
        Dialect::Mpp,
        (charge.plan_id.as_str(), scheme, accepted.network()),
        (token.payer(), &one_spelling(&challenge.id).ok_or(REJECTED)?),
        &credential_alone,
        (arrival.search, digest),
    );
    let carrier = carrier.ok_or(REJECTED)?;
    Ok(Entry::Paid(Box::new(Paid { dialect: Dialect::Mpp, carrier, authorization: rest })))
}

/// The one spelling of a challenge's id, which a platform may read with padding, other bits left over, or letters between that it skips. Each spelling
/// would be a payment of its own here, and one payment there.
fn one_spelling(id: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let bytes = base64::decode(id, id.len(), "id");
    id.bytes().all(plain).then(|| bytes.map_or_else(|_| id.into(), |bytes| base64::encode_url(&bytes)))
}

impl Dialects {
    pub(super) fn ask_mpp(carrier: &Carrier, asked: &Asked, question: Question) -> Outgoing {
        let Some((accept, amount)) = asked.accept(&carrier.plan_id).zip(asked.amount.as_deref()) else {
            return refused(REJECTED);
        };
        let charge = MppCredential::from_header(carrier.payment()).ok().flatten();
        let Some(charge) = charge.and_then(|credential| credential.challenge.nevermined().ok().flatten())
        else {
            return refused(REJECTED);
        };
        let agent = charge.agent_id.as_ref().map(AgentId::as_str);
        if charge.plan_id.as_str() != carrier.plan_id || agent != Asked::extra(accept, "agentId") {
            return refused(REJECTED);
        }
        if amount.parse::<Credits>().ok() != Some(charge.credits) {
            return match question {
                // The price changed since: the fresh challenge has the one of now.
                Question::Verify => refused(Refusal {
                    message: "The challenge is for another price than that of now. Pay the fresh one.",
                    ..EXPIRED
                }),
                // The platform takes the whole amount of a challenge, or nothing. Nothing is taken then.
                Question::Settle => Outgoing::answer(401, "{}".into()),
            };
        }
        let mut body = Map::new();
        body.insert("credential".into(), carrier.payment().into());
        body.insert("resource".into(), [asked.resource(), &carrier.search].concat().into());
        body.insert("httpVerb".into(), Asked::extra(accept, "httpVerb").unwrap_or_default().into());
        if let Some(digest) = &carrier.body_digest {
            body.insert("bodyDigest".into(), digest.as_str().into());
        }
        Outgoing::Platform(question.in_mpp(codec::print_object(&body)))
    }

    /// The platform's answer to a settle of MPP. It answers each settle of one challenge alike: two payers that share
    /// a challenge would have two answers for one payment, so the one that it does not name is refused. `payer` is the
    /// one that was verified.
    pub(super) fn answer_mpp(
        question: Question,
        payer: Option<&str>,
        status: u16,
        body: String,
    ) -> (u16, String) {
        if question == Question::Verify || !(200..300).contains(&status) {
            return (status, body);
        }
        let named = codec::parse_object(&body)
            .and_then(|document| document.get("payer").and_then(Value::as_str).map(ToString::to_string));
        match (payer, named) {
            (Some(payer), Some(named)) if !payer.eq_ignore_ascii_case(&named) => {
                (REFUSED, refusal_text(REJECTED))
            }
            _ => (status, body),
        }
    }
}

/// The refusal, as the platform says it.
fn refused(refusal: Refusal) -> Outgoing {
    Outgoing::answer(REFUSED, refusal_text(refusal))
}

const REFUSED: u16 = 402;

fn refusal_text(refusal: Refusal) -> String {
    let mut body = Map::new();
    body.insert("code".into(), refusal.code.into());
    body.insert("message".into(), refusal.message.into());
    codec::print_object(&body)
}
