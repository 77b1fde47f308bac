use super::method::Method;
use super::path::{self, CanonicalPath, Target};
use super::price::Terms;
use alloc::{rc::Rc, string::String, vec::Vec};

/// The list of what is paid for and what is open, and the one place that says which of them a request falls under
/// (rules 16 and 26).
///
/// A segment is compared without ASCII case, and a trailing slash does not count, because there are origins that do
/// neither; what is forwarded then is the route's own spelling, so that the origin sees what was matched.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    entries: Vec<Entry>,
    unlisted: Unlisted,
}

/// What happens to a request that no route lists (rule 26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    /// It is refused with 404. The default.
    #[default]
    Deny,
    /// It is forwarded untouched, unpaid.
    Pass,
}

/// One line of the list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) method: Method,
    pub(crate) pattern: Pattern,
    /// What it costs; nothing for an open route.
    pub(crate) terms: Option<Rc<Terms>>,
}

/// A path with `:name` segments, each of which stands for any one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    segments: Vec<Segment>,
    directory: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Any,
}

/// Which line of the list a request falls under.
#[derive(Debug)]
pub(crate) enum Listing {
    /// A paid route, and the path to forward.
    Paid(Rc<Terms>, String),
    /// An open route, and the path to forward.
    Open(String),
    /// No line, and the setting says it passes; the path to forward.
    Passed(String),
    /// No line, and the setting says it is denied: 404.
    Denied,
    /// The path is listed, with these methods only: 405. A path that is paid for with one method is not passed with
    /// another.
    WrongMethod(Vec<Method>),
    /// It might be an alias of a paid route in some server's eyes: 400.
    InDoubt,
}

impl Pattern {
    /// Reads a path from the configuration; what is wrong with it, in words, otherwise.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let path = CanonicalPath::parse(text).map_err(|_| "must be a plain absolute path")?;
        let mut segments = Vec::new();
        for segment in path.segments() {
            segments.push(match segment.strip_prefix(':') {
                Some(name)
                    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
                {
                    Segment::Any
                }
                Some(_) => return Err("has a `:` segment without a plain name"),
                None if segment.contains('*') => return Err("has a `*`, which is not supported"),
                None => Segment::Literal(segment.clone()),
            });
        }
        Ok(Self { segments, directory: path.is_directory() })
    }

    fn matches(&self, path: &CanonicalPath) -> bool {
        self.segments.len() == path.segments().len()
            && self.pairs(path).all(|(segment, asked)| segment.accepts(asked))
    }

    /// Whether some server may take `path`, which does not match, for this pattern.
    fn may_be(&self, path: &CanonicalPath) -> bool {
        let last = self.segments.len().saturating_sub(1);
        self.segments.len() == path.segments().len()
            && !self.matches(path)
            && self.pairs(path).enumerate().all(|(index, (segment, asked))| match segment {
                Segment::Any => true,
                Segment::Literal(literal) => {
                    segment.accepts(asked)
                        || path::may_fold_to(asked, literal)
                        // A format suffix: frameworks answer `/ask.json` from the route `/ask`.
                        || (index == last && has_suffix(asked, literal))
                }
            })
    }

    /// The path to forward: this pattern's spelling, with the asked segments where it says any.
    fn spelled(&self, path: &CanonicalPath) -> String {
        let mut spelled = String::new();
        for (segment, asked) in self.pairs(path) {
            let text = if let Segment::Literal(literal) = segment { literal } else { asked };
            spelled.push('/');
            // Writing to a string does not fail.
            let _ = path::write_segment(&mut spelled, text);
        }
        if self.directory {
            spelled.push('/');
        }
        spelled
    }

    fn pairs<'a>(&'a self, path: &'a CanonicalPath) -> impl Iterator<Item = (&'a Segment, &'a str)> {
        self.segments.iter().zip(path.segments().iter().map(String::as_str))
    }

    /// Whether this pattern says more than `other` about a path that both match: the first segment in which they
    /// differ is a literal here.
    fn is_narrower(&self, other: &Self) -> bool {
        self.segments
            .iter()
            .zip(&other.segments)
            .find_map(|(mine, theirs)| match (mine, theirs) {
                (Segment::Literal(_), Segment::Any) => Some(true),
                (Segment::Any, Segment::Literal(_)) => Some(false),
                _ => None,
            })
            .unwrap_or(false)
    }

    fn is_literal(&self) -> bool {
        !self.segments.contains(&Segment::Any)
    }

    /// Whether both match the same paths.
    fn is_same(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(mine, theirs)| match (mine, theirs) {
                (Segment::Any, Segment::Any) => true,
                (Segment::Literal(mine), Segment::Literal(theirs)) => mine.eq_ignore_ascii_case(theirs),
                _ => false,
            })
    }
}

impl Segment {
    fn accepts(&self, asked: &str) -> bool {
        match self {
            Self::Literal(literal) => literal.eq_ignore_ascii_case(asked),
            Self::Any => true,
        }
    }
}

impl Routes {
    pub(crate) fn new(unlisted: Unlisted) -> Self {
        Self { entries: Vec::new(), unlisted }
    }

    /// Adds a line; `false` where one with the same method and paths is there already.
    pub(crate) fn add(&mut self, entry: Entry) -> bool {
        let known = |other: &Entry| other.method == entry.method && other.pattern.is_same(&entry.pattern);
        if self.entries.iter().any(known) {
            return false;
        }
        self.entries.push(entry);
        true
    }

    /// What is paid for, in the order of the list.
    pub(crate) fn paid(&self) -> impl Iterator<Item = &Rc<Terms>> {
        self.entries.iter().filter_map(|entry| entry.terms.as_ref())
    }

    /// Which line `method` and `target` fall under. `form` says that the body is a form, in which a `_method` may be.
    pub(crate) fn find(&self, method: Method, target: &Target, form: bool) -> Listing {
        let path = &target.path;
        let on_path = || self.entries.iter().filter(|entry| entry.pattern.matches(path));
        let paid = || self.entries.iter().filter(|entry| entry.terms.is_some());
        let mut found: Option<&Entry> = None;
        for entry in on_path().filter(|entry| entry.method == method.as_listed()) {
            if found.is_none_or(|best| entry.pattern.is_narrower(&best.pattern)) {
                found = Some(entry);
            }
        }
        let in_doubt = || paid().any(|entry| entry.pattern.may_be(path));
        let Some(entry) = found else {
            if on_path().any(|entry| entry.terms.is_some()) || self.unlisted == Unlisted::Deny {
                let methods = self.methods_on(path);
                return if methods.is_empty() { Listing::Denied } else { Listing::WrongMethod(methods) };
            }
            return if in_doubt() { Listing::InDoubt } else { Listing::Passed(alloc::format!("{path}")) };
        };
        let other_method = paid().any(|other| other.method != entry.method && other.pattern.matches(path));
        let dearer = || {
            let price = entry.terms.as_ref().map(|terms| terms.credits);
            paid().any(|other| {
                other.method != entry.method
                    && other.pattern.matches(path)
                    && other.terms.as_ref().map(|terms| terms.credits) > price
            })
        };
        if (other_method && target.names_method())
            || (method == Method::Post && form && dearer())
            || (!entry.pattern.is_literal() && in_doubt())
        {
            return Listing::InDoubt;
        }
        let path = entry.pattern.spelled(path);
        match &entry.terms {
            Some(terms) => Listing::Paid(terms.clone(), path),
            None => Listing::Open(path),
        }
    }

    /// Whether the gate speaks for this path, rather than only pass it on.
    pub(crate) fn governs(&self, path: &CanonicalPath) -> bool {
        self.unlisted == Unlisted::Deny
            || self.entries.iter().any(|entry| entry.pattern.matches(path) || entry.pattern.may_be(path))
    }

    /// The methods listed for `path`, `HEAD` beside `GET`; empty where none is.
    pub(crate) fn methods_on(&self, path: &CanonicalPath) -> Vec<Method> {
        let listed = |method: Method| {
            self.entries.iter().any(|entry| entry.method == method.as_listed() && entry.pattern.matches(path))
        };
        Method::ALL.into_iter().filter(|method| listed(*method)).collect()
    }
}

/// Whether `asked` is `literal` and a dot or a colon after it: a format, or a stream of a file system.
fn has_suffix(asked: &str, literal: &str) -> bool {
    asked
        .split_at_checked(literal.len())
        .is_some_and(|(stem, rest)| stem.eq_ignore_ascii_case(literal) && rest.starts_with(['.', ':']))
}
