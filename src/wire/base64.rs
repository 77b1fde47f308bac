//! Base64 as it is met in the field: both alphabets, with padding or without.
//!
//! Written: standard with padding for headers (x402 v2 over HTTP), base64url without padding for tokens (contract
//! section 6.3). Read: either, whatever the padding, since deployed servers mix them.

use super::{WireError, WireErrorKind};
use alloc::{string::String, vec::Vec};

/// Standard alphabet with padding: what the three x402 headers carry.
#[must_use]
pub fn encode_standard(bytes: &[u8]) -> String {
    encode(bytes, [b'+', b'/'], true)
}

/// URL alphabet without padding: what a Nevermined access token is.
#[must_use]
pub fn encode_url(bytes: &[u8]) -> String {
    encode(bytes, [b'-', b'_'], false)
}

/// A kilobyte of wasm less than the crate's, which chooses its alphabet and padding while it runs.
fn encode(bytes: &[u8], last: [u8; 2], padded: bool) -> String {
    let [plus, slash] = last;
    let letter = |bits: u32| match (bits & 63) as u8 {
        six @ 0..26 => b'A' + six,
        six @ 26..52 => b'a' + six - 26,
        six @ 52..62 => b'0' + six - 52,
        62 => plus,
        _ => slash,
    };
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            if at <= three.len() {
                text.push(letter(bits >> (18 - 6 * at)));
            } else if padded {
                text.push(b'=');
            }
        }
    }
    // ASCII is UTF-8.
    String::from_utf8(text).unwrap_or_default()
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
    read(text.as_bytes()).ok_or_else(|| WireError::new(WireErrorKind::NotBase64, field))
}

#[cfg(not(all(feature = "npm", target_family = "wasm")))]
use by_crate::read;
#[cfg(all(feature = "npm", target_family = "wasm"))]
use by_hand::read;

/// The decoder of native programs and of Workers in Rust.
#[cfg(not(all(feature = "npm", target_family = "wasm")))]
mod by_crate {
    use alloc::vec::Vec;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

    /// Bits of the last letter that belong to no byte are ignored, as `atob` does: a credential is the bytes that it decodes to.
    const LIBERAL: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::RequireNone)
            .with_decode_allow_trailing_bits(true),
    );

    /// Reads letters of either alphabet without padding.
    pub(super) fn read(letters: &[u8]) -> Option<Vec<u8>> {
        let standard = letters.iter().map(|letter| match letter {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        });
        LIBERAL.decode(standard.collect::<Vec<u8>>()).ok()
    }
}

/// The decoder of the npm package: a kilobyte of WebAssembly less than the crate, and no copy of the text.
#[cfg(any(test, all(feature = "npm", target_family = "wasm")))]
mod by_hand {
    use alloc::vec::Vec;

    /// Reads letters without padding. Bits of the last letter that belong to no byte are ignored, as `atob` does: a credential
    /// is the bytes that it decodes to.
    pub(super) fn read(letters: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(letters.len() / 4 * 3 + 2);
        let (mut bits, mut count) = (0_u32, 0);
        for letter in letters {
            let six = match *letter {
                letter @ b'A'..=b'Z' => letter - b'A',
                letter @ b'a'..=b'z' => letter - b'a' + 26,
                letter @ b'0'..=b'9' => letter - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(six);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count) as u8);
            }
        }
        // A single letter is no byte.
        (letters.len() % 4 != 1).then_some(bytes)
    }
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
    fn writes_what_the_crate_writes() {
        use ::base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for length in 0..bytes.len() {
            let some = bytes.get(length..).unwrap();
            assert_eq!(encode_standard(some), BASE64_STANDARD.encode(some));
            assert_eq!(encode_url(some), BASE64_URL_SAFE_NO_PAD.encode(some));
        }
    }

    #[test]
    fn both_decoders_read_the_same() {
        let letters = b"AQgwZz059+/-_=. \n\x80";
        let mut texts = vec![Vec::new()];
        for _ in 0..4 {
            let longer = texts
                .iter()
                .flat_map(|text| letters.iter().map(move |letter| [text.as_slice(), &[*letter]].concat()));
            texts = texts.iter().cloned().chain(longer).collect();
        }
        for text in texts {
            assert_eq!(by_hand::read(&text), by_crate::read(&text), "{}", text.escape_ascii());
        }
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
