/// The name of one fetch, given out by [`Buyer::name_fetch`](crate::subscriber::Buyer::name_fetch).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FetchId(u32);

impl FetchId {
    /// The number of the fetch, from one.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl From<u32> for FetchId {
    fn from(number: u32) -> Self {
        Self(number)
    }
}
