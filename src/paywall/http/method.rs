/// The HTTP methods the gate knows; every other one is refused (rule 16: when in doubt, 400).
///
/// Read exactly: `get` is not `GET`, since an origin may disagree with us about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: wherever `GET` is listed, at the same price.
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`: never paid for; a preflight is answered by the gate (rule 18).
    Options,
}

impl Method {
    /// Every method, in the order they are listed to a client.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// Reads a method as it came on the wire.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// The method as it is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    /// The method whose route this one falls under: `HEAD` is looked up as `GET`.
    #[must_use]
    pub(crate) fn as_listed(self) -> Self {
        match self {
            Self::Head => Self::Get,
            other => other,
        }
    }
}
