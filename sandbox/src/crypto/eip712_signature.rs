//! Checks a signature of EIP-712 typed data: who signed its digest. `primitives::eip712` makes the digest.

use crate::primitives::eip712::{keccak, unhex};
use crate::primitives::random::hexadecimal;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

/// The address of a public key: the end of the hash of its point.
pub(crate) fn address(key: &VerifyingKey) -> String {
    let point = key.to_sec1_point(false);
    let hash = keccak(point.as_bytes().get(1..).unwrap_or_default());
    format!("0x{}", hexadecimal(hash.get(12..).unwrap_or_default()))
}

/// The address that signed a digest.
pub(crate) fn recover(digest: &[u8; 32], signature: &str) -> Option<String> {
    let bytes = unhex(signature)?;
    let (signature, recovery) = bytes.split_at_checked(64)?;
    let recovery = RecoveryId::from_byte(recovery.first()?.checked_sub(27)?)?;
    let signature = Signature::from_slice(signature).ok()?;
    VerifyingKey::recover_from_prehash(digest, &signature, recovery).ok().map(|key| address(&key))
}
