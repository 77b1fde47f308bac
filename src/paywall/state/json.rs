//! JSON that is written and read by hand: the code that `derive` makes for tagged enums was a sixth of the Worker.

use super::{Allowance, Claim, Command, Entry, EntryStatus, OpenDelivery, Rate, Reply, SettlementOutcome};
use alloc::{string::String, vec::Vec};
use core::fmt;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The error for a text that is not a command, reply or entry: it names the member that is missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(pub(super) &'static str);

impl Unreadable {
    pub(crate) fn message(self) -> String {
        ["invalid state record: ", self.0].concat()
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl core::error::Error for Unreadable {}

/// The members of an object, to be taken one by one or put in one by one.
///
/// The first member that is missing or wrong is remembered, and [`read`](Self::read) says it at the end: to leave at each member would
/// weigh as much again.
#[derive(Default)]
pub(super) struct JsonObject {
    members: Map<String, Value>,
    wrong: Option<&'static str>,
}

impl JsonObject {
    pub(super) fn of(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Object(members) => Ok(Self { members, wrong: None }),
            _ => Err(Unreadable("an object")),
        }
    }

    /// The value that was made of the members, if all of them are right.
    pub(super) fn read<T>(&self, value: T) -> Result<T, Unreadable> {
        self.wrong.map_or(Ok(value), |name| Err(Unreadable(name)))
    }

    #[cold]
    #[inline(never)]
    fn wrong(&mut self, name: &'static str) {
        self.wrong.get_or_insert(name);
    }

    /// Takes a member out. A missing member is `null`.
    pub(super) fn take(&mut self, name: &str) -> Value {
        self.members.get_mut(name).map(Value::take).unwrap_or_default()
    }

    /// A member that had another name in earlier versions.
    pub(super) fn take_either(&mut self, name: &str, earlier: &str) -> Value {
        let value = self.take(name);
        if value.is_null() { self.take(earlier) } else { value }
    }

    /// The id of a request. Records of earlier versions call it `visit`.
    pub(super) fn request_id(&mut self) -> String {
        self.text(if self.has("visit") { "visit" } else { "id" })
    }

    /// A member of several members, where it is there.
    pub(super) fn form<T: JsonForm>(&mut self, name: &str) -> Option<T> {
        match self.take(name) {
            Value::Null => None,
            value => self.right(T::from_json(value)),
        }
    }

    /// The members of a list.
    pub(super) fn list<T>(&mut self, name: &'static str, read: fn(Value) -> Result<T, Unreadable>) -> Vec<T> {
        let Value::Array(list) = self.take(name) else {
            self.wrong(name);
            return Vec::new();
        };
        let mut all = Vec::new();
        for value in list {
            all.extend(self.right(read(value)));
        }
        all
    }

    fn right<T>(&mut self, read: Result<T, Unreadable>) -> Option<T> {
        if let Err(Unreadable(name)) = read {
            self.wrong(name);
        }
        read.ok()
    }

    #[inline(never)]
    pub(super) fn maybe(&mut self, name: &'static str) -> Option<String> {
        match self.take(name) {
            Value::Null => None,
            Value::String(text) => Some(text),
            _ => {
                self.wrong(name);
                None
            }
        }
    }

    #[inline(never)]
    pub(super) fn text(&mut self, name: &'static str) -> String {
        let text = self.maybe(name);
        if text.is_none() {
            self.wrong(name);
        }
        text.unwrap_or_default()
    }

    #[inline(never)]
    pub(super) fn whole(&mut self, name: &'static str) -> u64 {
        let number = self.take(name).as_u64();
        if number.is_none() {
            self.wrong(name);
        }
        number.unwrap_or_default()
    }

    /// A whole number, or another where the member is not there.
    #[inline(never)]
    pub(super) fn whole_or(&mut self, name: &'static str, usual: u64) -> u64 {
        if self.has(name) { self.whole(name) } else { usual }
    }

    #[inline(never)]
    pub(super) fn count(&mut self, name: &'static str) -> u32 {
        let number = u32::try_from(self.whole(name));
        if number.is_err() {
            self.wrong(name);
        }
        number.unwrap_or_default()
    }

    /// A count; 0 where the member is not there.
    #[inline(never)]
    pub(super) fn count_or_0(&mut self, name: &'static str) -> u32 {
        if self.has(name) { self.count(name) } else { 0 }
    }

    #[inline(never)]
    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        let flag = self.take(name).as_bool();
        if flag.is_none() {
            self.wrong(name);
        }
        flag.unwrap_or_default()
    }

    pub(super) fn value(&mut self, name: &'static str) -> Option<Value> {
        Some(self.take(name)).filter(|value| !value.is_null())
    }

    /// With the member that says what it is.
    pub(super) fn tagged(name: &str, tag: &str) -> Self {
        let mut members = Self::default();
        members.put(name, tag);
        members
    }

    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.insert(name, value.into());
    }

    /// Left out where there is none.
    pub(super) fn put_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(text) = value {
            self.put(name, text);
        }
    }

    /// Left out where it is not so.
    pub(super) fn put_flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.put(name, true);
        }
    }

    pub(super) fn insert(&mut self, name: &str, value: Value) {
        self.members.insert(name.into(), value);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.members)
    }
}

/// A value that is written down as a JSON document.
pub(super) trait JsonForm: Sized {
    fn to_json(&self) -> Value;
    fn from_json(value: Value) -> Result<Self, Unreadable>;
}

/// The text of what is written down.
pub(super) fn print(written: &impl JsonForm) -> String {
    crate::codec::print(&written.to_json())
}

/// Reads a value from its text.
pub(super) fn read<T: JsonForm>(text: &str) -> Result<T, Unreadable> {
    T::from_json(crate::codec::parse_json(text.as_bytes()).ok_or(Unreadable("JSON"))?)
}

impl Command {
    /// As it travels to its object.
    #[must_use]
    pub fn to_text(&self) -> String {
        print(self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// The text is not a command.
    pub fn from_text(text: &str) -> Result<Self, Unreadable> {
        read(text)
    }
}

impl Reply {
    /// As it travels from its object.
    #[must_use]
    pub fn to_text(&self) -> String {
        print(self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// The text is not a reply.
    pub fn from_text(text: &str) -> Result<Self, Unreadable> {
        read(text)
    }
}

impl Entry {
    /// As the journal shows it.
    pub(crate) fn to_value(&self) -> Value {
        self.to_json()
    }
}

/// Commands, replies and entries inside of other types that serde writes.
macro_rules! serde_by_value {
    ($($written:ty),*) => {$(
        impl Serialize for $written {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_json().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $written {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

serde_by_value!(Command, Reply, Entry, EntryStatus, SettlementOutcome, Claim, Allowance, Rate, OpenDelivery);
