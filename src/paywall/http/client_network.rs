use crate::paywall::hex::hex;
use crate::wire::digits;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

/// The network that an address is in, which is all that is kept of it: /24 of IPv4, /48 of IPv6. What is no address is
/// one network of its own.
pub(crate) fn masked(address: Option<&str>) -> String {
    let Some(address) = address.and_then(|text| text.trim().parse::<IpAddr>().ok()) else {
        return "unknown".to_string();
    };
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            let part = |part: u8| digits(part.into());
            [&part(a), ".", &part(b), ".", &part(c), ".0/24"].concat()
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            // As the address is printed whose other groups are zero: to print any address is a kilobyte of wasm.
            let groups: &[u16] = match (a, b, c) {
                (0, 0, 0) => &[],
                (a, 0, 0) => &[a],
                (a, b, 0) => &[a, b],
                (a, b, c) => &[a, b, c],
            };
            let groups: Vec<_> = groups.iter().map(|group| short_hex(*group)).collect();
            [&groups.join(":"), "::/48"].concat()
        }
    }
}

/// A number in hexadecimal digits, without zeros before it.
fn short_hex(number: u16) -> String {
    match hex(&number.to_be_bytes()).trim_start_matches('0') {
        "" => "0".into(),
        digits => digits.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv6Addr;

    #[test]
    fn an_address_is_kept_as_its_network() {
        for (address, network) in [
            (None, "unknown"),
            (Some("nowhere"), "unknown"),
            (Some(" 192.0.2.77 "), "192.0.2.0/24"),
            (Some("::ffff:192.0.2.77"), "192.0.2.0/24"),
            (Some("2001:db8:7:8::9"), "2001:db8:7::/48"),
        ] {
            assert_eq!(masked(address), network, "{address:?}");
        }
        for a in [0, 0x20, 0x2001] {
            for b in [0, 0xdb8] {
                for c in [0, 7] {
                    let address = Ipv6Addr::new(a, b, c, 1, 2, 3, 4, 5);
                    let network = format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
                    assert_eq!(masked(Some(&address.to_string())), network, "{address}");
                }
            }
        }
    }
}
