use crate::codec::hex::hex;
use crate::codec::text::{ByteSplit, number, split_once};
use crate::wire::digits;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The network of an address: /24 of IPv4, /48 of IPv6. Nothing else of an address is stored. A text that is no address counts as one network.
pub(crate) fn masked(address: Option<&str>) -> String {
    let text = address.unwrap_or_default().trim();
    let Some(groups) = four_bytes(text).map(mapped).or_else(|| eight_groups(text)) else {
        return "unknown".to_string();
    };
    if let [0, 0, 0, 0, 0, 0xffff, high, low] = groups {
        let ([a, b], [c, _]) = (high.to_be_bytes(), low.to_be_bytes());
        let [a, b, c] = [a, b, c].map(|part| digits(part.into()));
        return [a.as_str(), ".", &b, ".", &c, ".0/24"].concat();
    }
    let [a, b, c, ..] = groups;
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

/// The address of IPv6 that an address of IPv4 is mapped to.
fn mapped([a, b, c, d]: [u8; 4]) -> [u16; 8] {
    [0, 0, 0, 0, 0, 0xffff, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}

/// Reads an address of IPv4. A test compares with the reader of `core`, which is a kilobyte of wasm.
fn four_bytes(text: &str) -> Option<[u8; 4]> {
    let byte = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        number(text).filter(|_| plain)
    };
    text.split_byte(b'.').map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// Reads an address of IPv6.
fn eight_groups(text: &str) -> Option<[u16; 8]> {
    let Some((head, tail)) = split_once(text, "::") else {
        return groups(text, true)?.try_into().ok();
    };
    let (head, tail) = (groups(head, false)?, groups(tail, true)?);
    let left_out = 8_usize.checked_sub(head.len() + tail.len()).filter(|count| *count > 0)?;
    [head, Vec::from([0; 8].get(..left_out)?), tail].concat().try_into().ok()
}

/// Groups with colons between them, of which the last two may be an address of IPv4.
fn groups(text: &str, may_end_as_v4: bool) -> Option<Vec<u16>> {
    let mut groups = Vec::new();
    let mut parts = text.split_byte(b':').filter(|_| !text.is_empty()).peekable();
    while let Some(part) = parts.next() {
        if may_end_as_v4
            && parts.peek().is_none()
            && let Some([a, b, c, d]) = four_bytes(part)
        {
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
            break;
        }
        let plain = part.bytes().all(|byte| byte.is_ascii_hexdigit()) && part.len() <= 4;
        groups.push(u16::from_str_radix(part, 16).ok().filter(|_| plain)?);
    }
    Some(groups)
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
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    #[test]
    fn addresses_are_read_as_core_reads_them() {
        let pieces = ["", "0", "1", "01", "255", "256", "+1", "fFf", "FFFFF", "g", ":", "::", ".", "1.2.3.4"];
        let whole = "1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1:2:3:4::5:6:7:8 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 \
                     1:2:3:4:5:1.2.3.4 1::2:3:4:5:6:1.2.3.4 ::1.2.3.4:5 1.2.3.4:: 1.2.3.4.5 1.2.3.04 fe80::1%eth0 ::ffff:1.2.3.4 1::2::3";
        let mut texts: Vec<String> = whole.split(' ').map(String::from).collect();
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    texts.extend(pieces.map(|d| [a, b, c, d].concat()));
                }
            }
        }
        for text in &texts {
            assert_eq!(four_bytes(text).map(Ipv4Addr::from), text.parse().ok(), "{text}");
            assert_eq!(eight_groups(text).map(Ipv6Addr::from), text.parse().ok(), "{text}");
            let known = text.parse::<IpAddr>().is_ok();
            assert_eq!(masked(Some(text)) != "unknown", known, "{text}");
        }
    }

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
