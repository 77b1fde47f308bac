use crate::codec::text::ByteSplit;
use crate::wire::Secret;
use alloc::{string::String, vec::Vec};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The keys that passes are signed with, newest first: the first signs, all verify. To rotate, put a new one in front and
/// drop the old one when the longest pass has ended.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: String,
    secret: Secret,
}

/// How long a key's text is, in bytes: 32 of them hold 128 bits as hexadecimal digits.
const KEY_BYTES: core::ops::RangeInclusive<usize> = 32..=256;
/// How many keys there may be.
const MAX_KEYS: usize = 8;

impl Keys {
    /// Reads `id:key` pairs with commas between. An error is a text that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut keys: Vec<Key> = Vec::new();
        for pair in text.split_byte(b',') {
            let (id, secret) =
                pair.trim().split_once_byte(b':').ok_or("must be id:key pairs with commas between")?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            if id.is_empty() || id.len() > 16 || !id.bytes().all(plain) {
                return Err("has an id that is not 1 to 16 letters, digits, - or _");
            }
            if keys.iter().any(|key| key.id == id) {
                return Err("has an id twice");
            }
            if !KEY_BYTES.contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err("has a key that is not 32 to 256 visible characters");
            }
            keys.push(Key { id: id.into(), secret: Secret::new(secret) });
        }
        if keys.len() > MAX_KEYS {
            return Err("has more than 8 keys");
        }
        Ok(Self(keys))
    }

    /// The id of the key that signs.
    pub(super) fn signer(&self) -> &str {
        self.0.first().map_or("", |key| key.id.as_str())
    }

    /// The HMAC-SHA-256 of `message` under the key that signs.
    pub(super) fn sign(&self, message: &str) -> Vec<u8> {
        let mac = self.0.first().and_then(|key| key.mac(message));
        mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    /// True if `mac` authenticates `message` under the key with this id. Compares in constant time.
    pub(super) fn verify(&self, id: &str, message: &str, mac: &[u8]) -> bool {
        let key = self.0.iter().find(|key| key.id == id);
        key.and_then(|key| key.mac(message)).is_some_and(|known| known.verify_slice(mac).is_ok())
    }
}

impl Key {
    /// Any length of key is one for HMAC.
    fn mac(&self, message: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes()).ok()?;
        mac.update(message.as_bytes());
        Some(mac)
    }
}
