use crate::codec::text::ByteSplit;
use alloc::{string::String, vec::Vec};

/// Headers in the order they came, names in lower case, a repeated name repeated: two `Set-Cookie` stay two.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct HeaderList(Vec<(String, String)>);

/// The largest size of a value from outside that we put into a header, in bytes.
const MAX_VALUE_BYTES: usize = 512;

impl HeaderList {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of the first header of this name, given in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The values of all headers of this name, given in lower case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds a header beside those of the same name.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Sets a header, and removes all others of the same name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Drops all headers of this name, given in lower case.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Keeps the headers that are chosen by name and value.
    pub(crate) fn retain_pairs(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Keeps the headers whose name is chosen.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// The members of a comma-separated header, over all its lines.
    pub(crate) fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name)
            .flat_map(|value| value.split_byte(b','))
            .map(str::trim)
            .filter(|member| !member.is_empty())
    }

    /// Adds members to a comma-separated header, those that it has already left out, case aside.
    pub(crate) fn merge(&mut self, name: &str, members: &[&str]) {
        let mut merged: Vec<&str> = Vec::new();
        for member in self.members(name).chain(members.iter().copied()) {
            if !merged.iter().any(|known| known.eq_ignore_ascii_case(member)) {
                merged.push(member);
            }
        }
        let merged = merged.join(", ");
        self.set(name, merged);
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Names only: a value may be a secret.
impl core::fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for HeaderList {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let lower = |name: N| {
            let mut name = name.into();
            name.make_ascii_lowercase();
            name
        };
        Self(pairs.into_iter().map(|(name, value)| (lower(name), value.into())).collect())
    }
}

/// Headers with which a client asks some origins for another method or path than the request's own (rule 16).
const DISGUISES: [&str; 9] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-envoy-original-path",
    "x-forwarded-path",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// True if clients may not send this header: it carries payment facts, or names another method, path or host than the
/// request's own.
pub(crate) fn is_ours(name: &str) -> bool {
    // Origins behind CGI or WSGI do not tell `_` from `-`, and some not even `.`.
    let payment = is_spelling(name, "x-payment") || begins(name, "x-payment-") || begins(name, "payment-");
    payment || name == "host" || DISGUISES.iter().any(|known| is_spelling(name, known))
}

/// True where a name begins with the bytes of `start`, if everything but letters and digits counts as `-`.
fn begins(name: &str, start: &str) -> bool {
    let plain = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    name.len() >= start.len() && name.bytes().map(plain).zip(start.bytes()).all(|(one, other)| one == other)
}

/// True where a name is `known`, if everything but letters and digits counts as `-`.
pub(crate) fn is_spelling(name: &str, known: &str) -> bool {
    name.len() == known.len() && begins(name, known)
}

/// A value that is not ours, if it can be a header's: visible ASCII and spaces, not too long.
pub(crate) fn as_value(text: &str) -> Option<&str> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    (plain && !text.is_empty() && text.len() <= MAX_VALUE_BYTES).then_some(text)
}
