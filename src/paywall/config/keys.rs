//! The names, bounds and defaults of the configuration. Made from `src/options.json` by `npm run docs`; a test compares.

use super::values::{Switch, Whole};

/// The members of the document and the variables that say the same.
pub(crate) const MEMBERS: [(&str, &str); 23] = [
    ("routes", "ROUTES"),
    ("unlisted", "UNLISTED"),
    ("open", "OPEN_ROUTES"),
    ("environment", "NVM_ENVIRONMENT"),
    ("apiUrl", "NVM_API_URL"),
    ("originUrl", "ORIGIN_URL"),
    ("tokenHeader", "TOKEN_HEADER"),
    ("addressHeader", "ADDRESS_HEADER"),
    ("maxBodyBytes", "MAX_BODY_BYTES"),
    ("page", "PAGE"),
    ("passes", "PASSES"),
    ("revokedPasses", "REVOKED_PASSES"),
    ("publicUrl", "PUBLIC_URL"),
    ("allowedOrigins", "ALLOWED_ORIGINS"),
    ("allowCredentials", "ALLOW_CREDENTIALS"),
    ("allowedHeaders", "ALLOWED_HEADERS"),
    ("allowPrivateNetwork", "ALLOW_PRIVATE_NETWORK"),
    ("corsMaxAge", "CORS_MAX_AGE"),
    ("timeoutMs", "TIMEOUT_MS"),
    ("originTimeoutMs", "ORIGIN_TIMEOUT_MS"),
    ("verifyCacheSeconds", "VERIFY_CACHE_SECONDS"),
    ("log", "LOG"),
    ("serverTiming", "SERVER_TIMING"),
];

#[cfg_attr(not(feature = "paywall"), allow(dead_code))]
/// The options of the library and the variables that say the same.
pub(crate) const OPTIONS: [(&str, &str); 28] = [
    ("routes", "ROUTES"),
    ("unlisted", "UNLISTED"),
    ("openRoutes", "OPEN_ROUTES"),
    ("nvmApiKey", "NVM_API_KEY"),
    ("environment", "NVM_ENVIRONMENT"),
    ("backend", "NVM_API_URL"),
    ("origin", "ORIGIN_URL"),
    ("config", "CONFIG"),
    ("tokenHeader", "TOKEN_HEADER"),
    ("addressHeader", "ADDRESS_HEADER"),
    ("maxBodyBytes", "MAX_BODY_BYTES"),
    ("page", "PAGE"),
    ("passes", "PASSES"),
    ("passKeys", "PASS_KEYS"),
    ("revokedPasses", "REVOKED_PASSES"),
    ("publicUrl", "PUBLIC_URL"),
    ("allowedOrigins", "ALLOWED_ORIGINS"),
    ("allowCredentials", "ALLOW_CREDENTIALS"),
    ("allowedHeaders", "ALLOWED_HEADERS"),
    ("allowPrivateNetwork", "ALLOW_PRIVATE_NETWORK"),
    ("corsMaxAge", "CORS_MAX_AGE"),
    ("timeoutMs", "TIMEOUT_MS"),
    ("originTimeoutMs", "ORIGIN_TIMEOUT_MS"),
    ("verifyCacheSeconds", "VERIFY_CACHE_SECONDS"),
    ("log", "LOG"),
    ("serverTiming", "SERVER_TIMING"),
    ("metricsToken", "METRICS_TOKEN"),
    ("pageFiles", "PAGE_FILES"),
];

pub(crate) const MAX_BODY_BYTES: Whole = Whole { key: "MAX_BODY_BYTES", least: 0, most: 104_857_600, usual: 1_048_576 };
pub(crate) const ALLOW_CREDENTIALS: Switch = Switch { key: "ALLOW_CREDENTIALS", words: ["yes", "no"], usual: false };
pub(crate) const ALLOW_PRIVATE_NETWORK: Switch = Switch { key: "ALLOW_PRIVATE_NETWORK", words: ["yes", "no"], usual: false };
pub(crate) const CORS_MAX_AGE: Whole = Whole { key: "CORS_MAX_AGE", least: 0, most: 86_400, usual: 600 };
pub(crate) const TIMEOUT_MS: Whole = Whole { key: "TIMEOUT_MS", least: 1, most: 120_000, usual: 10_000 };
pub(crate) const ORIGIN_TIMEOUT_MS: Whole = Whole { key: "ORIGIN_TIMEOUT_MS", least: 1, most: 600_000, usual: 60_000 };
pub(crate) const VERIFY_CACHE_SECONDS: Whole = Whole { key: "VERIFY_CACHE_SECONDS", least: 0, most: 60, usual: 0 };
pub(crate) const LOG: Switch = Switch { key: "LOG", words: ["requests", "off"], usual: true };
pub(crate) const SERVER_TIMING: Switch = Switch { key: "SERVER_TIMING", words: ["on", "off"], usual: true };

pub(crate) const ROUTE: [&str; 17] = ["planId", "credits", "agentId", "scheme", "network", "plans", "settle", "maxOpen", "unbounded", "receipt", "limit", "free", "singleUse", "marginPercent", "batch", "description", "mimeType"];
pub(crate) const PLAN: [&str; 5] = ["planId", "credits", "agentId", "scheme", "network"];
pub(crate) const PASS_SET: [&str; 5] = ["routes", "seconds", "warnSeconds", "carry", "crossSite"];
pub(crate) const PAGE: [&str; 7] = ["name", "lang", "logo", "accent", "accentDark", "texts", "storage"];
pub(crate) const LIMIT: [&str; 3] = ["requests", "seconds", "by"];
pub(crate) const FREE: [&str; 2] = ["perDay", "by"];
pub(crate) const REVOKED: [&str; 2] = ["passes", "payers"];
pub(crate) const PRICE: [&str; 7] = ["by", "most", "name", "base", "each", "per", "member"];
/// The members of each kind of price.
pub(crate) const PRICES: [(&str, &[&str]); 7] = [
    ("query", &["by", "most", "name", "base", "each", "per"]),
    ("header", &["by", "most", "name", "base", "each", "per"]),
    ("origin", &["by", "most", "name"]),
    ("byte", &["by", "most", "base", "each", "per"]),
    ("event", &["by", "most", "base", "each", "per"]),
    ("token", &["by", "most", "base", "each", "per", "member"]),
    ("handler", &["by", "most"]),
];

pub(crate) const ROUTE_PLANS_MOST: u32 = 8;
pub(crate) const ROUTE_MAX_OPEN_MOST: u32 = 1_000;
pub(crate) const PASS_SET_SECONDS_MOST: u32 = 31_622_400;
pub(crate) const LIMIT_REQUESTS_MOST: u32 = 1_000_000;
pub(crate) const LIMIT_SECONDS_MOST: u32 = 86_400;
pub(crate) const FREE_PER_DAY_MOST: u32 = 1_000_000;
