//! The search for a text or a byte within a text. That of `core` is a kilobyte and a half of wasm after gzip; what is searched
//! here is short.

use alloc::string::String;

/// The text before the first `mark` and the text after it.
#[inline(never)]
pub(crate) fn split_once<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    (0..text.len()).find_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        Some((before, rest.strip_prefix(mark)?))
    })
}

/// The search for one ASCII byte.
pub(crate) trait ByteSplit {
    /// The texts between bytes of that value, as `split` gives them.
    fn split_byte(&self, mark: u8) -> SplitByte<'_>;

    /// The text before the first byte of that value and the text after it, as `split_once` gives them.
    fn split_once_byte(&self, mark: u8) -> Option<(&str, &str)>;

    /// The text before the last byte of that value and the text after it, as `rsplit_once` gives them.
    fn rsplit_once_byte(&self, mark: u8) -> Option<(&str, &str)>;

    /// The text before the first of those bytes, and the text from it on.
    fn split_before(&self, marks: &[u8]) -> Option<(&str, &str)>;
}

impl ByteSplit for str {
    fn split_byte(&self, mark: u8) -> SplitByte<'_> {
        SplitByte { rest: Some(self), mark }
    }

    #[inline(never)]
    fn split_once_byte(&self, mark: u8) -> Option<(&str, &str)> {
        let (before, rest) = self.split_at_checked(self.bytes().position(|one| one == mark)?)?;
        Some((before, rest.get(1..)?))
    }

    fn rsplit_once_byte(&self, mark: u8) -> Option<(&str, &str)> {
        let (before, rest) = self.split_at_checked(self.bytes().rposition(|one| one == mark)?)?;
        Some((before, rest.get(1..)?))
    }

    #[inline(never)]
    fn split_before(&self, marks: &[u8]) -> Option<(&str, &str)> {
        self.split_at_checked(self.bytes().position(|one| marks.contains(&one))?)
    }
}

/// See [`ByteSplit::split_byte`].
pub(crate) struct SplitByte<'a> {
    rest: Option<&'a str>,
    mark: u8,
}

impl<'a> Iterator for SplitByte<'a> {
    type Item = &'a str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        Some(match rest.split_once_byte(self.mark) {
            None => rest,
            Some((before, after)) => {
                self.rest = Some(after);
                before
            }
        })
    }
}

/// True if an ASCII byte is in the text.
#[inline(never)]
pub(crate) fn has(text: &str, byte: u8) -> bool {
    text.bytes().any(|one| one == byte)
}

/// The whole number that a text says. Numbers of any size are read by this one, which is there once.
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    text.parse::<u64>().ok()?.try_into().ok()
}

/// The text with another in the place of each `mark`.
pub(crate) fn replace(text: &str, mark: &str, other: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((before, after)) = split_once(rest, mark) {
        replaced.push_str(before);
        replaced.push_str(other);
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_core_finds() {
        for text in ["", "a", "://", "https://a/b://c", "é://é", ":/://", "aaa", "{{a}}{{b}}", "a::$b", "::$"]
        {
            for mark in ["://", "a", "aa", "{{", "}}", "::$", "é", "x"] {
                assert_eq!(split_once(text, mark), text.split_once(mark), "{mark} in {text}");
                assert_eq!(has(text, b':'), text.contains(':'), "{text}");
                assert_eq!(text.split_once_byte(b':'), text.split_once(':'), "{text}");
                assert_eq!(text.rsplit_once_byte(b':'), text.rsplit_once(':'), "{text}");
                let before = text.find(['/', 'a']).map(|at| text.split_at(at));
                assert_eq!(text.split_before(b"/a"), before, "{text}");
                assert!(text.split_byte(b'a').eq(text.split('a')), "{text}");
                assert_eq!(replace(text, mark, "<>"), text.replace(mark, "<>"), "{mark} in {text}");
            }
        }
    }
}
