//! Splits `WWW-Authenticate` and `Authorization` values into schemes, tokens and parameters (RFC 9110, section 11).

use alloc::{string::String, vec::Vec};

/// One scheme of a header, with its token or its parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AuthItem<'a> {
    pub(super) scheme: &'a str,
    /// The token of a scheme that has no parameters: `Bearer abc`.
    pub(super) token: Option<&'a str>,
    /// Names in lower case, values without quotes and escapes.
    parameters: Vec<(String, String)>,
    /// A name that occurs twice.
    pub(super) repeated: Option<String>,
    /// True if something in it is neither a token nor a parameter, or if a quote does not end.
    pub(super) is_broken: bool,
}

impl AuthItem<'_> {
    /// The value of a parameter that is there and not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn push(&mut self, name: &str, value: String) {
        let name = name.to_ascii_lowercase();
        if self.parameters.iter().any(|(other, _)| *other == name) {
            self.repeated = Some(name.clone());
        }
        self.parameters.push((name, value));
    }
}

/// The schemes of a header, in their order. A header may name several, and a comma may stand between schemes or parameters.
pub(super) fn items(value: &str) -> Vec<AuthItem<'_>> {
    let mut items: Vec<AuthItem<'_>> = Vec::new();
    let mut cursor = Cursor { rest: value };
    loop {
        cursor.take(|c| c == ',' || is_space(c));
        if cursor.rest.is_empty() {
            return items;
        }
        let token = cursor.take(is_token);
        if token.is_empty() {
            cursor.skip_to_comma();
            if let Some(item) = items.last_mut() {
                item.is_broken = true;
            }
            continue;
        }
        let space = cursor.take(is_space);
        match (cursor.rest.strip_prefix('='), items.last_mut()) {
            (Some(rest), Some(item)) => {
                cursor.rest = rest;
                cursor.take(is_space);
                let value = cursor.value();
                let ends = cursor.rest.is_empty() || cursor.rest.starts_with(|c| c == ',' || is_space(c));
                match value.filter(|_| ends) {
                    Some(value) => item.push(token, value),
                    None => item.is_broken = true,
                }
            }
            _ => {
                let token68 = if space.is_empty() { None } else { cursor.token68() };
                items.push(AuthItem { scheme: token, token: token68, ..AuthItem::default() });
            }
        }
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (head, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        head
    }

    /// A token that ends at a comma or at the end; otherwise nothing is taken.
    fn token68(&mut self) -> Option<&'a str> {
        let before = self.rest;
        let letters = self.take(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        let padding = self.take(|c| c == '=');
        let length = letters.len() + padding.len();
        self.take(is_space);
        if letters.is_empty() || !(self.rest.is_empty() || self.rest.starts_with(',')) {
            self.rest = before;
            return None;
        }
        before.get(..length)
    }

    /// A quoted or a bare value; `None` for a quote that does not end, in which all that follows stands.
    fn value(&mut self) -> Option<String> {
        match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()
            }
            None => Some(self.take(|c| c != ',' && c != '"').trim().into()),
        }
    }

    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut letters = core::mem::take(&mut self.rest).chars();
        loop {
            match letters.next()? {
                '"' => break,
                '\\' => text.push(letters.next()?),
                letter => text.push(letter),
            }
        }
        self.rest = letters.as_str();
        Some(text)
    }

    /// Skips what is no token up to the next comma outside quotes.
    fn skip_to_comma(&mut self) {
        loop {
            self.take(|c| c != ',' && c != '"');
            let Some(rest) = self.rest.strip_prefix('"') else { return };
            self.rest = rest;
            self.quoted();
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// A value as a quoted string; control characters are left out.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

    #[test]
    fn several_schemes_stand_in_one_header() {
        let cases: [(&str, &[Read<'_>]); 9] = [
            ("", &[]),
            ("Bearer abc==", &[("Bearer", Some("abc=="), &[])]),
            ("Negotiate", &[("Negotiate", None, &[])]),
            (
                r#"Bearer realm="x", Payment id="i",realm = "r""#,
                &[("Bearer", None, &[("realm", "x")]), ("Payment", None, &[("id", "i"), ("realm", "r")])],
            ),
            (
                r#"Basic realm="Payment id=\"x\", y", Payment id="i""#,
                &[("Basic", None, &[("realm", r#"Payment id="x", y"#)]), ("Payment", None, &[("id", "i")])],
            ),
            (
                "Bearer abc, Digest a=b, c=\"d\"",
                &[("Bearer", Some("abc"), &[]), ("Digest", None, &[("a", "b"), ("c", "d")])],
            ),
            (
                "Payment digest=sha-256=abc=, x=\"\"",
                &[("Payment", None, &[("digest", "sha-256=abc="), ("x", "")])],
            ),
            ("  , Payment ID=\"i\" ,", &[("Payment", None, &[("id", "i")])]),
            ("Payment e30, Bearer x", &[("Payment", Some("e30"), &[]), ("Bearer", Some("x"), &[])]),
        ];
        for (header, expected) in cases {
            let found = items(header);
            let found: Vec<Read<'_>> = found
                .iter()
                .map(|item| {
                    let parameters: Vec<(&str, &str)> =
                        item.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    assert!(!item.is_broken && item.repeated.is_none(), "{header}");
                    (item.scheme, item.token, &*alloc::vec::Vec::leak(parameters))
                })
                .collect();
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn broken_and_repeated_parameters_are_marked() {
        for (header, broken, repeated) in [
            (r#"Payment id="no end"#, true, None),
            (r#"Payment id="ends in \"#, true, None),
            (r#"Digest x="no end, Payment e30"#, true, None),
            (r#"Payment id="i"; realm="r""#, true, None),
            (r#"Payment id="i", ID="i""#, false, Some("id")),
            (r#"Payment id="i", Bearer id="i""#, false, None),
        ] {
            let found = items(header);
            let item = found.first().unwrap();
            assert_eq!((item.is_broken, item.repeated.as_deref()), (broken, repeated), "{header}");
            assert!(
                !broken || found.len() == 1,
                "{header}: a scheme within a quote that does not end is none"
            );
        }
    }

    #[test]
    fn a_long_header_is_read_in_one_pass() {
        for header in
            ["\"".repeat(100_000), "Payment ".repeat(20_000), ",=".repeat(50_000), "a=b,".repeat(20_000)]
        {
            assert!(items(&header).iter().all(|item| item.parameter("id").is_none()));
        }
    }

    #[test]
    fn a_quoted_value_is_read_as_it_was_written() {
        for text in ["plain", r#"5" and \ more, please"#, "", "ü"] {
            let header = [r"Payment x=", &quoted(text)].concat();
            let found = items(&header);
            assert_eq!(found.first().unwrap().parameter("x").unwrap_or_default(), text);
        }
        assert_eq!(quoted("a\r\nb"), "\"ab\"");
    }
}
