use super::error::{Wrong, wrong};
use alloc::{format, string::String};

/// A whole number of a variable.
pub(crate) struct Whole {
    pub(crate) key: &'static str,
    pub(crate) least: u32,
    pub(crate) most: u32,
    /// Where nothing is said.
    pub(crate) usual: u32,
}

impl Whole {
    pub(crate) fn read(&self, text: &impl Fn(&str) -> Option<String>) -> Result<u32, Wrong> {
        let Self { key, least, most, usual } = *self;
        let Some(value) = text(key) else { return Ok(usual) };
        let number = value.trim().parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| wrong(key, format!("must be a whole number from {least} to {most}")))
    }
}

/// One of two words; the first is yes.
pub(crate) struct Switch {
    pub(crate) key: &'static str,
    pub(crate) words: [&'static str; 2],
    /// Where nothing is said.
    pub(crate) usual: bool,
}

impl Switch {
    pub(crate) fn read(&self, text: &impl Fn(&str) -> Option<String>) -> Result<bool, Wrong> {
        let [yes, no] = self.words;
        match text(self.key).as_deref().map(str::trim) {
            None => Ok(self.usual),
            Some(word) if word == yes => Ok(true),
            Some(word) if word == no => Ok(false),
            Some(_) => Err(wrong(self.key, format!("must be \"{yes}\" or \"{no}\""))),
        }
    }
}
