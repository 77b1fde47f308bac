use crate::codec::text::ByteSplit;
use alloc::string::String;
use core::fmt;

/// A chain that a payment settles on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainId {
    /// An EVM chain: `eip155:` and its id.
    Evm(u64),
    /// A Solana cluster: `solana:` and the head of its genesis hash.
    Solana(String),
}

/// The names of version 1 that are EVM chains.
const NAMES: [(&str, u64); 25] = [
    ("abstract", 2741),
    ("abstract-testnet", 11_124),
    ("avalanche", 43_114),
    ("avalanche-fuji", 43_113),
    ("base", 8_453),
    ("base-sepolia", 84_532),
    ("celo", 42_220),
    ("educhain", 41_923),
    ("ethereum", 1),
    ("flare", 14),
    ("iotex", 4_689),
    ("megaeth", 4_326),
    ("monad", 143),
    ("peaq", 3_338),
    ("polygon", 137),
    ("polygon-amoy", 80_002),
    ("sei", 1_329),
    ("sei-testnet", 1_328),
    ("sepolia", 11_155_111),
    ("skale-base-sepolia", 324_705_682),
    ("stable", 988),
    ("stable-testnet", 2_201),
    ("story", 1_514),
    ("xdc", 50),
    ("xdc-apothem", 51),
];
const SOLANA: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp";
const SOLANA_DEVNET: &str = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1";

impl ChainId {
    /// The chain of a CAIP-2 name: `eip155:8453`, `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`. `None` for other namespaces.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (namespace, reference) = name.split_once_byte(b':')?;
        match namespace {
            "eip155" => {
                let plain =
                    !reference.starts_with('0') && reference.bytes().all(|byte| byte.is_ascii_digit());
                // JSON numbers in JavaScript are exact up to here, and a chain id is one in typed data.
                reference.parse().ok().filter(|id| plain && *id <= 9_007_199_254_740_991).map(Self::Evm)
            }
            "solana" => {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                let fits = (1..=32).contains(&reference.len()) && reference.bytes().all(allowed);
                fits.then(|| Self::Solana(reference.into()))
            }
            _ => None,
        }
    }

    /// The chain of a name of x402 version 1: `base-sepolia`. CAIP-2 names are taken too.
    #[must_use]
    pub fn parse_v1(name: &str) -> Option<Self> {
        match name {
            "solana" => Some(Self::Solana(SOLANA.into())),
            "solana-devnet" => Some(Self::Solana(SOLANA_DEVNET.into())),
            _ => match NAMES.iter().find(|(other, _)| *other == name) {
                Some((_, id)) => Some(Self::Evm(*id)),
                None => Self::parse(name),
            },
        }
    }

    /// The number of an EVM chain (EIP-155): 8453 of `eip155:8453`.
    #[must_use]
    pub fn evm(&self) -> Option<u64> {
        match self {
            Self::Evm(id) => Some(*id),
            Self::Solana(_) => None,
        }
    }

    /// The name of version 1; `None` for a chain that has none.
    #[must_use]
    pub fn v1_name(&self) -> Option<&'static str> {
        match self {
            Self::Evm(id) => NAMES.iter().find(|(_, other)| other == id).map(|(name, _)| *name),
            Self::Solana(reference) if reference == SOLANA => Some("solana"),
            Self::Solana(reference) if reference == SOLANA_DEVNET => Some("solana-devnet"),
            Self::Solana(_) => None,
        }
    }

    /// The CAIP-2 name.
    #[must_use]
    pub fn caip2(&self) -> String {
        match self {
            Self::Evm(id) => ["eip155:", &super::super::digits(*id)].concat(),
            Self::Solana(reference) => ["solana:", reference].concat(),
        }
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.caip2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_versions_are_one_chain() {
        for (v2, v1, evm) in [
            ("eip155:84532", "base-sepolia", Some(84_532)),
            ("eip155:8453", "base", Some(8_453)),
            ("eip155:43113", "avalanche-fuji", Some(43_113)),
            ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana", None),
            ("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "solana-devnet", None),
        ] {
            let chain = ChainId::parse(v2).unwrap();
            assert_eq!(ChainId::parse_v1(v1), Some(chain.clone()), "{v1}");
            assert_eq!(ChainId::parse_v1(v2), Some(chain.clone()), "{v2}");
            assert_eq!((chain.caip2().as_str(), chain.evm(), chain.v1_name()), (v2, evm, Some(v1)));
        }
    }

    #[test]
    fn other_names_are_no_chain() {
        for name in [
            "",
            "base",
            "eip155:",
            "eip155:0",
            "eip155:01",
            "eip155:-1",
            "eip155:+1",
            "eip155:1 ",
            "EIP155:1",
            "eip155:9007199254740992",
            "eip155:84532:1",
            "stripe",
            "cosmos:hub-4",
            "solana:",
            "solana:a/b",
            "solana:123456789012345678901234567890123",
        ] {
            assert_eq!(ChainId::parse(name), None, "{name}");
        }
        for name in ["Base", "base ", "bitcoin", ""] {
            assert_eq!(ChainId::parse_v1(name), None, "{name}");
        }
    }
}
