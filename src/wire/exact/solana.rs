use super::super::{WireError, WireErrorKind, base64};
use alloc::{string::String, vec::Vec};
use core::fmt;
use sha2::{Digest as _, Sha256};

/// An address of Solana: 32 bytes in base58.
#[derive(Clone, PartialEq, Eq)]
pub struct SolanaAddress {
    text: String,
    bytes: [u8; 32],
}

/// The most bytes of a transaction in base64; on Solana one has 1,232 bytes.
pub(super) const MAX_TRANSACTION: usize = 4 * 1024;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";
const ASSOCIATED_TOKEN: &str = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL";

impl SolanaAddress {
    /// Reads an address; `field` names it for the error.
    ///
    /// # Errors
    /// `BadValue` for anything else.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, WireError> {
        let bytes = if (32..=44).contains(&text.len()) { decode(text) } else { None };
        // An address has one spelling.
        let address = bytes.map(Self::of).filter(|address| address.text == text);
        address.ok_or_else(|| WireError::new(WireErrorKind::BadValue, field))
    }

    /// The address in base58.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn of(bytes: [u8; 32]) -> Self {
        Self { text: encode(&bytes), bytes }
    }
}

impl fmt::Debug for SolanaAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0_u8; 32];
    for letter in text.bytes() {
        let mut carry = ALPHABET.iter().position(|other| *other == letter)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).ok()?;
            carry /= 256;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(bytes)
}

fn encode(bytes: &[u8; 32]) -> String {
    // The digits of the number, the last one first.
    let mut digits: Vec<usize> = Vec::new();
    for byte in bytes {
        let mut carry = usize::from(*byte);
        for digit in &mut digits {
            carry += *digit * 256;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).map(|_| 0);
    let digits = zeros.chain(digits.iter().rev().copied());
    digits.filter_map(|digit| ALPHABET.get(digit).copied().map(char::from)).collect()
}

/// The one transfer of a token that a transaction of Solana's makes (`TransferChecked`), as far as a seller compares it.
///
/// Signatures, other instructions, balances and fees are the facilitator's to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SolanaTransfer {
    /// The payer of the fee: the first account.
    pub fee_payer: SolanaAddress,
    /// Whose tokens are moved. It is among those that sign.
    pub payer: SolanaAddress,
    /// The token.
    pub mint: SolanaAddress,
    /// The account that receives them.
    pub destination: SolanaAddress,
    /// The amount, a number of atomic units of the token.
    pub amount: u64,
    /// The decimals that the payer signed for.
    pub decimals: u8,
    program: SolanaAddress,
    message: [u8; 32],
}

impl SolanaTransfer {
    /// Reads a transaction in base64, legacy or of version 0.
    ///
    /// # Errors
    /// `BadValue` for what is no such transaction: bytes that are left over, accounts in lookup tables, no transfer or
    /// several ones.
    pub fn read(transaction: &str) -> Result<Self, WireError> {
        let bytes = base64::decode(transaction, MAX_TRANSACTION, "transaction")?;
        Self::of_bytes(&bytes).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "transaction"))
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let signatures = reader.length()?;
        reader.take(signatures.checked_mul(64)?)?;
        let message = Sha256::digest(reader.0).into();
        let version = reader.0.first().filter(|byte| **byte >= 0x80).copied();
        if version.is_some() {
            reader.take(1)?;
        }
        if version.is_some_and(|version| version != 0x80) {
            return None;
        }
        let signers = usize::from(reader.byte()?);
        reader.take(2)?;
        let mut accounts = Vec::new();
        for _ in 0..reader.length()? {
            accounts.push(SolanaAddress::of(reader.take(32)?.try_into().ok()?));
        }
        // A recent block.
        reader.take(32)?;
        let mut found = None;
        for _ in 0..reader.length()? {
            let program = accounts.get(usize::from(reader.byte()?))?;
            let length = reader.length()?;
            let at = reader.take(length)?;
            let length = reader.length()?;
            let data = reader.take(length)?;
            if matches!(program.as_str(), TOKEN | TOKEN_2022) && found.replace((program, at, data)).is_some()
            {
                return None;
            }
        }
        let has_tables = version.is_some() && reader.length()? > 0;
        let (program, at, data) = found.filter(|_| !has_tables && reader.0.is_empty())?;
        let (Some((12, data)), [_, mint, destination, payer]) =
            (data.split_first().map(|(kind, data)| (*kind, data)), at)
        else {
            return None;
        };
        let (amount, decimals) = data.split_first_chunk::<8>()?;
        let [decimals] = decimals else { return None };
        let account = |index: &u8| accounts.get(usize::from(*index)).cloned();
        (signatures == signers && usize::from(*payer) < signers).then_some(())?;
        Some(Self {
            fee_payer: accounts.first()?.clone(),
            payer: account(payer)?,
            mint: account(mint)?,
            destination: account(destination)?,
            amount: u64::from_le_bytes(*amount),
            decimals: *decimals,
            program: program.clone(),
            message,
        })
    }

    /// The SHA-256 of what is signed. A chain takes a transaction once, and this names it, whatever its signatures.
    #[must_use]
    pub fn message_digest(&self) -> &[u8; 32] {
        &self.message
    }

    /// True if the tokens go to the associated account of `owner`.
    ///
    /// The account's address is a hash. It has to lie off the curve, for which a byte is counted down from 255; nobody can
    /// have an account at the hash of another byte, so that any of them will do.
    #[must_use]
    pub fn pays_to(&self, owner: &SolanaAddress) -> bool {
        let Some(associated) = decode(ASSOCIATED_TOKEN) else { return false };
        let seeds = [owner.bytes, self.program.bytes, self.mint.bytes].concat();
        (0..=u8::MAX).rev().any(|bump| {
            let parts = [&seeds[..], &[bump], &associated, b"ProgramDerivedAddress"].concat();
            Sha256::digest(parts)[..] == self.destination.bytes
        })
    }
}

/// The bytes that are left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A length of Solana's: seven bits in a byte, the lowest first, three bytes at the most.
    fn length(&mut self) -> Option<usize> {
        let mut length = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // One spelling: no zero behind.
                return (byte != 0 || shift == 0).then_some(length);
            }
        }
        None
    }
}
