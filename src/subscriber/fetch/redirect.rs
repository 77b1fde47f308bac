use crate::subscriber::{Redirected, Redirects, Target};
use crate::wire::Secret;
use alloc::vec::Vec;

/// How often one fetch may be redirected by answers to a token.
const MAX_HOPS: u8 = 4;

/// The way on after a redirect that answers a token.
#[derive(Debug)]
pub(crate) enum RedirectedPayment {
    /// The token goes along, within its origin.
    Follow(Target),
    /// A new request without the token; where the target is known, it goes there.
    StartOver(Option<(Target, AsGet)>),
    /// The caller handles redirects.
    HandBack,
    /// It cannot be followed safely.
    Refuse,
}

/// True if the redirect turns the request into a GET.
pub(crate) type AsGet = bool;

/// The facts that decide about a redirect (rule 6).
pub(crate) struct RedirectFacts<'a> {
    pub(crate) status: u16,
    pub(crate) redirects: Redirects,
    pub(crate) method: &'a str,
    pub(crate) is_safe_method: bool,
    /// How many redirects answered a token of this fetch, this one included.
    pub(crate) hops: u8,
    pub(crate) origin: &'a str,
    pub(crate) token: &'a Secret,
    /// True if the token may be presented once more.
    pub(crate) may_present: bool,
}

impl RedirectFacts<'_> {
    pub(crate) fn decide(&self, to: Redirected) -> RedirectedPayment {
        // As `fetch` does it: only a POST becomes a GET by 301 and 302.
        let keeps_method = match self.status {
            307 | 308 => true,
            301 | 302 => self.method != "POST",
            _ => false,
        } || self.is_safe_method;
        // A seller may redirect to a place that has the token in its name, which is neither requested nor told of (rule 13), or
        // to a file of this machine, which some runtimes would read.
        let is_safe = match &to {
            Redirected::To(target) => target.is_web() && !holds(target.url.as_bytes(), self.token.expose()),
            Redirected::Somewhere => true,
        };
        let follows = is_safe && self.redirects == Redirects::Follow && self.hops <= MAX_HOPS;
        match to {
            Redirected::To(target)
                if follows && keeps_method && self.may_present && target.origin == self.origin =>
            {
                RedirectedPayment::Follow(target)
            }
            _ if self.redirects == Redirects::Manual => RedirectedPayment::HandBack,
            // Elsewhere, or as another request: a 402 there is a new offer.
            Redirected::To(target) if follows => RedirectedPayment::StartOver(Some((target, !keeps_method))),
            // The runtime hides the target: the same request without a token may be redirected there again, if it is safe to
            // send twice, and only once.
            Redirected::Somewhere if follows && self.is_safe_method && self.hops == 1 => {
                RedirectedPayment::StartOver(None)
            }
            _ => RedirectedPayment::Refuse,
        }
    }
}

/// The length of a part of a secret that tells it, in bytes: who prints a secret may cut it, or break its lines.
const MAX_TOLD: usize = 24;

/// True if a text has a secret in it, or a part of it of [`MAX_TOLD`] bytes, in letters of any case, percent-encoded or not.
pub(crate) fn holds(text: &[u8], secret: &str) -> bool {
    let length = secret.len().clamp(1, MAX_TOLD);
    let told = |part: &[u8]| secret.as_bytes().windows(length).any(|one| one.eq_ignore_ascii_case(part));
    percent_decoded(text).windows(length).any(told)
}

/// The length of a word that may be a secret that is encoded once more, or its signature, in bytes. Ids of plans and of transactions are shorter.
const MAX_WORD: usize = 100;

/// True if a seller's text may tell a secret: it holds it, or has a word of [`MAX_WORD`] letters of an encoding.
pub(crate) fn tells(text: &str, secret: &str) -> bool {
    let mut length = 0;
    let is_long = text.bytes().any(|byte| {
        length = if byte.is_ascii_alphanumeric() || byte == b'%' { length + 1 } else { 0 };
        length == MAX_WORD
    });
    is_long || holds(text.as_bytes(), secret)
}

/// Decodes percent signs. It reads any two bytes after one as digits, because the result is only searched.
fn percent_decoded(mut text: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| (byte & 15) + (byte >> 6) * 9;
    let mut decoded = Vec::new();
    while let [first, rest @ ..] = text {
        let (byte, after) = match text {
            [b'%', high, low, after @ ..] => (digit(high) << 4 | digit(low), after),
            _ => (*first, rest),
        };
        decoded.push(byte);
        text = after;
    }
    decoded
}
