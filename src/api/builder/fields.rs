//! Arguments, each read by its kind, with an error that names it.

use crate::wire::{Credits, ResourceId, WireError, WireErrorKind};
use alloc::string::{String, ToString};
use serde_json::{Map, Value};

/// The most that a double counts one by one: a larger number may have been another before it was given.
const EXACT: u64 = (1 << 53) - 1;

/// The arguments of a call, or what stands inside one of them.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

fn wrong(kind: WireErrorKind, name: &str) -> WireError {
    WireError::new(kind, name.to_string())
}

impl<'a> Fields<'a> {
    /// An optional member. A null counts as absent.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A required member.
    pub(super) fn need(self, name: &str) -> Result<&'a Value, WireError> {
        self.get(name).ok_or_else(|| wrong(WireErrorKind::Missing, name))
    }

    /// A text; an empty one is nothing.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, WireError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(wrong(WireErrorKind::WrongType, name)),
        }
    }

    /// An object that has to be there.
    pub(super) fn object(self, name: &str) -> Result<&'a Map<String, Value>, WireError> {
        self.need(name)?.as_object().ok_or_else(|| wrong(WireErrorKind::WrongType, name))
    }

    /// An id that has to be there.
    pub(super) fn id(self, name: &str) -> Result<String, WireError> {
        id(self.need(name)?, name)
    }

    /// Whole credits or money that have to be there.
    pub(super) fn amount(self, name: &str) -> Result<Credits, WireError> {
        amount(self.need(name)?, name)
    }
}

/// An argument as it goes out, by the name of its kind in the table.
pub(super) fn read(kind: &str, value: &Value, name: &str) -> Result<Value, WireError> {
    let type_error = || wrong(WireErrorKind::WrongType, name);
    match kind {
        "id" => id(value, name).map(Value::String),
        "ids" => {
            let list = value.as_array().ok_or_else(type_error)?;
            list.iter()
                .map(|one| id(one, name).map(Value::String))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        "uint" => amount(value, name).map(|amount| Value::String(amount.digits())),
        // A number where one holds it, as both official clients send it.
        "count" => amount(value, name).map(|amount| match exact(amount) {
            Some(number) => number.into(),
            None => Value::String(amount.digits()),
        }),
        "int" => {
            let number = exact(amount(value, name)?);
            number.map(Value::from).ok_or_else(|| wrong(WireErrorKind::BadValue, name))
        }
        "number" if value.is_number() => Ok(value.clone()),
        "text" if value.is_string() => Ok(value.clone()),
        "flag" if value.is_boolean() => Ok(value.clone()),
        "object" if value.is_object() => Ok(value.clone()),
        "list" if value.is_array() => Ok(value.clone()),
        "address" => match value.as_str() {
            Some(text) if super::super::plans::GetPlanBalance::is_address(text) => Ok(value.clone()),
            Some(_) => Err(wrong(WireErrorKind::BadValue, name)),
            None => Err(type_error()),
        },
        _ => Err(type_error()),
    }
}

/// An id: a text that is one segment of a path, or a whole number.
fn id(value: &Value, name: &str) -> Result<String, WireError> {
    match value {
        Value::String(text) => {
            let parsed = ResourceId::parse(text, "id");
            parsed.map(|id| id.as_str().into()).map_err(|error| wrong(error.kind, name))
        }
        Value::Number(_) => amount(value, name).map(Credits::digits),
        _ => Err(wrong(WireErrorKind::WrongType, name)),
    }
}

/// A uint256: decimal digits, or a number that is whole and exact.
fn amount(value: &Value, name: &str) -> Result<Credits, WireError> {
    let amount = Credits::from_json(value, "amount").map_err(|error| wrong(error.kind, name))?;
    match value {
        Value::Number(_) if exact(amount).is_none() => Err(wrong(WireErrorKind::BadValue, name)),
        _ => Ok(amount),
    }
}

/// The number that a double holds exactly, if it is one.
fn exact(amount: Credits) -> Option<u64> {
    if amount > Credits::from(EXACT) {
        return None;
    }
    amount.digits().parse().ok()
}
