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
                assert_eq!(replace(text, mark, "<>"), text.replace(mark, "<>"), "{mark} in {text}");
            }
        }
    }
}
