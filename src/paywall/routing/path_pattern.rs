use crate::codec::text::ByteSplit;
use crate::paywall::http::path;
use crate::paywall::http::path::CanonicalPath;
use alloc::{string::String, vec::Vec};

/// A path of the configuration: which requests it stands for, in the part of path-to-regexp's syntax that can be
/// decided segment by segment.
///
/// `/a/b` is itself; `:name` is any one segment; `*name`, or `*` alone, is any one segment or more, and there may be
/// one of it, anywhere. A parameter is a whole segment. The rest of that syntax (`{}`, `()`, `[]`, `?`, `+`, `!`, a
/// parameter inside a segment) is refused and not taken for text: whoever writes `/a{/:b}` means `/a` too, and it
/// would be open. A character of these is meant literally where it is percent-encoded.
///
/// A segment is compared without ASCII case, and a trailing slash does not count, because there are origins that do
/// neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
    directory: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// Any one segment.
    One,
    /// One or more.
    Many,
}

impl Pattern {
    /// Reads a path from the configuration. An error is a text that says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.split_before(b"{}()[]+?!").is_some() {
            return Err("has one of {}()[]+?! in its path; percent-encode it if it is meant literally");
        }
        let mut parameters = Vec::new();
        for segment in text.split_byte(b'/') {
            parameters.push(match segment.strip_prefix([':', '*']) {
                None if segment.split_before(b":*").is_some() => {
                    return Err("has a `:` or `*` inside a segment");
                }
                None => None,
                Some("") if segment == ":" => return Err("has a `:` segment without a plain name"),
                Some(name) if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
                    return Err("has a `:` or `*` segment without a plain name");
                }
                Some(_) if segment.starts_with('*') => Some(Segment::Many),
                Some(_) => Some(Segment::One),
            });
        }
        if parameters.iter().filter(|segment| **segment == Some(Segment::Many)).count() > 1 {
            return Err("has more than one `*`");
        }
        let path = CanonicalPath::parse(text).map_err(|_| "must be a plain absolute path")?;
        // A segment is a parameter only if it is written as one. A segment that only decodes to that form (`%3Aname`) is
        // text. The two lists have the same segments only if the parser removed none.
        let raw = text.split_byte(b'/').filter(|segment| !segment.is_empty()).count();
        if raw != path.segments().len() {
            return Err("must be a plain absolute path, without dot segments");
        }
        let parameters =
            parameters.into_iter().zip(text.split_byte(b'/')).filter(|(_, text)| !text.is_empty());
        let segments = path
            .segments()
            .iter()
            .zip(parameters)
            .map(|(text, (parameter, _))| parameter.unwrap_or_else(|| Segment::Literal(text.clone())))
            .collect();
        Ok(Self { segments, directory: path.is_directory() })
    }

    /// True if a request for `path` falls under this pattern.
    pub(crate) fn matches(&self, path: &CanonicalPath) -> bool {
        self.pairs(path).is_some_and(|pairs| pairs.iter().all(|(segment, asked)| segment.accepts(asked)))
    }

    /// True if `path` does not match this pattern, but some server may take it for a path that does.
    pub(crate) fn may_be(&self, path: &CanonicalPath) -> bool {
        if self.matches(path) {
            return false;
        }
        // Servers of files answer `/a/` with `/a/index.html`, and the other way round.
        let above = match path.segments() {
            [above @ .., last] if is_index(last) => Some(CanonicalPath::of(above.to_vec(), true)),
            _ => None,
        };
        let below = match self.segments.as_slice() {
            [above @ .., Segment::Literal(last)] if is_index(last) => {
                Some(Self { segments: above.to_vec(), directory: true })
            }
            _ => None,
        };
        self.looks_like(path)
            || above.is_some_and(|above| self.looks_like(&above))
            || below.is_some_and(|below| below.looks_like(path))
    }

    /// True if each segment of `path`, by itself, matches this pattern's segment or may be taken for it.
    fn looks_like(&self, path: &CanonicalPath) -> bool {
        let Some(pairs) = self.pairs(path) else { return false };
        let last = pairs.len().saturating_sub(1);
        pairs.into_iter().enumerate().all(|(index, (segment, asked))| match segment {
            Segment::One | Segment::Many => true,
            Segment::Literal(literal) => {
                segment.accepts(asked)
                    || path::may_fold_to(asked, literal)
                    // A format suffix: frameworks answer `/ask.json` from the route `/ask`, and servers of files
                    // `/ask` with `/ask.html`.
                    || (index == last && (has_suffix(asked, literal) || has_suffix(literal, asked)))
            }
        })
    }

    /// The path to forward: this pattern's spelling, with the asked segments where it says any.
    pub(crate) fn spelled(&self, path: &CanonicalPath) -> CanonicalPath {
        let segments =
            self.pairs(path).unwrap_or_default().into_iter().map(|(segment, asked)| match segment {
                Segment::Literal(literal) => literal.clone(),
                Segment::One | Segment::Many => asked.into(),
            });
        CanonicalPath::of(segments.collect(), self.directory)
    }

    /// True if a router that chose by the path `raw` chose the same as it would have by `spelled`, which is this pattern's
    /// spelling of the same path. `fixed` means that the price is the same for every value of a parameter. If it is false, both
    /// paths must be spelled alike throughout. If it is true, a parameter may be percent-encoded differently, and the part that
    /// a `*` at the end matches may end in a slash.
    pub(crate) fn routes_as(&self, spelled: &CanonicalPath, raw: &str, fixed: bool) -> bool {
        let Some(pairs) = self.pairs(spelled) else { return false };
        let mut asked: Vec<&str> = raw.split_byte(b'/').skip(1).collect();
        let slash = asked.last() == Some(&"");
        if slash {
            asked.pop();
        }
        let open_end = fixed && self.segments.last() == Some(&Segment::Many);
        asked.len() == pairs.len()
            && (slash == spelled.is_directory() || open_end)
            && pairs.into_iter().zip(asked).all(|((segment, spelled), asked)| {
                let any = fixed && !matches!(segment, Segment::Literal(_));
                (any || !path::encodes_reserved(asked))
                    && path::percent_decode(asked).is_ok_and(|asked| asked == spelled)
            })
    }

    /// The path that a `*` at the end leaves out, where there is one: of `/a/*rest` it is `/a`.
    pub(crate) fn above(&self) -> Option<Self> {
        match self.segments.as_slice() {
            [above @ .., Segment::Many] => Some(Self { segments: above.to_vec(), directory: false }),
            _ => None,
        }
    }

    /// Each segment of `path` with the one that it falls to; nothing where the number does not fit.
    fn pairs<'a>(&'a self, path: &'a CanonicalPath) -> Option<Vec<(&'a Segment, &'a str)>> {
        let many = self.segments.iter().position(|segment| *segment == Segment::Many);
        let spare = path.segments().len().checked_sub(self.segments.len())?;
        if many.is_none() && spare > 0 {
            return None;
        }
        let repeated =
            |(index, segment)| core::iter::repeat_n(segment, 1 + if Some(index) == many { spare } else { 0 });
        let segments = self.segments.iter().enumerate().flat_map(repeated);
        Some(segments.zip(path.segments().iter().map(String::as_str)).collect())
    }

    /// Its segments, if it has no parameter.
    pub(crate) fn literals(&self) -> Option<Vec<&str>> {
        self.segments.iter().map(Segment::literal).collect()
    }

    /// Its first segment, if that is no parameter.
    pub(crate) fn first_literal(&self) -> Option<&str> {
        self.segments.first()?.literal()
    }

    /// True if it names one path and no more.
    pub(crate) fn is_literal(&self) -> bool {
        self.segments.iter().all(|segment| matches!(segment, Segment::Literal(_)))
    }

    /// True if there is a path that both patterns match.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        meet(&self.segments, &other.segments)
    }

    /// True if this pattern matches every path that `other` matches. The result can be false although that is so, if the two
    /// patterns have a `*` at different places.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        cover(&self.segments, &other.segments)
    }
}

impl Segment {
    fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::One | Self::Many => None,
        }
    }

    fn accepts(&self, asked: &str) -> bool {
        match self {
            Self::Literal(literal) => literal.eq_ignore_ascii_case(asked),
            Self::One | Self::Many => true,
        }
    }
}

fn meet(mine: &[Segment], theirs: &[Segment]) -> bool {
    let ([first, mine_rest @ ..], [other, their_rest @ ..]) = (mine, theirs) else {
        return mine.is_empty() && theirs.is_empty();
    };
    let here = match (first, other) {
        (Segment::Literal(literal), other) | (other, Segment::Literal(literal)) => other.accepts(literal),
        _ => true,
    };
    here && (meet(mine_rest, their_rest)
        || (*first == Segment::Many && meet(mine, their_rest))
        || (*other == Segment::Many && meet(mine_rest, theirs)))
}

fn cover(mine: &[Segment], theirs: &[Segment]) -> bool {
    let ([first, mine_rest @ ..], [other, their_rest @ ..]) = (mine, theirs) else {
        return mine.is_empty() && theirs.is_empty();
    };
    let here = match (first, other) {
        (Segment::Many, _) | (Segment::One, Segment::One) => true,
        (first, Segment::Literal(literal)) => first.accepts(literal),
        _ => false,
    };
    here && (cover(mine_rest, their_rest) || (*first == Segment::Many && cover(mine, their_rest)))
}

/// True if a segment is the name that a server gives to a folder's own page.
fn is_index(segment: &str) -> bool {
    let stem = segment.split_byte(b'.').next().unwrap_or_default();
    stem.eq_ignore_ascii_case("index") || stem.eq_ignore_ascii_case("default")
}

/// True if `long` is `short` followed by a dot or a colon: a format, or a stream of a file system.
fn has_suffix(long: &str, short: &str) -> bool {
    long.split_at_checked(short.len())
        .is_some_and(|(stem, rest)| stem.eq_ignore_ascii_case(short) && rest.starts_with(['.', ':']))
}
