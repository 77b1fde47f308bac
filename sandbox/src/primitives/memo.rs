//! A cache of values that depend on a text only, so entries never become stale.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// Maximum number of entries per type.
const MAX: usize = 256;

/// The values of one type by their text.
type Values = HashMap<String, Rc<dyn Any>>;

/// Values by type and text. The text may be a secret, so `Debug` shows neither text nor value.
#[derive(Default)]
pub(crate) struct Memo(RefCell<HashMap<TypeId, Values>>);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memo of {} types", self.0.borrow().len())
    }
}

impl Memo {
    pub(crate) fn get<T: 'static>(&self, text: &str) -> Option<Rc<T>> {
        self.0.borrow().get(&TypeId::of::<T>())?.get(text)?.clone().downcast().ok()
    }

    pub(crate) fn insert<T: 'static>(&self, text: &str, value: &Rc<T>) {
        let mut types = self.0.borrow_mut();
        let values = types.entry(TypeId::of::<T>()).or_default();
        if values.len() >= MAX {
            values.clear();
        }
        values.insert(text.to_owned(), Rc::clone(value) as Rc<dyn Any>);
    }

    /// Returns the value of a text, or creates it.
    pub(crate) fn get_or_insert<T: 'static, E>(
        &self,
        text: &str,
        make: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Rc<T>, E> {
        if let Some(value) = self.get(text) {
            return Ok(value);
        }
        let value = Rc::new(make(text)?);
        self.insert(text, &value);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_created_once_per_type_and_text() {
        let memo = Memo::default();
        let get = |text: &str, value: u8| *memo.get_or_insert::<u8, ()>(text, |_| Ok(value)).unwrap();
        assert_eq!((get("a", 1), get("a", 2), get("b", 3)), (1, 1, 3));
        assert_eq!(*memo.get_or_insert::<u16, ()>("a", |_| Ok(7)).unwrap(), 7);
        assert_eq!(memo.get_or_insert::<u8, _>("c", |_| Err("no")), Err("no"));
        assert_eq!(memo.get::<u8>("c"), None);
    }

    #[test]
    fn a_full_cache_is_emptied() {
        let memo = Memo::default();
        (0..=MAX).for_each(|index| memo.insert(&index.to_string(), &Rc::new(index)));
        assert_eq!(memo.get::<usize>("0"), None);
        assert_eq!(memo.get(&MAX.to_string()), Some(Rc::new(MAX)));
    }
}
