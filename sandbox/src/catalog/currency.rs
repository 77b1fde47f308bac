//! Currencies.

/// EURC on Base and Base Sepolia.
const EURC: [&str; 2] =
    ["0x60a3e35cc302bfa44cb288bc5a4f316fdb1adb42", "0x808456652fdb597867f38412077a9182bf77359f"];

/// The currency of a plan's price or a delegation. Currencies are not converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Money {
    Dollar,
    Euro,
}

impl Money {
    /// `EUR`, `eurc` and the like are euros; everything else is dollars.
    pub(crate) fn of(currency: &str) -> Self {
        match currency.to_ascii_lowercase().as_str() {
            "eur" | "eurc" => Self::Euro,
            _ => Self::Dollar,
        }
    }

    /// The currency of a token by its address in lower case.
    pub(super) fn of_token(address: &str) -> Self {
        if EURC.contains(&address) { Self::Euro } else { Self::Dollar }
    }
}
