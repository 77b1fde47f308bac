//! The caller's request, kept so that it can be sent up to three times (rule 7; it is taken in `request.js`), and the heads of its
//! answers: the way of both into the core's types.

use crate::bindings::http::{Fetcher, Head, Kept, Place};
use crate::subscriber::{Redirected, Redirects, ResponseHead, SendRequest, Target};
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

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
    pub(super) async fn present(&self, fetcher: &Fetcher, send: &SendRequest) -> Result<Head, JsValue> {
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
    pub(super) fn look(&self) -> ResponseHead {
        let location = match self.hidden() {
            true => Some(Redirected::Somewhere),
            false => self.to().map(|to| Redirected::To(to.target())),
        };
        ResponseHead {
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
