use super::{Environment, WireError, WireErrorKind};
use core::{fmt, str::FromStr};

/// A payment scheme of Nevermined's. An offer may name others: those are skipped, never guessed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `nvm:erc4337`: credits bought with crypto, through a smart account and session keys.
    Erc4337,
    /// `nvm:card-delegation`: credits bought with a card, through a delegation.
    CardDelegation,
}

impl Scheme {
    /// The scheme of that name, if we know it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "nvm:erc4337" => Some(Self::Erc4337),
            "nvm:card-delegation" => Some(Self::CardDelegation),
            _ => None,
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erc4337 => "nvm:erc4337",
            Self::CardDelegation => "nvm:card-delegation",
        }
    }

    /// The network it runs on where nobody names one (contract section 2.3).
    #[must_use]
    pub fn default_network(self, environment: Environment) -> Network {
        match (self, environment) {
            (Self::CardDelegation, _) => Network::Stripe,
            (Self::Erc4337, Environment::Live | Environment::StagingLive) => Network::Base,
            (Self::Erc4337, _) => Network::BaseSepolia,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = WireError;

    /// As [`Scheme::parse`]; `BadValue` for another name.
    fn from_str(name: &str) -> Result<Self, WireError> {
        Self::parse(name).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "scheme"))
    }
}

/// A network of one of our schemes: a chain in CAIP-2, or the provider that charges the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Network {
    /// `eip155:84532`, for tests.
    BaseSepolia,
    /// `eip155:8453`.
    Base,
    /// `stripe`.
    Stripe,
    /// `braintree`.
    Braintree,
    /// `visa`.
    Visa,
}

impl Network {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BaseSepolia => "eip155:84532",
            Self::Base => "eip155:8453",
            Self::Stripe => "stripe",
            Self::Braintree => "braintree",
            Self::Visa => "visa",
        }
    }

    /// The network of that name, if we know it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::BaseSepolia, Self::Base, Self::Stripe, Self::Braintree, Self::Visa]
            .into_iter()
            .find(|network| network.as_str() == name)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Network {
    type Err = WireError;

    /// As [`Network::parse`]; `BadValue` for another name.
    fn from_str(name: &str) -> Result<Self, WireError> {
        Self::parse(name).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "network"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn networks_per_environment() {
        use Environment::{Custom, Live, Sandbox, StagingLive, StagingSandbox};
        for (environment, network) in [
            (Sandbox, "eip155:84532"),
            (StagingSandbox, "eip155:84532"),
            (Live, "eip155:8453"),
            (StagingLive, "eip155:8453"),
            (Custom, "eip155:84532"),
        ] {
            assert_eq!(Scheme::Erc4337.default_network(environment).as_str(), network);
            assert_eq!(Scheme::CardDelegation.default_network(environment).as_str(), "stripe");
        }
    }

    #[test]
    fn only_our_schemes_are_known() {
        for name in ["nvm:erc4337", "nvm:card-delegation"] {
            assert_eq!(Scheme::parse(name).unwrap().as_str(), name);
            assert_eq!(name.parse::<Scheme>().unwrap().to_string(), name);
        }
        for name in ["exact", "upto", "", "NVM:ERC4337", "nvm:erc4337 "] {
            assert_eq!(Scheme::parse(name), None, "{name}");
            assert_eq!(name.parse::<Scheme>().unwrap_err().field, "scheme", "{name}");
        }
        for name in ["eip155:84532", "eip155:8453", "stripe", "braintree", "visa"] {
            assert_eq!(Network::parse(name).unwrap().as_str(), name);
            assert_eq!(name.parse::<Network>().unwrap().to_string(), name);
        }
        assert_eq!(Network::parse("eip155:1"), None);
    }
}
