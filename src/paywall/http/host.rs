use crate::codec::text::{ByteSplit, number};
use crate::wire::digits;
use alloc::string::{String, ToString};

/// A host in the one spelling that routes are matched with: lower case, no dot at the end, no port that goes without
/// saying.
///
/// `Shop.Example.:443` over https is `shop.example`: the same machine to every resolver, so the same host to us
/// (rule 16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    /// Reads the authority of a URL of `scheme`; nothing where it is not a plain host and port.
    pub(crate) fn parse(scheme: &str, authority: &str) -> Option<Self> {
        let (name, port) = match authority.strip_prefix('[') {
            Some(address) => {
                let (address, rest) = address.split_once_byte(b']')?;
                let plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
                let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
                (address.bytes().all(plain).then(|| ["[", address, "]"].concat())?, port)
            }
            None => match authority.split_once_byte(b':') {
                Some((name, port)) => (name.to_string(), Some(port)),
                None => (authority.to_string(), None),
            },
        };
        let name = name.strip_suffix('.').unwrap_or(&name).to_ascii_lowercase();
        let plain = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_[]:".contains(&byte))
        };
        if !name.split_byte(b'.').all(plain) {
            return None;
        }
        let port = match port {
            None | Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(number(port)?),
            Some(_) => return None,
        };
        let implied = if scheme == "https" { 443 } else { 80 };
        Some(Self { name, port: port.filter(|port| *port != implied) })
    }

    /// As it stands in a URL.
    pub(crate) fn print(&self) -> String {
        match self.port {
            Some(port) => [&self.name, ":", &digits(port.into())].concat(),
            None => self.name.clone(),
        }
    }

    /// True if a route for this host matches `asked`. A host without a port matches every port.
    pub(crate) fn covers(&self, asked: &Self) -> bool {
        self.name == asked.name && (self.port.is_none() || self.port == asked.port)
    }
}
