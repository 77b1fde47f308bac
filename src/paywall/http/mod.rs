//! HTTP values: methods, hosts, paths, headers, the network of a client.

pub(crate) mod client_network;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod method;
pub(crate) mod names;
pub(crate) mod path;
