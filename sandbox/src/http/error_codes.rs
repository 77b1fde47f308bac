//! Properties of the backend's error codes: category, retryable, and documentation link (contract section 12 and the
//! catalogue of the public documentation).

/// Codes of errors for which a retry may succeed.
const RETRYABLE: [&str; 10] = [
    "BCK.AUTH.0005",
    "BCK.COMMON.0029",
    "BCK.MPP.0004",
    "BCK.MPP.0005",
    "BCK.ORDER.0010",
    "BCK.ORGANIZATIONS.0015",
    "BCK.STRIPE.0023",
    "BCK.STRIPE.0033",
    "BCK.STRIPE.0034",
    "BCK.STRIPE.0035",
];

/// The category of a code: `validation`, `auth`, `business`, `integration` or `internal`. A code that is not in the
/// catalogue gets its category from the HTTP status.
pub(crate) fn category(code: &str, status: u16) -> &'static str {
    let family = code.split('.').nth(1).filter(|_| code.starts_with("BCK."));
    match (family, code) {
        (_, "BCK.COMMON.0026") => "validation",
        (_, "BCK.COMMON.0027" | "BCK.COMMON.0028" | "BCK.OAUTH.0003") => "business",
        (_, "BCK.COMMON.0029" | "BCK.ORGANIZATIONS.0015") => "integration",
        (_, "BCK.CREDITS.0006" | "BCK.X402.0017" | "BCK.STRIPE.0031") => "internal",
        (Some("AUTH" | "APIKEY" | "OAUTH" | "WIDGET_SESSION" | "WIDGET_KEYS"), _) => "auth",
        (Some("PROTOCOL" | "STRIPE" | "BRAINTREE"), _) => "integration",
        (Some("COMMON"), _) => "internal",
        (Some(_), _) => "business",
        (None, _) => match status {
            401 | 403 => "auth",
            400 | 413 | 422 => "validation",
            500.. => "internal",
            _ => "business",
        },
    }
}

/// True if a retry may succeed.
pub(crate) fn retryable(code: &str, status: u16) -> bool {
    RETRYABLE.contains(&code) || matches!(status, 429 | 503)
}

/// The page of the public documentation that explains a backend code.
pub(crate) fn docs(code: &str) -> Option<String> {
    let anchor = code.to_ascii_lowercase().replace('.', "-");
    code.starts_with("BCK.")
        .then(|| format!("https://docs.nevermined.ai/docs/development-guide/api-errors/codes#{anchor}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn category_and_retryable_of_codes() {
        for (code, status, expected, again) in [
            ("BCK.COMMON.0026", 400, "validation", false),
            ("BCK.COMMON.0027", 409, "business", false),
            ("BCK.COMMON.0029", 503, "integration", true),
            ("BCK.COMMON.0014", 404, "internal", false),
            ("BCK.PROTOCOL.0003", 404, "integration", false),
            ("BCK.AUTH.0002", 401, "auth", false),
            ("BCK.AUTH.0005", 403, "auth", true),
            ("BCK.X402.0005", 402, "business", false),
            ("BCK.X402.0017", 500, "internal", false),
            ("BCK.MPP.0004", 402, "business", true),
            ("BCK.OAUTH.0003", 400, "business", false),
            ("SANDBOX.BAD_REQUEST", 400, "validation", false),
            ("SANDBOX.INTERNAL", 500, "internal", false),
            ("SANDBOX.NOT_FOUND", 404, "business", false),
            ("SANDBOX.FAULT", 429, "business", true),
        ] {
            assert_eq!((category(code, status), retryable(code, status)), (expected, again), "{code}");
        }
    }

    #[test]
    fn only_backend_codes_have_a_documentation_page() {
        assert!(docs("BCK.X402.0005").is_some_and(|url| url.ends_with("#bck-x402-0005")));
        assert_eq!(docs("SANDBOX.INTERNAL"), None);
    }
}
