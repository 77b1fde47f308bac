//! Names of headers that more than one folder uses.

/// The header that gives the URL of a receipt.
pub(crate) const RECEIPT_URL: &str = "payment-receipt-url";
/// The header in which a pass is sent, and given out.
pub(crate) const PASS: &str = "x-payment-pass";
/// The end of a pass that was given out, in seconds since 1970.
pub(crate) const PASS_EXPIRES: &str = "x-payment-pass-expires";
/// `pass-expires` some time before a pass ends.
pub(crate) const WARNING: &str = "x-payment-warning";
