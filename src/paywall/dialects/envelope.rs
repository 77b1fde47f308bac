//! The things that a driver in Rust does around the gate's own flow for a request in another dialect.

use super::{Arrival, Dialect, Dialects, Entry, ExactTerms, NameRefusal, Question, Refused402, Supported};
use crate::codec;
use crate::paywall::config::error::{ConfigError, wrong};
use crate::paywall::{GateResponse, HeaderList};
use crate::wire::exact::X402Version;
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

/// A request, as its payment was read.
#[derive(Debug, Clone)]
pub struct Envelope {
    entry: Entry,
    search: String,
    body_digest: Option<String>,
    payer: Option<String>,
    receipt: Option<String>,
}

/// The 402 of a request in all dialects, and the challenges that are to be asked for.
#[derive(Debug)]
pub struct Offered {
    /// The answer.
    pub response: GateResponse,
    /// The bodies of the calls that give a challenge each.
    pub challenges: Vec<String>,
}

impl Dialects {
    /// Refuses a gate without a state if one of its dialects needs a state.
    ///
    /// # Errors
    /// Names the option.
    pub fn check_state(&self, has_state: bool) -> Result<(), ConfigError> {
        match self.needs_state() {
            Some(option) if !has_state => {
                Err(*wrong(option, "needs a state, which keeps what must be true once"))
            }
            _ => Ok(()),
        }
    }

    /// The option that needs a state. A chain of EVM's refuses an authorization that was spent. Solana takes a transaction once too, and says yes
    /// each time that it is sent, so that several requests at a time would all be paid for.
    #[must_use]
    pub fn needs_state(&self) -> Option<&'static str> {
        let is_on_solana = |terms: &ExactTerms| terms.chain.evm().is_none();
        match (&self.mpp, self.identifier) {
            (Some(_), _) => Some("mpp"),
            (None, Some(_)) => Some("paymentIdentifier"),
            (None, None) => self.exact.iter().any(is_on_solana).then_some("accepts"),
        }
    }

    /// True if the gate uses x402 with plans alone.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.mpp.is_none() && self.exact.is_empty() && self.identifier.is_none()
    }

    /// True where the body of each request is read first.
    #[must_use]
    pub fn binds_bodies(&self) -> bool {
        self.mpp.as_ref().is_some_and(|terms| terms.bind_body)
    }
}

impl Envelope {
    /// Reads the payment of a request. `token_headers` are the headers that a token may come in; `now` is in milliseconds since 1970.
    #[must_use]
    pub fn open(
        dialects: &Dialects,
        token_headers: &[String],
        headers: &HeaderList,
        search: &str,
        body_digest: Option<String>,
        now: u64,
    ) -> Self {
        let entry = dialects.enter(&Arrival {
            authorization: headers.get("authorization"),
            token: Self::token(token_headers, headers),
            x_payment: headers.get(crate::wire::exact::X_PAYMENT),
            search,
            body_digest: body_digest.as_deref(),
            now: now / 1000,
        });
        Self { entry, search: search.into(), body_digest, payer: None, receipt: None }
    }

    /// The token of a request.
    #[must_use]
    pub fn token<'a>(token_headers: &'a [String], headers: &'a HeaderList) -> Option<&'a str> {
        token_headers.iter().flat_map(|name| headers.all(name)).find(|value| !value.trim().is_empty())
    }

    /// True for a request in none of these dialects.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.entry, Entry::Plain)
    }

    /// True if the body has to be read before it can be said what the payment is.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        matches!(self.entry, Entry::NeedsBody)
    }

    /// The answer to a body that is too large to be read first: it has more than `limit` bytes.
    #[must_use]
    pub fn body_too_large(limit: usize) -> GateResponse {
        let message =
            ["The body is larger than ", &limit.to_string(), " bytes. Nothing was charged."].concat();
        GateResponse::error(413, "body_too_large", &message)
    }

    /// Writes the headers of the request as the gate takes them: the payment as a token, and nothing else that pays.
    pub fn dress(&self, token_headers: &[String], headers: &mut HeaderList) {
        let (token, authorization) = match &self.entry {
            Entry::Plain => return,
            Entry::Paid(paid) => (paid.carrier.token().expose(), paid.authorization.as_deref()),
            // A credential that is no token is refused like one, with the offer.
            Entry::NeedsBody | Entry::Refused(_) => ("-", None),
        };
        for name in token_headers {
            headers.remove(name);
        }
        headers.remove(crate::wire::exact::X_PAYMENT);
        if let Some(name) = token_headers.first() {
            headers.set(name, token);
        }
        match authorization {
            Some(rest) => headers.set("authorization", rest),
            None if headers.get("authorization").is_some_and(names_payment) => {
                headers.remove("authorization")
            }
            None => {}
        }
    }

    /// The payer that was verified.
    #[must_use]
    pub fn payer(&self) -> Option<&str> {
        self.payer.as_deref()
    }

    /// Takes an answer in the platform's format: the payer that was verified, and the receipt of the dialect.
    pub fn learn(&mut self, question: Question, status: u16, body: &str) {
        if !(200..300).contains(&status) {
            return;
        }
        let said = codec::parse_object(body).unwrap_or_default();
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(ToString::to_string);
        match question {
            Question::Verify => self.payer = text("payer"),
            Question::Settle => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_=+/-".contains(&byte);
                let receipt =
                    text("paymentReceipt").filter(|text| !text.is_empty() && text.bytes().all(plain));
                self.receipt = receipt.or(self.receipt.take());
            }
        }
    }

    /// The gate's own answer in all dialects. A 402 that is no offer stays what it is.
    #[must_use]
    pub fn answer(&self, dialects: &Dialects, supported: &Supported, response: GateResponse) -> Offered {
        let response = self.conflict(response);
        if response.status != 402 {
            return Offered { response, challenges: Vec::new() };
        }
        let offer = response.headers.get(PAYMENT_REQUIRED).and_then(|header| {
            dialects.offer(&Refused402 {
                header,
                body: response.body.as_deref(),
                search: &self.search,
                body_digest: self.body_digest.as_deref(),
                refused: match &self.entry {
                    Entry::Refused(refusal) => Some((refusal.code, refusal.message)),
                    _ => None,
                },
                supported: Some(supported),
            })
        });
        let Some(offer) = offer else { return Offered { response, challenges: Vec::new() } };
        let mut response = response;
        response.status = offer.status;
        match offer.header.is_empty() {
            true => {
                response.headers.remove(PAYMENT_REQUIRED);
                response.headers.set("content-type", "application/json");
                response.headers.set("retry-after", "5");
            }
            false => response.headers.set(PAYMENT_REQUIRED, offer.header),
        }
        response.headers.remove("content-length");
        response.body = offer.body.or(response.body);
        Offered { response, challenges: offer.challenges }
    }

    /// 409 for a credential that another request is being served for.
    fn conflict(&self, mut response: GateResponse) -> GateResponse {
        let is_mpp = matches!(&self.entry, Entry::Paid(paid) if paid.dialect == Dialect::Mpp);
        if !is_mpp || response.status != 402 || response.code != "payment_token_used" {
            return response;
        }
        let message = "This credential is being used by another request. Nothing was charged for this one.";
        let own = GateResponse::error(409, "payment_token_used", message);
        response.headers.remove(PAYMENT_REQUIRED);
        response.headers.remove("content-length");
        GateResponse { status: own.status, body: own.body, ..response }
    }

    /// Writes the headers of an answer in the dialect of its request.
    pub fn finish(&self, dialects: &Dialects, status: u16, headers: &mut HeaderList) {
        let v1 = matches!(&self.entry, Entry::Paid(paid) if paid.dialect == Dialect::Exact(X402Version::V1));
        let receipt = headers.get(PAYMENT_RESPONSE).map(ToString::to_string);
        if let (Some(_), Some(receipt)) = (&receipt, &self.receipt)
            && (200..300).contains(&status)
        {
            headers.set("payment-receipt", receipt.as_str());
        }
        if let Some(receipt) = receipt.filter(|_| v1) {
            headers.set(crate::wire::exact::X_PAYMENT_RESPONSE, receipt);
        }
        let mpp = dialects.mpp.is_some();
        for (name, members) in [
            (
                "access-control-expose-headers",
                [("www-authenticate", mpp), ("payment-receipt", mpp), ("x-payment-response", v1)],
            ),
            (
                "access-control-allow-headers",
                [("authorization", mpp), ("x-payment", dialects.v1), ("", false)],
            ),
        ] {
            let members: Vec<&str> =
                members.iter().filter(|(_, spoken)| *spoken).map(|(member, _)| *member).collect();
            if headers.get(name).is_some() {
                headers.merge(name, &members);
            }
        }
    }
}

impl NameRefusal {
    /// The refusal as an answer.
    #[must_use]
    pub fn response(&self) -> GateResponse {
        let message = [self.message, " Nothing was charged."].concat();
        let response = GateResponse::error(self.status, self.code, &message);
        let again = self.retry_after().map(|seconds| seconds.to_string());
        [("retry-after", &again), (PAYMENT_RESPONSE, &self.receipt)].into_iter().fold(
            response,
            |response, (name, value)| match value {
                Some(value) => response.with(name, value),
                None => response,
            },
        )
    }
}

/// True if a value of `Authorization` has a credential of the scheme `Payment`.
fn names_payment(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let ends = |text: &str| text.is_empty() || text.ends_with([' ', '\t', ',']);
    value.match_indices("payment").any(|(at, word)| {
        let (before, behind) = (value.get(..at), value.get(at + word.len()..));
        before.is_some_and(ends) && behind.is_some_and(|behind| behind.starts_with([' ', '\t']))
    })
}
