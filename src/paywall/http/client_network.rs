use alloc::{
    format,
    string::{String, ToString},
};
use core::net::{IpAddr, Ipv6Addr};

/// The network that an address is in, which is all that is kept of it: /24 of IPv4, /48 of IPv6. What is no address is
/// one network of its own.
pub(crate) fn masked(address: Option<&str>) -> String {
    let Some(address) = address.and_then(|text| text.trim().parse::<IpAddr>().ok()) else {
        return "unknown".to_string();
    };
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}
