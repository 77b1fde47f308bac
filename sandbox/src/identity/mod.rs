//! Users: accounts, API keys, login and legal documents.

pub(crate) mod accounts;
pub(crate) mod api_key;
pub(crate) mod legal_documents;
pub(crate) mod login_page;
pub(crate) mod membership;
pub(crate) mod widget_session;
