//! The secp256k1 key of each account.

use crate::context::RequestContext;
use crate::crypto::eip712_signature;
use crate::crypto::jwt::{invalid_key, jwt};
use crate::http::error::Result;
use crate::primitives::random::hexadecimal;
use crate::storage::store::binds;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use payments_wasm::wire::base64;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::rc::Rc;

/// The key of an account. It signs the account's tokens and API keys.
pub(crate) struct AccountKey(SigningKey);

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl AccountKey {
    fn of(secret: &[u8]) -> Result<Self> {
        SigningKey::from_slice(secret).map(Self).map_err(invalid_key)
    }

    /// Its Ethereum address.
    pub(crate) fn address(&self) -> String {
        eip712_signature::address(self.0.verifying_key())
    }

    /// The signature of a digest: 65 bytes as wallets encode them, in hexadecimal.
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> String {
        let (signature, recovery) = self.0.sign_prehash_recoverable(digest);
        let recovery = recovery.to_byte().saturating_add(27);
        format!("0x{}{recovery:02x}", hexadecimal(&signature.to_bytes()))
    }

    /// A JWT with this payload, signed with ES256K.
    pub(crate) fn jwt(&self, payload: &Value) -> String {
        jwt("ES256K", None, payload, |text| {
            let signature: Signature = self.0.sign(text.as_bytes());
            signature.to_bytes().to_vec()
        })
    }
}

/// Generates and stores the key of a new account, and returns its address.
pub(crate) fn create(ctx: &RequestContext) -> Result<String> {
    let secret = ctx.random.bytes(32)?;
    let address = AccountKey::of(&secret)?.address();
    insert(ctx, &address, &secret, &address)?;
    Ok(address)
}

fn insert(ctx: &RequestContext, account: &str, secret: &[u8], address: &str) -> Result<()> {
    ctx.store.run(
        "INSERT INTO signers (account, secret, address) VALUES (?, ?, ?)",
        binds![account.to_ascii_lowercase(), base64::encode_url(secret), address],
    )
}

/// Stores a key that was created elsewhere, and returns the account's address.
pub(crate) fn adopt(ctx: &RequestContext, secret: &[u8]) -> Result<String> {
    let address = AccountKey::of(secret)?.address();
    ctx.store.run("DELETE FROM signers WHERE account = ?", binds![address.to_ascii_lowercase()])?;
    insert(ctx, &address, secret, &address)?;
    Ok(address)
}

/// The key that signs for an account. An account opened here signs with the key of its address. An account that came
/// with its own API key gets a key with a different address, as the owner of a smart account has.
pub(crate) fn load(ctx: &RequestContext, account: &str) -> Result<Rc<AccountKey>> {
    #[derive(Deserialize)]
    struct Row {
        secret: String,
    }
    let query = "SELECT secret FROM signers WHERE account = ?";
    if let Some(row) = ctx.store.first::<Row>(query, binds![account.to_ascii_lowercase()])? {
        let key = |secret: &str| AccountKey::of(&base64::decode(secret, 64, "secret").map_err(invalid_key)?);
        return ctx.cache.get_or_insert(&row.secret, key);
    }
    let secret = ctx.random.bytes(32)?;
    let key = AccountKey::of(&secret)?;
    insert(ctx, account, &secret, &key.address())?;
    Ok(Rc::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::eip712_signature::recover;
    use crate::primitives::eip712::{keccak, unhex};

    #[test]
    fn addresses_equal_those_of_wallets() {
        // The first account of the usual development chains.
        let secret = unhex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").unwrap();
        let key = AccountKey::of(&secret).unwrap();
        assert_eq!(key.address(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    }

    #[test]
    fn a_signature_identifies_its_signer() {
        let key = AccountKey::of(&[7; 32]).unwrap();
        let digest = keccak(b"something");
        let signature = key.sign(&digest);
        assert_eq!(signature.len(), 132);
        assert_eq!(recover(&digest, &signature), Some(key.address()));
        assert_ne!(recover(&keccak(b"else"), &signature), Some(key.address()));
        for bad in ["", "0x", "0x00", &"0x00".repeat(65), &signature.replace("0x", "")] {
            assert_eq!(recover(&digest, bad), None, "{bad:.20}");
        }
    }

    /// The vectors of the scheme `exact`: the typed data that the library builds has the published digests and signatures.
    #[test]
    fn exact_typed_data_has_the_published_digests() {
        use crate::primitives::eip712;
        use payments_wasm::wire::exact::{Authorization, EvmAddress, ExactOffer, X402Version};
        let entry = serde_json::json!({
            "scheme": "exact", "network": "eip155:84532", "amount": "10000",
            "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
            "maxTimeoutSeconds": 65, "extra": { "name": "USDC", "version": "2" },
        });
        let offer = ExactOffer::parse(&entry, X402Version::V2).unwrap().unwrap();
        let nonce: [u8; 32] = unhex("0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480")
            .unwrap()
            .try_into()
            .unwrap();
        let digest = |from: &str| {
            let from = EvmAddress::parse(from, "from").unwrap();
            let mut authorization = Authorization::new(&offer, from, 1_740_672_089, nonce).unwrap();
            authorization.valid_after = 1_740_672_089;
            eip712::digest(&authorization.typed_data(&offer)).unwrap()
        };
        let payer = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
        assert_eq!(
            hexadecimal(&digest(payer)),
            "f256992871671abcb27ff92885a7afa46218724e5fc0bac35d050115aa1d22e6"
        );
        let published = "0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c";
        assert_eq!(recover(&digest(payer), published), Some(payer.to_lowercase()));
        let key = AccountKey::of(&[0x11; 32]).unwrap();
        let digest = digest("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A");
        assert_eq!(hexadecimal(&digest), "67ca314803e6e7015cf9d048636aed65eda69b111ba45f93b1579d812fae25d2");
        assert_eq!(
            key.sign(&digest),
            "0xd8686c42378dfacfbb7db155fb05d7fde8c56f2bd27201943badb5df97bd56dd42afcbc7e4d05e4af8d648098bfbfef333984d7fc9b3cc33e4e7b386b08741241c"
        );
    }
}
