//! Base64 as it is met in the field: both alphabets, with padding or without.
//!
//! Written: standard with padding for headers (x402 v2 over HTTP), base64url without padding for tokens (contract
//! section 6.3). Read: either, whatever the padding, since deployed servers mix them.

use super::{WireError, WireErrorKind};
use crate::codec;
use ::base64::alphabet;
use ::base64::engine::{Engine as _, GeneralPurpose, GeneralPurposeConfig};
use alloc::{string::String, vec::Vec};

const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new());
const URL: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, GeneralPurposeConfig::new().with_encode_padding(false));

/// Standard alphabet with padding: what the three x402 headers carry.
#[must_use]
pub fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// URL alphabet without padding: what a Nevermined access token is.
#[must_use]
pub fn encode_url(bytes: &[u8]) -> String {
    URL.encode(bytes)
}

/// Reads either alphabet, padded or not, up to `limit` bytes decoded. `field` names what is read, for the error.
///
/// # Errors
/// `TooLarge` over the limit, `Missing` when empty, `NotBase64` otherwise.
pub fn decode(text: &str, limit: usize, field: &'static str) -> Result<Vec<u8>, WireError> {
    let text = text.trim_end_matches('=');
    if text.is_empty() {
        return Err(WireError::new(WireErrorKind::Missing, field));
    }
    if text.len() / 4 * 3 > limit {
        return Err(WireError::new(WireErrorKind::TooLarge, field));
    }
    let letter = |letter| match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let standard: String = text.chars().map(letter).collect();
    codec::decode_base64(&standard).ok_or_else(|| WireError::new(WireErrorKind::NotBase64, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_alphabets_with_and_without_padding() {
        let bytes = [0xfb, 0xef, 0xff, 0x01];
        for text in ["++//AQ==", "--__AQ==", "++//AQ", "--__AQ", "+-/_AQ=", "++//AQ="] {
            assert_eq!(decode(text, 64, "x").unwrap(), bytes, "{text}");
        }
        assert_eq!(decode("AAAAAAAA", 6, "x").unwrap(), [0; 6], "as much as is allowed");
    }

    #[test]
    fn writes_padded_standard_for_headers_and_bare_url_for_tokens() {
        assert_eq!(encode_standard(&[0xfb, 0xef, 0xff, 0x01]), "++//AQ==");
        assert_eq!(encode_url(&[0xfb, 0xef, 0xff, 0x01]), "--__AQ");
    }

    #[test]
    fn refuses_what_is_not_base64() {
        use WireErrorKind::{Missing, NotBase64, TooLarge};
        for (text, kind) in [
            ("", Missing),
            ("====", Missing),
            ("A", NotBase64),
            ("A B=", NotBase64),
            ("AAAA=AAA", NotBase64),
            ("AA\nAA", NotBase64),
            ("ÄÄÄÄ", NotBase64),
            ("{}", NotBase64),
            (&"A".repeat(200), TooLarge),
        ] {
            assert_eq!(decode(text, 64, "x").unwrap_err().kind, kind, "{text}");
        }
    }
}
