//! Shared parts of the HTML pages.

pub(crate) mod html;
pub(crate) mod return_url;
