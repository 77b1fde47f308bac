//! Which pages may call the API, and what they may read: all (contract sections 1.1, 13.12). What is the sandbox's own, its
//! dashboard and the routes under `/sandbox`, is for no page but its own: they hand out keys.

/// Whether pages of other origins may read what is answered to a path with that first segment.
pub(crate) fn open(first: Option<&str>) -> bool {
    !matches!(first, Some("sandbox" | "dashboard"))
}

/// The headers every answer of the API carries. No credentials ride on cookies here, so `*` is the whole story.
pub(crate) const ALWAYS: [(&str, &str); 2] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "x-correlation-id, payment-required, payment-response, payment-receipt, www-authenticate, retry-after",
    ),
];

/// The headers of a preflight's answer besides. The list is the contract's: a client that sends a header the hosted
/// service does not allow should find out here.
pub(crate) const PREFLIGHT: [(&str, &str); 3] = [
    ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (
        "access-control-allow-headers",
        "accept, authorization, content-type, nevermined-version, x-current-org-id, x-correlation-id, x-request-id",
    ),
    ("access-control-max-age", "7200"),
];
