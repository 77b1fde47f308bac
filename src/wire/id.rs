use super::{WireError, WireErrorKind};
use alloc::string::String;
use core::{fmt, marker::PhantomData, str::FromStr};

/// The id of a payment plan: a uint256 in decimal on the wire (contract section 1.3).
pub type PlanId = Id<kind::Plan>;
/// The id of an agent, in the same form.
pub type AgentId = Id<kind::Agent>;
/// The id of something of the platform's that is only read, changed or taken back by it: a payment method, a permission, an
/// organization.
pub type ResourceId = Id<kind::Resource>;

/// Which delegation to spend from: that of an id, a UUID, or the one that belongs to an API key, or both (contract section 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRef {
    id: Option<Id<kind::Delegation>>,
    api_key_id: Option<Id<kind::Delegation>>,
}

impl DelegationRef {
    /// The delegation of this id; `field` names it for the error.
    ///
    /// # Errors
    /// As [`Id::parse`].
    pub fn parse(text: &str, field: &'static str) -> Result<Self, WireError> {
        Ok(Self { id: Some(Id::parse(text, field)?), api_key_id: None })
    }

    /// The delegation that belongs to the API key of this id.
    ///
    /// # Errors
    /// As [`Id::parse`].
    pub fn of_api_key(text: &str, field: &'static str) -> Result<Self, WireError> {
        Ok(Self { id: None, api_key_id: Some(Id::parse(text, field)?) })
    }

    /// The delegation that `delegationConfig` names: by `delegationId`, by `apiKeyId`, or by both. `None` where it names none.
    ///
    /// # Errors
    /// Fails with the errors of [`Id::parse`].
    pub fn of_config(
        delegation_id: Option<&str>,
        api_key_id: Option<&str>,
    ) -> Result<Option<Self>, WireError> {
        let id = delegation_id.map(|text| Id::parse(text, "delegationId")).transpose()?;
        let api_key_id = api_key_id.map(|text| Id::parse(text, "apiKeyId")).transpose()?;
        Ok((id.is_some() || api_key_id.is_some()).then_some(Self { id, api_key_id }))
    }

    /// The delegation's id, where it is named by that.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(Id::as_str)
    }

    /// The API key's id, where it is named by that.
    #[must_use]
    pub fn api_key_id(&self) -> Option<&str> {
        self.api_key_id.as_ref().map(Id::as_str)
    }
}

impl FromStr for DelegationRef {
    type Err = WireError;

    /// The delegation of this id, as [`DelegationRef::parse`] with `delegationId` as the name of the field.
    fn from_str(text: &str) -> Result<Self, WireError> {
        Self::parse(text, "delegationId")
    }
}

/// Markers that keep one kind of id from being given where another is meant.
pub mod kind {
    /// See [`PlanId`](super::PlanId).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Plan {}
    /// See [`AgentId`](super::AgentId).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Agent {}
    /// Within a [`DelegationRef`](super::DelegationRef).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Delegation {}
    /// See [`ResourceId`](super::ResourceId).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Resource {}
}

/// An id as it came, of 1 to 128 of `A-Z a-z 0-9 : _ -`.
///
/// The set is wider than what the platform issues (the docs show `did:nv:…` and `plan_…` too) and still safe as a
/// segment of a path: a server's offer cannot name `../order` and have us ask for it. A number has one spelling: with zeros before
/// it, the platform would know it for the same plan, and the limits and pending orders of a buyer for another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>(String, PhantomData<K>);

/// The length of the longest id, in characters.
const MAX: usize = 128;

impl<K> Id<K> {
    /// Takes an id that came from outside; `field` names it for the error.
    ///
    /// # Errors
    /// `Missing` when empty, `TooLarge` over 128 characters, `BadValue` for a character outside the set or a number that begins
    /// with a zero.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, WireError> {
        check(text, field)?;
        Ok(Self(text.into(), PhantomData))
    }

    /// The id as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One function for all kinds of ids, of which each copy would weigh as much again.
#[inline(never)]
fn check(text: &str, field: &'static str) -> Result<(), WireError> {
    let mut is_number = true;
    let is_safe = text.bytes().all(|byte| {
        is_number &= byte.is_ascii_digit();
        byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-')
    });
    let kind = match *text.as_bytes() {
        [] => WireErrorKind::Missing,
        _ if text.len() > MAX => WireErrorKind::TooLarge,
        [b'0', _, ..] if is_number => WireErrorKind::BadValue,
        _ if is_safe => return Ok(()),
        _ => WireErrorKind::BadValue,
    };
    Err(WireError::new(kind, field))
}

impl<K> FromStr for Id<K> {
    type Err = WireError;

    /// As [`Id::parse`], with `id` as the name of the field.
    fn from_str(text: &str) -> Result<Self, WireError> {
        Self::parse(text, "id")
    }
}

impl<K> AsRef<str> for Id<K> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    #[test]
    fn an_id_is_one_safe_path_segment() {
        for good in ["1", "0", "10", "0xa9", "00-1", "did:nv:abc", "plan_abc-123", &"9".repeat(128)] {
            let id = PlanId::parse(good, "planId").unwrap();
            assert_eq!(
                (id.as_str(), id.to_string().as_str(), format!("{id:?}").as_str()),
                (good, good, good)
            );
            assert_eq!((good.parse::<PlanId>(), id.as_ref()), (Ok(id.clone()), good));
            assert_eq!(good.parse::<DelegationRef>().unwrap().id(), Some(good));
        }
        for (bad, kind) in [
            ("", WireErrorKind::Missing),
            ("..", WireErrorKind::BadValue),
            ("1/order", WireErrorKind::BadValue),
            ("1?x", WireErrorKind::BadValue),
            ("%2e%2e", WireErrorKind::BadValue),
            ("1 ", WireErrorKind::BadValue),
            ("é", WireErrorKind::BadValue),
            ("01", WireErrorKind::BadValue),
            ("00", WireErrorKind::BadValue),
            (&"9".repeat(129), WireErrorKind::TooLarge),
        ] {
            assert_eq!(PlanId::parse(bad, "planId").unwrap_err().kind, kind, "{bad}");
            assert_eq!(bad.parse::<PlanId>().unwrap_err(), WireError::new(kind, "id"), "{bad}");
        }
    }
}
