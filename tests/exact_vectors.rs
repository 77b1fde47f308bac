//! The published vectors of `exact`: the typed data that a wallet is given has their EIP-712 digests, and their signatures are
//! those of the payer over it.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use payments_wasm::wire::exact::{
    Authorization, EvmAddress, ExactOffer, ExactPayment, SolanaAddress, SolanaTransfer, X402Version,
};
use payments_wasm::wire::{WireErrorKind, base64};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/exact.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.strip_prefix("0x").unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A whole number, a text or a JSON number, in 32 bytes.
fn word(value: &Value) -> [u8; 32] {
    let number: u128 =
        value.as_str().map_or_else(|| value.as_u64().unwrap().into(), |text| text.parse().unwrap());
    let mut word = [0; 32];
    word[16..].copy_from_slice(&number.to_be_bytes());
    word
}

/// `hashStruct` of EIP-712, for the flat structures that are used here.
fn hash_struct(data: &Value, kind: &str, value: &Value) -> [u8; 32] {
    let members = data["types"][kind].as_array().unwrap();
    let listed: Vec<String> =
        members.iter().map(|one| format!("{} {}", text(one, "type"), text(one, "name"))).collect();
    let mut encoded = keccak(format!("{kind}({})", listed.join(",")).as_bytes()).to_vec();
    for member in members {
        let value = &value[text(member, "name")];
        encoded.extend(match text(member, "type") {
            "string" => keccak(value.as_str().unwrap().as_bytes()),
            "uint256" => word(value),
            "bytes32" => bytes(value.as_str().unwrap()).try_into().unwrap(),
            "address" => {
                let mut word = [0; 32];
                word[12..].copy_from_slice(&bytes(value.as_str().unwrap()));
                word
            }
            other => panic!("{other} is not used"),
        });
    }
    keccak(&encoded)
}

fn digest(data: &Value) -> [u8; 32] {
    let domain = hash_struct(data, "EIP712Domain", &data["domain"]);
    let message = hash_struct(data, text(data, "primaryType"), &data["message"]);
    keccak(&[&[0x19, 0x01][..], &domain, &message].concat())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".into(), |text, byte| format!("{text}{byte:02x}"))
}

fn offer(vector: &Value) -> ExactOffer {
    let authorization = &vector["authorization"];
    let entry = json!({
        "scheme": "exact", "network": vector["chain"], "amount": authorization["value"], "asset": vector["asset"],
        "payTo": authorization["to"], "maxTimeoutSeconds": 60, "extra": vector["domain"],
    });
    ExactOffer::parse(&entry, X402Version::V2).unwrap().unwrap()
}

fn authorization(vector: &Value) -> Authorization {
    let given = &vector["authorization"];
    let address = |name: &str| EvmAddress::parse(text(given, name), "address").unwrap();
    Authorization {
        from: address("from"),
        to: address("to"),
        value: text(given, "value").parse().unwrap(),
        valid_after: text(given, "validAfter").parse().unwrap(),
        valid_before: text(given, "validBefore").parse().unwrap(),
        nonce: text(given, "nonce").into(),
    }
}

fn payer(digest: &[u8; 32], signature: &str) -> String {
    let signature = bytes(signature);
    let (sides, recovery) = signature.split_at(64);
    let recovery = RecoveryId::from_byte(recovery[0] - 27).unwrap();
    let key =
        VerifyingKey::recover_from_prehash(digest, &Signature::from_slice(sides).unwrap(), recovery).unwrap();
    hex(&keccak(&key.to_sec1_point(false).as_bytes()[1..])[12..])
}

#[test]
fn the_typed_data_has_the_published_digests_and_signatures() {
    for vector in vectors() {
        let name = text(&vector, "name");
        let data = authorization(&vector).typed_data(&offer(&vector));
        let digest = digest(&data);
        assert_eq!(hex(&digest), text(&vector, "digest"), "{name}");
        let from = text(&vector["authorization"], "from").to_lowercase();
        assert_eq!(payer(&digest, text(&vector, "signature")), from, "{name}");
        let payment =
            ExactPayment::of_value(Some(data["message"].clone()), text(&vector, "signature")).unwrap();
        let payment = format!("{payment:?}");
        assert!(!payment.contains(&text(&vector, "signature")[2..]), "{name}: a signature is a secret");
    }
}

#[test]
fn a_known_key_signs_what_was_published() {
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| vector["key"].is_string()).unwrap();
    let digest = digest(&authorization(vector).typed_data(&offer(vector)));
    let key = SigningKey::from_slice(&bytes(text(vector, "key"))).unwrap();
    let (signature, recovery) = key.sign_prehash_recoverable(&digest);
    let signature = [signature.to_bytes().as_slice(), &[27 + recovery.to_byte()]].concat();
    assert_eq!(hex(&signature), text(vector, "signature"));
}

/// Each of the terms is under the signature: another one has another payer.
#[test]
fn other_terms_are_another_message() {
    let vector = vectors().remove(0);
    let whole = digest(&authorization(&vector).typed_data(&offer(&vector)));
    for (place, value) in [
        ("/chain", "eip155:8453"),
        ("/asset", "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
        ("/domain/name", "USD Coin"),
        ("/domain/version", "1"),
        ("/authorization/to", "0x857b06519E91e3A54538791bDbb0E22373e36b66"),
        ("/authorization/value", "10001"),
        ("/authorization/validAfter", "0"),
        ("/authorization/validBefore", "1740672155"),
        ("/authorization/nonce", "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13481"),
    ] {
        let mut other = vector.clone();
        *other.pointer_mut(place).unwrap() = value.into();
        let digest = digest(&authorization(&other).typed_data(&offer(&other)));
        assert_ne!(digest, whole, "{place}");
        assert_ne!(
            payer(&digest, text(&vector, "signature")),
            text(&vector["authorization"], "from").to_lowercase()
        );
    }
}

/// Transactions that `@solana/kit` made: what the seller reads of them, and the account that receives.
#[test]
fn the_transfers_of_solana_are_read() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors/solana.json")).unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let name = text(&vector, "name");
        let read = SolanaTransfer::read(text(&vector, "transaction")).unwrap();
        let digest: String = read.message_digest().iter().map(|byte| format!("{byte:02x}")).collect();
        let found = [&read.fee_payer, &read.payer, &read.mint, &read.destination].map(SolanaAddress::as_str);
        let expected = ["feePayer", "payer", "mint", "destination"].map(|member| text(&vector, member));
        assert_eq!(found, expected, "{name}");
        assert_eq!((read.amount.to_string().as_str(), read.decimals), (text(&vector, "amount"), 6), "{name}");
        assert_eq!(digest, text(&vector, "digest"), "{name}");
        let account = |member: &str| SolanaAddress::parse(text(&vector, member), "payTo").unwrap();
        assert!(read.pays_to(&account("payTo")), "{name}");
        assert!(!read.pays_to(&account("payer")) && !read.pays_to(&account("destination")), "{name}");
    }
}

#[test]
fn a_transaction_that_was_cut_or_changed_is_no_transfer() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors/solana.json")).unwrap();
    let whole = base64::decode(text(&vectors[0], "transaction"), 4096, "transaction").unwrap();
    let read = |bytes: &[u8]| SolanaTransfer::read(&base64::encode_standard(bytes));
    let end = whole.len();
    for length in 0..end {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    // The places: two signatures of 64 bytes, the version, three counts, seven accounts, a block, two instructions.
    let message = 1 + 2 * 64;
    let instructions = message + 4 + 1 + 7 * 32 + 32;
    for (name, at, value) in [
        ("three signatures", 0, 3),
        ("one signature", 0, 1),
        ("a length with a zero behind", 0, 0x82),
        ("version 1", message, 0x81),
        ("one signer", message + 1, 1),
        ("eight accounts", message + 4, 8),
        ("three instructions", instructions, 3),
        ("a program that is not there", instructions + 1, 9),
        ("the program of notes", instructions + 1, 5),
        ("three accounts of a transfer", instructions + 2, 3),
        ("an account that is not there", instructions + 4, 200),
        ("a payer who does not sign", instructions + 6, 4),
        ("a shorter instruction", instructions + 7, 9),
        ("another instruction of the program", instructions + 8, 3),
        ("accounts in a lookup table", end - 1, 1),
    ] {
        let mut changed = whole.clone();
        changed[at] = value;
        assert_ne!(changed, whole, "{name}");
        assert!(read(&changed).is_err(), "{name}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(read(&longer).is_err());
    // The second instruction as another transfer.
    let mut twice = whole.clone();
    let second = instructions + 1 + 1 + 1 + 4 + 1 + 10;
    assert_eq!(twice[second], 5);
    twice[second] = twice[instructions + 1];
    assert!(read(&twice).is_err());
    // The signature of the fee payer is not compared.
    let mut signed = whole.clone();
    signed[1] = 7;
    assert_eq!(read(&signed), read(&whole));
}

#[test]
fn an_address_of_solana_has_one_spelling() {
    for good in ["11111111111111111111111111111111", "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"] {
        assert_eq!(SolanaAddress::parse(good, "payTo").unwrap().as_str(), good);
    }
    for bad in [
        "",
        "1111111111111111111111111111111",
        "111111111111111111111111111111111",
        "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDnc",
        "14zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        " 4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "0zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
    ] {
        let error = SolanaAddress::parse(bad, "payTo").unwrap_err();
        assert_eq!((error.kind, &*error.field), (WireErrorKind::BadValue, "payTo"), "{bad}");
    }
}
