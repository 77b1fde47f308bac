use super::host::Host;
use crate::codec::hex::hex;
use crate::codec::text::{ByteSplit, has, split_once};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The largest size of a URL's path as received, in bytes.
pub(crate) const MAX_PATH_BYTES: usize = 4 * 1024;
/// The largest size of a query as received, in bytes. The platform accepts URLs of 16 KiB.
pub(crate) const MAX_QUERY_BYTES: usize = 12 * 1024;

/// Where a request points, taken apart: `https://host`, one canonical path, and the query as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Scheme and host, as they came: `https://api.example`. For what is advertised, never for a decision.
    pub(crate) origin: String,
    /// The host that routes are matched with.
    pub(crate) host: Host,
    /// The path, in the one spelling that is matched and forwarded (rule 16).
    pub(crate) path: CanonicalPath,
    /// The query without its `?`, as it came.
    pub(crate) query: Option<String>,
}

/// A path in the only spelling the gate knows: percent-decoded once, dot segments resolved, slashes single.
///
/// It is what routes are matched with and what the origin is sent, so there is no second opinion on what was asked
/// (rule 16). A path that two servers might read differently is not made canonical but refused: an encoded
/// separator, a matrix parameter (`;x`), anything encoded twice, look-alikes of separators, a segment that ends in a
/// dot or a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CanonicalPath {
    segments: Vec<String>,
    directory: bool,
}

/// Why a URL was refused: answered with 400 and [`code`](Self::code), before anything else is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathError {
    /// No absolute URL, or one with a fragment or with credentials in it.
    NotAUrl,
    /// More than we read.
    TooLong,
    /// A `%` that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    BadEncoding,
    /// A `%` is left after decoding: the path was encoded twice, or pretends to be.
    EncodedTwice,
    /// A separator that came encoded, or a character that some server folds into one: `%2f`, `%5c`, `%3f`, U+FF0F.
    EncodedSeparator,
    /// A backslash, which some servers read as a slash.
    Backslash,
    /// A matrix parameter: some servers cut a segment at `;`.
    Parameter,
    /// A control character.
    Control,
    /// A segment that begins or ends with something blank, or ends in a dot or a stream's name: some servers and file
    /// systems drop those.
    Ending,
    /// Dot segments that lead above the root.
    AboveRoot,
}

impl PathError {
    /// The stable code of this error, as the 400 says it.
    #[must_use]
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotAUrl => "path_not_a_url",
            Self::TooLong => "path_too_long",
            Self::BadEncoding => "path_bad_encoding",
            Self::EncodedTwice => "path_encoded_twice",
            Self::EncodedSeparator => "path_encoded_separator",
            Self::Backslash => "path_backslash",
            Self::Parameter => "path_parameter",
            Self::Control => "path_control",
            Self::Ending => "path_ending",
            Self::AboveRoot => "path_above_root",
        }
    }
}

impl Target {
    /// Takes an absolute URL apart, as a runtime hands it over, normalised or not.
    ///
    /// # Errors
    /// A [`PathError`] that says which doubt it was refused for.
    pub(crate) fn parse(url: &str) -> Result<Self, PathError> {
        let (scheme, rest) = split_once(url, "://").ok_or(PathError::NotAUrl)?;
        if !matches!(scheme, "http" | "https") || has(rest, b'#') {
            return Err(PathError::NotAUrl);
        }
        let (host, rest) = rest.split_before(b"/?\\").unwrap_or((rest, ""));
        let canonical = Host::parse(scheme, host).ok_or(PathError::NotAUrl)?;
        let (path, query) = match rest.split_once_byte(b'?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        if query.is_some_and(|query| query.len() > MAX_QUERY_BYTES) {
            return Err(PathError::TooLong);
        }
        if query.is_some_and(|query| query.chars().any(char::is_control)) {
            return Err(PathError::Control);
        }
        Ok(Self {
            origin: [scheme, "://", host].concat(),
            host: canonical,
            path: CanonicalPath::parse(if path.is_empty() { "/" } else { path })?,
            query: query.map(ToString::to_string),
        })
    }

    /// True if some framework may read another method from the query: `_method`, and the forms that PHP (`.method`) and
    /// others (`[_method]`, a `;` for a `&`) read as that. A plain `method` is an ordinary parameter.
    pub(crate) fn names_method(&self) -> bool {
        let query = self.query.as_deref().unwrap_or_default();
        query.split_byte(b'&').flat_map(|pairs| pairs.split_byte(b';')).any(|pair| {
            let key = pair.split_once_byte(b'=').map_or(pair, |(key, _)| key);
            percent_decode(key).is_ok_and(|key| {
                let plain = key.chars().filter(char::is_ascii_alphanumeric);
                !key.eq_ignore_ascii_case("method")
                    && plain.collect::<String>().eq_ignore_ascii_case("method")
            })
        })
    }
}

/// The path of an absolute URL, as it came.
pub(crate) fn of_url(url: &str) -> &str {
    let rest = split_once(url, "://").map_or("", |(_, rest)| rest);
    let path = rest.split_before(b"/").map_or("/", |(_, path)| path);
    path.split_byte(b'?').next().unwrap_or_default()
}

/// True if a segment, as received, has a percent-encoded reserved character that a canonical path writes unencoded. A
/// router decodes `%61`, and leaves `%40` as it is.
pub(crate) fn encodes_reserved(segment: &str) -> bool {
    let reserved = |code: &str| {
        let byte = code.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        byte.is_some_and(|byte| b":@&=+$,".contains(&byte))
    };
    segment.split_byte(b'%').skip(1).any(reserved)
}

impl CanonicalPath {
    /// Reads a raw path, which starts with `/`.
    ///
    /// # Errors
    /// A [`PathError`] that says which doubt it was refused for.
    pub(crate) fn parse(raw: &str) -> Result<Self, PathError> {
        Self::read(raw, true)
    }

    /// A raw path as a router reads it that resolves nothing: dot segments and empty ones are segments like others. The slash at
    /// its end says nothing.
    pub(crate) fn unresolved(raw: &str) -> Self {
        Self::read(raw.strip_suffix('/').unwrap_or(raw), false).unwrap_or_else(|_| Self::of(Vec::new(), true))
    }

    fn read(raw: &str, resolves: bool) -> Result<Self, PathError> {
        if raw.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong);
        }
        if has(raw, b'\\') {
            return Err(PathError::Backslash);
        }
        let raw = raw.strip_prefix('/').ok_or(PathError::NotAUrl)?;
        let mut segments: Vec<String> = Vec::new();
        let mut directory = true;
        for segment in raw.split_byte(b'/') {
            let segment = percent_decode(segment)?;
            directory = matches!(segment.as_str(), "" | "." | "..");
            if !directory {
                check_segment(&segment)?;
            } else if resolves {
                if segment == ".." {
                    segments.pop().ok_or(PathError::AboveRoot)?;
                }
                continue;
            }
            segments.push(segment);
        }
        Ok(Self { segments, directory })
    }

    /// A path of segments that were read already.
    pub(crate) fn of(segments: Vec<String>, directory: bool) -> Self {
        Self { segments, directory }
    }

    /// The decoded segments: `/a%20b/c` has two.
    pub(crate) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// True if the path ends in a slash. Routes ignore it.
    pub(crate) fn is_directory(&self) -> bool {
        self.directory
    }

    /// The path as it is forwarded: what RFC 3986 allows in a segment as it is, the rest percent-encoded.
    pub(crate) fn print(&self) -> String {
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            write_segment(&mut path, segment);
        }
        if self.directory {
            path.push('/');
        }
        path
    }
}

/// Writes one decoded segment percent-encoded.
fn write_segment(path: &mut String, segment: &str) {
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
}

/// Decodes `%XX` once. A `+` stays a plus: that is a habit of forms, not of paths.
pub(crate) fn percent_decode(text: &str) -> Result<String, PathError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
                return Err(PathError::BadEncoding);
            };
            decoded.push(u8::try_from(high * 16 + low).map_err(|_| PathError::BadEncoding)?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).map_err(|_| PathError::BadEncoding)
}

fn check_segment(segment: &str) -> Result<(), PathError> {
    for character in segment.chars() {
        match character {
            '%' => return Err(PathError::EncodedTwice),
            '\\' => return Err(PathError::Backslash),
            ';' => return Err(PathError::Parameter),
            '/' | '?' | '#' => return Err(PathError::EncodedSeparator),
            '\u{fffd}' => return Err(PathError::BadEncoding),
            character if character.is_control() => return Err(PathError::Control),
            character if folds_to_separator(character) => return Err(PathError::EncodedSeparator),
            _ => {}
        }
    }
    let dropped = |character: char| character == '.' || is_blank(character);
    if segment.ends_with(dropped) || segment.starts_with(is_blank) || split_once(segment, "::$").is_some() {
        return Err(PathError::Ending);
    }
    Ok(())
}

/// Characters that some server's normalisation (NFKC, best fit to a code page) turns into `/ \ . % ; ? #` or into
/// something with one of them in it, as the account-of sign does.
fn folds_to_separator(character: char) -> bool {
    matches!(
        u32::from(character),
        0x37e | 0x2024..=0x2026 | 0x2044 | 0x2047..=0x2049 | 0x2100 | 0x2101 | 0x2105 | 0x2106 | 0x2215 | 0x2216
            | 0x29f5 | 0x29f8 | 0x29f9 | 0xfe52 | 0xfe54 | 0xfe56 | 0xfe5f | 0xfe68 | 0xfe6a
            | 0xff03 | 0xff05 | 0xff0e | 0xff0f | 0xff1b | 0xff1f | 0xff3c | 0xff61 | 0x3002
    )
}

/// White space of any script, and invisible characters.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(u32::from(character), 0xad | 0x180e | 0x200b..=0x200f | 0x2060..=0x2064 | 0xfe00..=0xfe0f | 0xfeff)
}

/// True if some server may take `segment` for `literal`, because it folds accents, widths, ligatures or case beyond
/// ASCII, or drops invisible characters. Called only where a mismatch would let a request pass unpaid.
pub(crate) fn may_fold_to(segment: &str, literal: &str) -> bool {
    if !literal.is_ascii() {
        return !segment.is_ascii();
    }
    if !segment.chars().any(folds_to_ascii) {
        return false;
    }
    let mut rest = literal.chars().map(|character| character.to_ascii_lowercase());
    segment
        .chars()
        .filter(char::is_ascii)
        .all(|character| rest.any(|expected| expected == character.to_ascii_lowercase()))
}

/// The scripts that no router transliterates are let through: a page in Greek or Chinese is in no doubt. Latin with
/// marks, letter-like signs, widths, invisible characters and everything not named here are.
fn folds_to_ascii(character: char) -> bool {
    let code = u32::from(character);
    let invisible = matches!(code, 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x3000..=0x3004 | 0x3164);
    let plain = matches!(
        code,
        0x388..=0x1cff | 0x2e80..=0x31ff | 0x3400..=0xa63f | 0xac00..=0xd7af | 0x1f300..=0x1faff | 0x20000..=0x3ffff
    );
    !character.is_ascii() && (invisible || !plain)
}
