//! CORS: every page may call the API (contract sections 1.1, 13.12). The dashboard and the routes under `/sandbox`
//! are closed to pages of other origins, because they issue keys.

/// True if pages of other origins may read the responses of a path that begins with this segment.
pub(crate) fn open(first: Option<&str>) -> bool {
    !matches!(first, Some("sandbox" | "dashboard"))
}

/// Headers of every API response. The API uses no cookies, so `*` is enough.
pub(crate) const ALWAYS: [(&str, &str); 2] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "x-correlation-id, payment-required, payment-response, payment-receipt, www-authenticate, retry-after",
    ),
];

/// Further headers of a preflight response. The list is the contract's: a client that sends a header the hosted
/// service does not allow fails here too.
pub(crate) const PREFLIGHT: [(&str, &str); 3] = [
    ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (
        "access-control-allow-headers",
        "accept, authorization, content-type, nevermined-version, x-current-org-id, x-correlation-id, x-request-id",
    ),
    ("access-control-max-age", "7200"),
];
