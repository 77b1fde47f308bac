//! Answers of a seller.

use super::values::{encode, receipt};
use payments_wasm::subscriber::{Redirected, ResponseHead};

/// A seller's reaction to a request.
#[derive(Debug, Clone, Default)]
pub struct Seller;

impl Seller {
    pub fn status(status: u16) -> ResponseHead {
        ResponseHead { status, ..ResponseHead::default() }
    }
    pub fn offer(json: &str) -> ResponseHead {
        ResponseHead { status: 402, offer: Some(encode(json)), ..ResponseHead::default() }
    }
    pub fn receipt(status: u16, header: String) -> ResponseHead {
        ResponseHead { status, receipt: Some(header), ..ResponseHead::default() }
    }
    pub fn paid(redeemed: u64, left: u64) -> ResponseHead {
        Self::receipt(200, receipt(true, redeemed, left))
    }
    pub fn redirect(status: u16, to: Redirected) -> ResponseHead {
        ResponseHead { status, location: Some(to), ..ResponseHead::default() }
    }
    /// No answer comes, for as long as anybody waits.
    pub fn silent() -> ResponseHead {
        ResponseHead { status: 998, ..ResponseHead::default() }
    }
    /// The connection dies.
    pub fn lost() -> ResponseHead {
        ResponseHead { status: 999, ..ResponseHead::default() }
    }
}
