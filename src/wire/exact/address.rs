use super::super::{WireError, WireErrorKind};
use super::{ChainId, SolanaAddress};
use alloc::string::String;
use core::fmt;

/// An address of an EVM chain, as it came: `0x` and 40 hexadecimal digits. Two are equal whatever the case of their letters.
#[derive(Clone)]
pub struct EvmAddress(String);

impl EvmAddress {
    /// Reads an address; `field` names it for the error.
    ///
    /// # Errors
    /// `BadValue` for anything else.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, WireError> {
        match text.len() == 42 && is_hex(text) {
            true => Ok(Self(text.into())),
            false => Err(WireError::new(WireErrorKind::BadValue, field)),
        }
    }

    /// The address as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for EvmAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EvmAddress {}

impl fmt::Debug for EvmAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address of a chain that `exact` is paid on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainAddress {
    /// An address of an EVM chain.
    Evm(EvmAddress),
    /// An address of Solana.
    Solana(SolanaAddress),
}

impl ChainAddress {
    /// Reads an address of a chain; `field` names it for the error.
    ///
    /// # Errors
    /// `BadValue` for anything else.
    pub fn parse(text: &str, chain: &ChainId, field: &'static str) -> Result<Self, WireError> {
        match chain {
            ChainId::Evm(_) => EvmAddress::parse(text, field).map(Self::Evm),
            ChainId::Solana(_) => SolanaAddress::parse(text, field).map(Self::Solana),
        }
    }

    /// The address as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Evm(address) => address.as_str(),
            Self::Solana(address) => address.as_str(),
        }
    }
}

/// True if a text is `0x` and hexadecimal digits, of whole bytes.
pub(super) fn is_hex(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or("!");
    digits.len().is_multiple_of(2) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn an_address_is_the_same_in_any_case_of_its_letters() {
        let read = |text: &str| EvmAddress::parse(text, "payTo").unwrap();
        let (small, large) =
            ("0xabcdef0000000000000000000000000000000001", "0xABCDEF0000000000000000000000000000000001");
        assert_eq!(read(small), read(large));
        assert_ne!(read(small), read("0xabcdef0000000000000000000000000000000002"));
        assert_eq!(format!("{:?}", read(large)), large, "it prints as it came");
    }
}
