//! EIP-712: hashing of typed data. The input is the JSON of `eth_signTypedData_v4`, so the displayed data is the
//! signed data.

use payments_wasm::wire::Credits;
use serde_json::{Map, Value};
use sha3::{Digest, Keccak256};

/// Keccak-256 as in Ethereum.
pub(crate) fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// The digest to sign; `None` if the data does not match its types.
pub(crate) fn digest(data: &Value) -> Option<[u8; 32]> {
    let types = data.get("types")?.as_object()?;
    let hash = |name: &str, value: &str| structure(types, name, data.get(value)?.as_object()?);
    let mut bytes = vec![0x19, 0x01];
    bytes.extend(hash("EIP712Domain", "domain")?);
    bytes.extend(hash(data.get("primaryType")?.as_str()?, "message")?);
    Some(keccak(&bytes))
}

/// The members of a type as pairs of type and name.
fn members<'a>(types: &'a Map<String, Value>, name: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let text = |member: &'a Value, of: &str| member.get(of).and_then(Value::as_str);
    let list = types.get(name)?.as_array()?;
    list.iter().map(|member| Some((text(member, "type")?, text(member, "name")?))).collect()
}

/// The structures that a type refers to, itself first.
fn referred<'a>(types: &'a Map<String, Value>, name: &'a str, found: &mut Vec<&'a str>) -> Option<()> {
    if found.contains(&name) {
        return Some(());
    }
    found.push(name);
    for (kind, _) in members(types, name)? {
        let kind = kind.strip_suffix("[]").unwrap_or(kind);
        if types.contains_key(kind) {
            referred(types, kind, found)?;
        }
    }
    Some(())
}

/// `Mail(Person from,...)Person(...)`: the type, then the referenced types in alphabetical order.
fn encoded_type(types: &Map<String, Value>, name: &str) -> Option<String> {
    let mut found = Vec::new();
    referred(types, name, &mut found)?;
    let (first, others) = found.split_first_mut()?;
    others.sort_unstable();
    let mut text = String::new();
    for name in std::iter::once(&*first).chain(&*others) {
        let members: Vec<_> =
            members(types, name)?.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
        text.push_str(&format!("{name}({})", members.join(",")));
    }
    Some(text)
}

fn structure(types: &Map<String, Value>, name: &str, value: &Map<String, Value>) -> Option<[u8; 32]> {
    let mut bytes = keccak(encoded_type(types, name)?.as_bytes()).to_vec();
    for (kind, member) in members(types, name)? {
        bytes.extend(word(types, kind, value.get(member)?)?);
    }
    Some(keccak(&bytes))
}

/// Encodes one value as a word of 32 bytes.
fn word(types: &Map<String, Value>, kind: &str, value: &Value) -> Option<[u8; 32]> {
    if let Some(kind) = kind.strip_suffix("[]") {
        let mut bytes = Vec::new();
        for item in value.as_array()? {
            bytes.extend(word(types, kind, item)?);
        }
        return Some(keccak(&bytes));
    }
    if types.contains_key(kind) {
        return structure(types, kind, value.as_object()?);
    }
    match kind {
        "string" => Some(keccak(value.as_str()?.as_bytes())),
        "address" => padded(&unhex(value.as_str()?).filter(|bytes| bytes.len() == 20)?),
        "bytes32" => padded(&unhex(value.as_str()?).filter(|bytes| bytes.len() == 32)?),
        "uint256" => match value {
            Value::Number(number) => number_word(&number.to_string()),
            other => number_word(other.as_str()?),
        },
        _ => None,
    }
}

/// Pads bytes with leading zeros to a word.
fn padded(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut word = vec![0; 32usize.checked_sub(bytes.len())?];
    word.extend(bytes);
    word.try_into().ok()
}

/// Parses a decimal uint256 to a word.
fn number_word(text: &str) -> Option<[u8; 32]> {
    text.parse::<Credits>().ok()?;
    let mut word = [0u8; 32];
    for digit in text.bytes() {
        let mut carry = u16::from(digit.wrapping_sub(b'0'));
        for byte in word.iter_mut().rev() {
            let sum = u16::from(*byte) * 10 + carry;
            *byte = (sum & 0xff).try_into().ok()?;
            carry = sum >> 8;
        }
    }
    Some(word)
}

/// The bytes of `0x...`.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .strip_prefix("0x")?
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| Some(pair.first()? * 16 + pair.last()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitives::random::hexadecimal;
    use serde_json::json;

    /// The example of the standard.
    fn mail() -> Value {
        let person = json!([{ "name": "name", "type": "string" }, { "name": "wallet", "type": "address" }]);
        json!({
            "types": {
                "EIP712Domain": [
                    { "name": "name", "type": "string" }, { "name": "version", "type": "string" },
                    { "name": "chainId", "type": "uint256" }, { "name": "verifyingContract", "type": "address" },
                ],
                "Person": person,
                "Mail": [
                    { "name": "from", "type": "Person" }, { "name": "to", "type": "Person" },
                    { "name": "contents", "type": "string" },
                ],
            },
            "primaryType": "Mail",
            "domain": {
                "name": "Ether Mail", "version": "1", "chainId": 1,
                "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
            },
            "message": {
                "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
                "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
                "contents": "Hello, Bob!",
            },
        })
    }

    #[test]
    fn example_of_the_standard() {
        let types = mail()["types"].as_object().unwrap().clone();
        assert_eq!(
            encoded_type(&types, "Mail").unwrap(),
            "Mail(Person from,Person to,string contents)Person(string name,address wallet)"
        );
        assert_eq!(
            hexadecimal(&digest(&mail()).unwrap()),
            "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
        );
    }

    #[test]
    fn a_value_of_another_type_has_no_digest() {
        for (path, value) in [
            ("/message/contents", json!(7)),
            ("/message/from/wallet", json!("0x12")),
            ("/domain/chainId", json!("-1")),
            ("/message/to", json!("Bob")),
            ("/primaryType", json!("Letter")),
        ] {
            let mut data = mail();
            *data.pointer_mut(path).unwrap() = value;
            assert_eq!(digest(&data), None, "{path}");
        }
    }

    #[test]
    fn uint256_numbers_as_words() {
        for (text, expected) in [("0", "00"), ("255", "ff"), ("65538", "010002")] {
            let word = hexadecimal(&number_word(text).unwrap());
            assert_eq!(word, format!("{expected:0>64}"), "{text}");
        }
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(number_word(most), Some([0xff; 32]));
        assert_eq!(number_word(&format!("{most}0")), None);
    }
}
