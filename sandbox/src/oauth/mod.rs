//! OAuth 2.1: consent page, tokens, user information.

pub(crate) mod consent_page;
pub(crate) mod oauth_token;
