use alloc::string::String;
use core::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that must not be printed: an API key, an access token. Its `Debug` says only that it is there, and it has
/// no `Display` (money rule 13). Its bytes are overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into keeping.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent where it was meant to go and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(alloc::format!("{:?}", super::Secret::new("sandbox:abc")), "Secret(redacted)");
    }
}
