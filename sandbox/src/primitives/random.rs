//! Random bytes from the runtime's generator.

use crate::http::error::{ApiError, Result};
use crate::primitives::eip712::keccak;
use payments_wasm::wire::Credits;
use std::cell::RefCell;
use worker::js_sys::{Function, Reflect, Uint8Array, global};
use worker::wasm_bindgen::{JsCast, JsValue};

/// The source of ids, hashes and nonces.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Random {
    /// `crypto.getRandomValues` of the runtime.
    Runtime,
    /// Deterministic bytes from a seed, for entities of a seed file.
    Of([u8; 32]),
    /// The same byte each time, for native tests.
    #[cfg(test)]
    Fixed(u8),
    /// Different bytes each time, the same in each run: the hash of a counter.
    #[cfg(test)]
    Counted,
}

#[cfg(test)]
thread_local! {
    static ASKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl Random {
    #[cfg(test)]
    pub(crate) fn fixed(byte: u8) -> Self {
        Self::Fixed(byte)
    }

    pub(crate) fn bytes(self, count: u32) -> Result<Vec<u8>> {
        match self {
            Self::Runtime => {
                runtime_bytes(count).map_err(|_| ApiError::internal("the runtime has no random numbers"))
            }
            Self::Of(seed) => {
                let count = usize::try_from(count).unwrap_or_default();
                let block = |index: u32| keccak(&[seed.as_slice(), &index.to_be_bytes()].concat());
                Ok((0..).flat_map(block).take(count).collect())
            }
            #[cfg(test)]
            Self::Fixed(byte) => Ok([byte].repeat(usize::try_from(count).unwrap_or_default())),
            #[cfg(test)]
            Self::Counted => {
                let asked = ASKED.replace(ASKED.get() + 1).to_be_bytes();
                let hash = crate::primitives::eip712::keccak(&asked);
                Ok(hash.iter().copied().cycle().take(usize::try_from(count).unwrap_or_default()).collect())
            }
        }
    }

    /// `0x` and this number of bytes in hexadecimal.
    pub(crate) fn hex(self, count: u32) -> Result<String> {
        Ok(format!("0x{}", hexadecimal(&self.bytes(count)?)))
    }

    /// The id of a plan or agent: a uint256 in decimal. 31 bytes, so it is always in range.
    pub(crate) fn id(self) -> Result<String> {
        Ok(decimal(&self.bytes(31)?).to_string())
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(self) -> Result<String> {
        let mut bytes = self.bytes(16)?;
        for (index, byte) in bytes.iter_mut().enumerate() {
            match index {
                6 => *byte = (*byte & 0x0f) | 0x40,
                8 => *byte = (*byte & 0x3f) | 0x80,
                _ => {}
            }
        }
        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&hexadecimal(&[*byte]));
        }
        Ok(text)
    }
}

thread_local! {
    /// Bytes that were generated and not used yet. Generating many at once costs as much as generating a few.
    static DRAWN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Number of bytes generated at once.
const DRAW: u32 = 4096;

fn runtime_bytes(count: u32) -> Result<Vec<u8>, JsValue> {
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.len() < wanted {
            *drawn = draw(DRAW.max(count))?;
        }
        Ok(drawn.split_off(drawn.len().saturating_sub(wanted)))
    })
}

fn draw(count: u32) -> Result<Vec<u8>, JsValue> {
    let crypto = Reflect::get(&global(), &"crypto".into())?;
    let fill: Function = Reflect::get(&crypto, &"getRandomValues".into())?.dyn_into()?;
    let bytes = Uint8Array::new_with_length(count);
    fill.call1(&crypto, &bytes)?;
    Ok(bytes.to_vec())
}

/// Bytes in hexadecimal, without `0x`.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

/// A big-endian number in decimal.
fn decimal(bytes: &[u8]) -> Credits {
    bytes.iter().fold(Credits::ZERO, |sum, byte| {
        let mut next = sum;
        for _ in 0..8 {
            next = next.saturating_add(next);
        }
        next.saturating_add(Credits::from(u64::from(*byte)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_hashes_and_uuids_have_their_shape() {
        let random = Random::fixed(0xff);
        assert_eq!(random.hex(2).unwrap(), "0xffff");
        assert_eq!(random.uuid().unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(decimal(&[1, 0, 2]).to_string(), "65538");
        assert!(random.id().unwrap().parse::<Credits>().is_ok());
    }
}
