//! The gate's configuration: settings, the document, routes, HTTP behaviour, the origin.

pub(crate) mod bindings;
pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod http_settings;
#[rustfmt::skip]
pub(crate) mod keys;
pub(crate) mod object_reader;
pub(crate) mod origin;
pub(crate) mod problems;
pub(crate) mod route;
pub(crate) mod route_key;
pub(crate) mod settings;
pub(crate) mod values;
