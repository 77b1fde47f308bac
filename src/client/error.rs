use super::ResponseBody;
use crate::subscriber::{FetchError, Spend};
use core::fmt;
use std::error::Error;

/// The reason why a fetch has no paid response, and what it spent.
pub struct PaymentError<B> {
    /// The reason. Its code is stable.
    pub error: FetchError,
    /// A report of what was spent.
    pub spend: Spend,
    /// The seller's last response, where there was one: a 402 with its offer.
    pub response: Option<http::Response<ResponseBody<B>>>,
    /// The transport's error, where the seller could not be reached.
    pub transport: Option<String>,
}

impl<B> PaymentError<B> {
    /// The stable code: the platform's own where it named one.
    #[must_use]
    pub fn code(&self) -> &str {
        self.error.code()
    }
}

impl<B> fmt::Display for PaymentError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        self.transport.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl<B> fmt::Debug for PaymentError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentError")
            .field("error", &self.error)
            .field("spend", &self.spend)
            .field("status", &self.response.as_ref().map(|response| response.status().as_u16()))
            .field("transport", &self.transport)
            .finish()
    }
}

impl<B> Error for PaymentError<B> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
