use crate::api::{Request, Response};

/// The name of a platform call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub(crate) u32);

impl CallId {
    /// The number of the call, from one.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl From<u32> for CallId {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

/// A call that the shell is to make, and to report with [`Buyer::call_finished`](crate::subscriber::Buyer::call_finished).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformCall {
    /// The name to report it by.
    pub id: CallId,
    /// The request to send.
    pub request: Request,
    /// How long to wait before it is sent, in milliseconds.
    pub delay_ms: u64,
    /// The purpose of the call.
    pub work: CallWork,
}

/// The purpose of a platform call: a log may show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallWork {
    /// A token is minted.
    Mint,
    /// A wallet signs for an offer of the dialect `exact`. It is no call to the platform: `request.body` is the handle of the
    /// offer, and the answer is that of a mint.
    Sign,
    /// A plan is ordered.
    Order,
    /// A balance is read.
    Balance,
    /// The terms of a plan are read.
    Terms,
}

/// The result of a platform call: the answer, or `None` where none came.
pub type CallResult = Option<Response>;

/// The first and the longest pause between balance reads after an order, in milliseconds.
const POLL_MS: (u64, u64) = (250, 4_000);

/// The pause before the next balance read while credits are awaited, after so many reads, in milliseconds.
#[must_use]
pub(crate) fn poll_pause_ms(attempts: u32) -> u64 {
    POLL_MS.0.saturating_mul(1 << attempts.min(16)).min(POLL_MS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_looked_for_ever_more_slowly() {
        let pauses: Vec<_> = (0..7).map(poll_pause_ms).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
        assert_eq!(poll_pause_ms(u32::MAX), 4_000);
    }
}
