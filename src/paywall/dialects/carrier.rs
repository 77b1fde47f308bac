use super::Dialect;
use crate::codec;
use crate::wire::exact::X402Version;
use crate::wire::{Scheme, Secret, base64};
use alloc::{
    boxed::Box,
    string::{String, ToString},
};
use serde_json::{Map, Value, json};

/// The largest carrier, in characters: as large as a token may be.
const MAX_CARRIER: usize = 16 * 1024;

/// A payment of another dialect in the form of a single-use token: the plan, the payer, a nonce, and the payment as it
/// came. The journal keeps it, so that a settlement can be asked for again by an isolate that never saw the request.
///
/// It proves nothing: one that comes with a request is refused.
#[derive(Debug, Clone)]
pub struct Carrier {
    text: Secret,
    /// The dialect.
    pub dialect: Dialect,
    /// The plan, or the terms of an amount.
    pub plan_id: String,
    /// The payment as it came: a credential, or a JSON payload.
    payment: Secret,
    /// The query of the request that it came with.
    pub search: String,
    /// The digest of the body of that request.
    pub body_digest: Option<String>,
}

impl Carrier {
    /// A carrier; `None` for one that is too large. `scheme` and `network` are those that the gate offers the plan under.
    pub(super) fn new(
        dialect: Dialect,
        (plan_id, scheme, network): (&str, Scheme, &str),
        (from, nonce): (Option<&str>, &str),
        payment: &str,
        (search, body_digest): (&str, Option<&str>),
    ) -> Option<Self> {
        let mut authorization = Map::new();
        if let Some(from) = from {
            authorization.insert("from".into(), from.into());
        }
        authorization.insert("nonce".into(), nonce.into());
        let mut payload = Map::new();
        payload.insert("authorization".into(), Value::Object(authorization));
        payload.insert("dialect".into(), dialect.name().into());
        payload.insert("payment".into(), payment.into());
        payload.insert("search".into(), search.into());
        if let Some(digest) = body_digest {
            payload.insert("bodyDigest".into(), digest.into());
        }
        let document = json!({
            "x402Version": 2,
            "accepted": { "scheme": scheme.as_str(), "network": network, "planId": plan_id },
            "payload": payload,
        });
        let text = Secret::new(base64::encode_url(codec::print(&document).as_bytes()));
        (text.expose().len() <= MAX_CARRIER).then(|| Self {
            text,
            dialect,
            plan_id: plan_id.into(),
            payment: Secret::new(payment),
            search: search.into(),
            body_digest: body_digest.map(Into::into),
        })
    }

    /// Reads a carrier; `None` for a token that is none.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        let bytes = base64::decode(token, MAX_CARRIER, "token").ok()?;
        let document = codec::parse_json(&bytes)?;
        let text = |place: &str| document.pointer(place).and_then(Value::as_str).map(ToString::to_string);
        Some(Self {
            dialect: Dialect::named(&text("/payload/dialect")?)?,
            plan_id: text("/accepted/planId")?,
            payment: Secret::new(text("/payload/payment")?),
            search: text("/payload/search")?,
            body_digest: text("/payload/bodyDigest"),
            text: Secret::new(token),
        })
    }

    /// The token, which the gate takes.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.text
    }

    pub(super) fn payment(&self) -> &str {
        self.payment.expose()
    }
}

impl Dialect {
    /// The name of the dialect.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mpp => "mpp",
            Self::Exact(X402Version::V2) => "exact",
            Self::Exact(X402Version::V1) => "exact-v1",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Mpp, Self::Exact(X402Version::V2), Self::Exact(X402Version::V1)]
            .into_iter()
            .find(|dialect| dialect.name() == name)
    }
}

/// The gate's question, as the body of a call to the platform.
pub(super) struct Asked {
    pub(super) offer: Map<String, Value>,
    pub(super) token: String,
    /// The most that is verified, or what is settled; `None` where the platform finds it.
    pub(super) amount: Option<String>,
}

impl Asked {
    pub(super) fn read(body: &str) -> Option<Box<Self>> {
        let mut body = codec::parse_object(body)?;
        let Some(Value::Object(offer)) = body.remove("paymentRequired") else { return None };
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(ToString::to_string);
        Some(Box::new(Self { offer, token: text("x402AccessToken")?, amount: text("maxAmount") }))
    }

    /// The URL of the offer.
    pub(super) fn resource(&self) -> &str {
        let url = self.offer.get("resource").and_then(|resource| resource.get("url")?.as_str());
        url.unwrap_or_default()
    }

    /// The entries of the offer.
    pub(super) fn accepts(&self) -> impl Iterator<Item = &Value> {
        self.offer.get("accepts").and_then(Value::as_array).into_iter().flatten()
    }

    /// The entry of a plan.
    pub(super) fn accept(&self, plan_id: &str) -> Option<&Value> {
        self.accepts().find(|accept| accept.get("planId").and_then(Value::as_str) == Some(plan_id))
    }

    /// A text of the entry's `extra`.
    pub(super) fn extra<'a>(accept: &'a Value, name: &str) -> Option<&'a str> {
        accept.get("extra")?.get(name)?.as_str()
    }
}
