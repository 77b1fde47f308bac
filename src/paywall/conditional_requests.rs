//! Ranges and conditions (`Range`, `If-None-Match`, `ETag` and others) of objects in a bucket and of files.

use super::action::Forward;
use super::event::OriginResponse;
use super::http::headers::HeaderList;
use super::http::method::Method;
use crate::codec::calendar::days_since_1970;
use crate::codec::text::{ByteSplit, number};
use crate::wire::digits;

/// Facts about a stored object, or an asset of the Worker, before its body is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectHead {
    /// Its length in bytes, where it is known. A part is given only of what has a known length.
    pub size: Option<u64>,
    /// Its headers: `etag`, `last-modified`, `content-type` and what else was stored with it.
    pub headers: HeaderList,
}

/// How to answer with an object: a head, and how much of its body.
#[derive(Debug, Clone)]
pub struct ObjectAnswer {
    /// Status and headers, as an origin's.
    pub head: OriginResponse,
    /// The part of the body to send.
    pub body: ObjectBody,
}

/// How much of an object's body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectBody {
    /// Nothing: `HEAD`, or not a success.
    Nothing,
    /// All of it.
    Whole,
    /// So many bytes from an offset.
    Part {
        /// The first byte, from 0.
        offset: u64,
        /// How many, at least 1.
        length: u64,
    },
}

impl Forward {
    /// True if the client may be asking for a part, so that the size must be known.
    #[must_use]
    pub fn asks_for_a_part(&self) -> bool {
        self.method == Method::Get && self.headers.get("range").is_some()
    }

    /// Decides the response for an object, or for none: conditions, then the range (RFC 9110, sections 13.2.2 and
    /// 14.2).
    ///
    /// Several ranges at once are answered with the whole, as the RFC allows. A 206 is a success and costs what the
    /// route costs; a 304, a 412 and a 416 deliver nothing, and nothing is settled for them (rule 19).
    #[must_use]
    pub fn for_object(&self, object: Option<&ObjectHead>) -> ObjectAnswer {
        if !matches!(self.method, Method::Get | Method::Head) {
            return failure(405, &[("allow", "GET, HEAD")]);
        }
        let Some(object) = object else { return failure(404, &[]) };
        let (etag, modified) = (object.headers.get("etag"), object.headers.get("last-modified"));
        match self.precondition(etag, modified) {
            Some(304) => {
                let mut answer = failure(304, &[]);
                answer.head.headers = object.headers.clone();
                answer.head.headers.retain(|name| {
                    matches!(
                        name,
                        "etag" | "last-modified" | "cache-control" | "expires" | "content-location" | "vary"
                    )
                });
                return answer;
            }
            Some(status) => return failure(status, &[]),
            None => {}
        }
        let mut headers = object.headers.clone();
        headers.set("accept-ranges", "bytes");
        let wanted =
            self.headers.get("range").filter(|_| self.asks_for_a_part() && self.is_current(etag, modified));
        let part = wanted.and_then(|range| Some((range, object.size?)));
        let (status, body) = match part.map_or(Range::All, |(range, size)| Range::parse(range, size)) {
            Range::All => (200, ObjectBody::Whole),
            Range::Part { offset, length } => {
                let (last, size) = (offset + length - 1, object.size.unwrap_or_default());
                headers.set(
                    "content-range",
                    ["bytes ", &digits(offset), "-", &digits(last), "/", &digits(size)].concat(),
                );
                headers.set("content-length", digits(length));
                (206, ObjectBody::Part { offset, length })
            }
            Range::Outside => {
                let size = object.size.unwrap_or_default();
                return failure(416, &[("content-range", &["bytes */", &digits(size)].concat())]);
            }
        };
        if let (200, Some(size)) = (status, object.size) {
            headers.set("content-length", digits(size));
        }
        let body = if self.method == Method::Head { ObjectBody::Nothing } else { body };
        ObjectAnswer { head: OriginResponse { status, headers }, body }
    }

    /// The status that the conditions require instead of the object, if any: 304 or 412.
    fn precondition(&self, etag: Option<&str>, modified: Option<&str>) -> Option<u16> {
        let modified = modified.and_then(date);
        let dated = |name: &str| self.headers.get(name).and_then(date);
        if self.headers.get("if-match").is_some() {
            if !self.names("if-match", etag, strong) {
                return Some(412);
            }
        } else if let (Some(limit), Some(modified)) = (dated("if-unmodified-since"), modified)
            && modified > limit
        {
            return Some(412);
        }
        if self.headers.get("if-none-match").is_some() {
            return self.names("if-none-match", etag, weak).then_some(304);
        }
        let (limit, modified) = (dated("if-modified-since")?, modified?);
        (modified <= limit).then_some(304)
    }

    /// True if a condition of entity tags names the object's tag, or any.
    fn names(&self, name: &str, etag: Option<&str>, same: fn(&str, &str) -> bool) -> bool {
        self.headers.members(name).any(|listed| listed == "*" || etag.is_some_and(|etag| same(listed, etag)))
    }

    /// True if `if-range` allows a part of the current object.
    fn is_current(&self, etag: Option<&str>, modified: Option<&str>) -> bool {
        match self.headers.get("if-range").map(str::trim) {
            None => true,
            Some(tag) if tag.starts_with(['"', 'W']) => etag.is_some_and(|etag| strong(tag, etag)),
            Some(text) => {
                modified.is_some_and(|modified| date(text).is_some() && date(text) == date(modified))
            }
        }
    }
}

fn failure(status: u16, headers: &[(&str, &str)]) -> ObjectAnswer {
    let headers = headers.iter().map(|(name, value)| (*name, *value)).collect();
    ObjectAnswer { head: OriginResponse { status, headers }, body: ObjectBody::Nothing }
}

fn strong(one: &str, other: &str) -> bool {
    one == other && one.starts_with('"')
}

fn weak(one: &str, other: &str) -> bool {
    let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).starts_with('"');
    bare(one) && one.strip_prefix("W/").unwrap_or(one) == other.strip_prefix("W/").unwrap_or(other)
}

/// The meaning of a `range` header for a body of a known size.
enum Range {
    /// It is none that we read, or several: all of it.
    All,
    Part {
        offset: u64,
        length: u64,
    },
    /// There is nothing there: 416.
    Outside,
}

impl Range {
    fn parse(text: &str, size: u64) -> Self {
        let text = text.trim();
        let Some((unit, set)) = text.split_once_byte(b'=') else { return Self::All };
        let Some((first, last)) = set.trim().split_once_byte(b'-') else { return Self::All };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::All;
        }
        // A number that does not fit is beyond the end of anything.
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        let (first, last) = (first.trim(), last.trim());
        let (offset, end) = match (number(first), number(last)) {
            // The last so many.
            (None, Some(count)) if first.is_empty() => {
                if count == 0 {
                    return Self::Outside;
                }
                (size.saturating_sub(count), size)
            }
            (Some(offset), None) if last.is_empty() => (offset, size),
            (Some(offset), Some(last)) if offset <= last => (offset, last.saturating_add(1).min(size)),
            _ => return Self::All,
        };
        match end.checked_sub(offset) {
            Some(length) if length > 0 => Self::Part { offset, length },
            _ => Self::Outside,
        }
    }
}

/// The seconds since 1970 of an HTTP date in the one form that is written today: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.trim().split_byte(b' ');
    words.next().filter(|day| day.len() == 4 && day.ends_with(','))?;
    let day: i64 = number(words.next()?).filter(|day| (1..=31).contains(day))?;
    let name = words.next()?;
    let month = i64::try_from(MONTHS.iter().position(|month| *month == name)?).ok()? + 1;
    let year: i64 = number(words.next()?).filter(|year| (1..=9999).contains(year))?;
    let mut clock =
        words.next()?.split_byte(b':').map(|part| number::<i64>(part).filter(|part| (0..=60).contains(part)));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() || words.next() != Some("GMT") || words.next().is_some() {
        return None;
    }
    Some(((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 23:59:59 GMT", Some(951_868_799)),
            ("Wed, 01 Mar 2000 00:00:00 GMT", Some(951_868_800)),
            ("Fri, 20 Nov 2026 12:00:00 GMT", Some(1_795_176_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun Nov  6 08:49:37 1994", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Nov 1994 25:99:37 GMT", None),
            ("", None),
        ] {
            assert_eq!(date(text), seconds, "{text}");
        }
    }
}
