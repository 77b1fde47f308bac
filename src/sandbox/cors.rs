//! Which pages may call, and what they may read: all, since there is nothing to protect here but tests (contract
//! sections 1.1, 13.12).

/// The headers every answer carries. No credentials ride on cookies here, so `*` is the whole story.
pub(super) const ALWAYS: [(&str, &str); 2] = [
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "x-correlation-id, payment-required, payment-response, payment-receipt, www-authenticate, retry-after",
    ),
];

/// The headers of a preflight's answer besides. The list is the contract's: a client that sends a header the hosted
/// service does not allow should find out here.
pub(super) const PREFLIGHT: [(&str, &str); 3] = [
    ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
    (
        "access-control-allow-headers",
        "accept, authorization, content-type, nevermined-version, x-current-org-id, x-correlation-id, x-request-id",
    ),
    ("access-control-max-age", "7200"),
];
