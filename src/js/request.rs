//! The caller's request, kept so that it can be sent up to three times (rule 7), and the heads of its answers: the way
//! of both into the core's types.

use super::convert::get;
use super::error::{Facts, aborted, reject, reject_because, spent_nothing};
use crate::subscriber::{Answer, Redirected, Redirects, Send, Target};
use crate::transport::{Fetcher, Head, Kept, Place, keep};
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// What a one-shot stream may weigh to be kept for a second sending, in bytes.
const MAX_BUFFERED: u32 = 1024 * 1024;

/// Takes what `fetch` takes.
pub(super) async fn take(input: &JsValue, init: &JsValue) -> Result<Kept, JsValue> {
    let kept = JsFuture::from(keep(input, init, MAX_BUFFERED)).await.map_err(|cause| {
        let stopped = |of: &JsValue| get(&get(of, "signal"), "aborted").is_truthy();
        spent_nothing(match stopped(init) || stopped(input) {
            true => aborted(&cause),
            false => reject_because("the request cannot be made", "invalid_request", &cause),
        })
    })?;
    if kept.is_undefined() {
        return Err(spent_nothing(reject(
            "the request's body is a stream too long to be kept for a second sending",
            Facts {
                code: "body_not_replayable",
                hint: Some("give the body as a string, a buffer, a Blob or FormData, or under 1 MiB"),
                ..Facts::default()
            },
        )));
    }
    Ok(kept.unchecked_into())
}

impl Kept {
    pub(super) fn target(&self) -> Target {
        Target { url: self.url(), origin: self.origin(), path: self.path() }
    }

    pub(super) fn redirects(&self) -> Redirects {
        match self.redirect().as_str() {
            "manual" => Redirects::Manual,
            "error" => Redirects::Error,
            _ => Redirects::Follow,
        }
    }

    /// Sends it as the buyer says; rejects with what `fetch` threw.
    pub(super) async fn present(&self, fetcher: &Fetcher, send: &Send) -> Result<Head, JsValue> {
        let redirect = match send.redirects {
            Redirects::Follow => "follow",
            Redirects::Manual => "manual",
            Redirects::Error => "error",
        };
        let sent = self.send(
            fetcher.given(),
            send.target.as_ref().map(|target| target.url.as_str()),
            PAYMENT_SIGNATURE,
            send.token.as_ref().map(crate::wire::Secret::expose),
            redirect,
            send.as_get,
        );
        Ok(JsFuture::from(sent).await?.unchecked_into())
    }
}

impl Head {
    pub(super) fn look(&self) -> Answer {
        let location = match self.hidden() {
            true => Some(Redirected::Somewhere),
            false => self.to().map(|to| Redirected::To(to.target())),
        };
        Answer {
            status: self.status(),
            redirected: self.redirected(),
            target: self.at().map(|at| at.target()),
            offer: self.header(PAYMENT_REQUIRED),
            receipt: self.header(PAYMENT_RESPONSE),
            location,
        }
    }
}

impl Place {
    fn target(&self) -> Target {
        Target { url: self.place_url(), origin: self.place_origin(), path: self.place_path() }
    }
}
