//! Enrolling a card on the embed app's pages (contract section 8.3): what comes back, and whether it was asked for.

use alloc::string::String;

/// What a card page sends back in the query of the return address.
#[derive(Debug, Default)]
pub struct CardAnswer {
    /// `paymentMethodId`.
    pub payment_method_id: Option<String>,
    /// `delegationId`.
    pub delegation_id: Option<String>,
    /// `state`.
    pub state: Option<String>,
}

/// Why what came back is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardError {
    /// It came without the state that this page gave out, or with another.
    StateMismatch,
    /// Whoever was asked went back without a card.
    Cancelled,
}

impl CardError {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::StateMismatch => "card_state_mismatch",
            Self::Cancelled => "card_cancelled",
        }
    }

    /// What happened, for a person.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::StateMismatch => "a card came back that this page did not ask for; it was not used",
            Self::Cancelled => "no card was added",
        }
    }
}

/// Judges what came back, given the state that was kept.
///
/// # Errors
/// A [`CardError`]; a planted id is as bad as a planted key, since it says who pays.
pub fn check_card_answer(answer: &CardAnswer, kept: Option<&str>) -> Result<(), CardError> {
    match (answer.state.as_deref(), kept) {
        (Some(came), Some(kept)) if !kept.is_empty() && came == kept => {}
        _ => return Err(CardError::StateMismatch),
    }
    let anything = answer.payment_method_id.is_some() || answer.delegation_id.is_some();
    if anything { Ok(()) } else { Err(CardError::Cancelled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_14_a_card_comes_back_with_its_state_or_not_at_all() {
        type Text = Option<&'static str>;
        type Case = (&'static str, Text, Text, Text, Text, Result<(), CardError>);
        // Name; payment method, delegation and state that came back; the state that was given out.
        let cases: [Case; 8] = [
            ("as it should be", Some("pm"), Some("d"), Some("s"), Some("s"), Ok(())),
            ("only a delegation", None, Some("d"), Some("s"), Some("s"), Ok(())),
            ("only a card", Some("pm"), None, Some("s"), Some("s"), Ok(())),
            ("nothing", None, None, Some("s"), Some("s"), Err(CardError::Cancelled)),
            ("no state came", Some("pm"), Some("d"), None, Some("s"), Err(CardError::StateMismatch)),
            ("another", Some("pm"), Some("d"), Some("t"), Some("s"), Err(CardError::StateMismatch)),
            ("none given out", Some("pm"), Some("d"), Some("s"), None, Err(CardError::StateMismatch)),
            ("empty both", Some("pm"), Some("d"), Some(""), Some(""), Err(CardError::StateMismatch)),
        ];
        for (name, method, delegation, state, kept, expected) in cases {
            let answer = CardAnswer {
                payment_method_id: method.map(Into::into),
                delegation_id: delegation.map(Into::into),
                state: state.map(Into::into),
            };
            assert_eq!(check_card_answer(&answer, kept), expected, "{name}");
        }
    }
}
