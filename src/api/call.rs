use super::{ApiError, Request, Response};

/// One call of the API, as a value: what to send, and what the answer means.
pub trait Call {
    /// The type that the response is read into.
    type Output;

    /// The request to send.
    fn request(&self) -> Request;

    /// Reads the answer.
    ///
    /// # Errors
    /// An [`ApiError`] for anything but a 2xx answer of the expected shape.
    fn parse(&self, response: &Response) -> Result<Self::Output, ApiError>;
}
