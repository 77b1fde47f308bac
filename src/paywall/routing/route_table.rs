use super::path_pattern::Pattern;
use super::route_index::RouteIndex;
use crate::paywall::http::host::Host;
use crate::paywall::http::method::Method;
use crate::paywall::http::path::{CanonicalPath, Target};
use crate::paywall::pricing::price::PaidRoute;
use alloc::{string::String, sync::Arc, vec::Vec};

/// The list of what is paid for and what is open, and the one place that says which of them a request falls under
/// (rules 16 and 26).
///
/// The narrower route counts, whatever the order in which they are written. Two of which neither is the narrower and
/// that share a request are refused when they are added: there, only the order would decide.
/// The gate forwards the route's own spelling, so that the origin sees the path that was matched.
#[derive(Debug)]
pub(crate) struct Routes {
    entries: Vec<Entry>,
    index: RouteIndex,
    unlisted: Unlisted,
}

/// The treatment of a request that no route lists (rule 26). The seller has to choose one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// It is refused with 404.
    Deny,
    /// It is forwarded untouched, unpaid.
    Pass,
}

/// One line of the list, for one method.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where it stands in the configuration: `ROUTES["POST /ask"]`.
    pub(crate) at: String,
    pub(crate) method: Method,
    /// The host it is for; every host without one.
    pub(crate) host: Option<Host>,
    pub(crate) pattern: Pattern,
    /// The price and the ways to pay it; `None` for an open route.
    pub(crate) terms: Option<Arc<PaidRoute>>,
}

/// Which line of the list a request falls under.
#[derive(Debug)]
pub(crate) enum Listing {
    /// A paid route, and the path to forward.
    Paid(Arc<PaidRoute>, CanonicalPath),
    /// An open route, and the path to forward.
    Open(CanonicalPath),
    /// No line, and the setting says it passes; the path to forward.
    Passed(CanonicalPath),
    /// No line, and the setting says it is denied: 404.
    Denied,
    /// The path is listed, with these methods only: 405. A path that is paid for with one method is not passed with
    /// another.
    WrongMethod(Vec<Method>),
    /// It might be an alias of a paid route in some server's eyes: 400.
    InDoubt,
    /// A router has chosen by another spelling of this path, so another thing than was matched may answer: 400.
    NotCanonical(CanonicalPath),
}

impl Entry {
    fn matches(&self, target: &Target) -> bool {
        self.is_for(&target.host) && self.pattern.matches(&target.path)
    }

    /// True if some server may take `target`, which this entry does not match, for a request that this entry matches: because
    /// of its spelling, or because all hosts of the gate lead to one origin.
    fn may_be(&self, target: &Target) -> bool {
        self.pattern.may_be(&target.path)
            || (!self.is_for(&target.host) && self.pattern.matches(&target.path))
    }

    fn is_for(&self, host: &Host) -> bool {
        self.host.as_ref().is_none_or(|mine| mine.covers(host))
    }

    fn covers(&self, other: &Self) -> bool {
        let host = match (&self.host, &other.host) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => mine.covers(theirs),
        };
        host && self.pattern.covers(&other.pattern)
    }

    fn meets(&self, other: &Self) -> bool {
        let host = match (&self.host, &other.host) {
            (Some(mine), Some(theirs)) => mine.covers(theirs) || theirs.covers(mine),
            _ => true,
        };
        self.method == other.method && host && self.pattern.meets(&other.pattern)
    }

    /// True if this entry says more than `other` about a request that both match. Of two such entries on the list, one covers
    /// the other, and no two cover each other.
    fn is_narrower(&self, other: &Self) -> bool {
        other.covers(self)
    }

    /// True if some server may take `target`, which this entry matches, for a request to `other`: because of its spelling,
    /// because that server does not tell hosts apart, or, if this entry is free, because it does not tell methods apart.
    fn may_be_taken_for(&self, other: &Self, target: &Target) -> bool {
        let here = other.is_for(&target.host);
        if !here && self.host.is_some() {
            return false;
        }
        // One path and no more: that one was meant.
        let by_spelling = !self.pattern.is_literal() && other.pattern.may_be(&target.path);
        // The same paths, cheaper by host or open by method, are a choice; more paths are not.
        let broader = !other.pattern.covers(&self.pattern);
        let by_path = broader && other.pattern.matches(&target.path);
        match here {
            true => by_spelling || (by_path && self.terms.is_none() && self.method != other.method),
            false => (by_spelling && broader) || by_path,
        }
    }
}

impl Routes {
    pub(crate) fn new(unlisted: Unlisted) -> Self {
        Self { entries: Vec::new(), index: RouteIndex::default(), unlisted }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Describes what is wrong with the entry beside another one, and names the other.
    pub(crate) fn add(&mut self, entry: Entry) -> Result<(), String> {
        let near = match self.index.neighbours(&entry.pattern) {
            Some(near) => self.at(&near),
            None => self.entries.iter().collect(),
        };
        for other in near.into_iter().filter(|other| other.meets(&entry)) {
            let (is_under, is_over) = (other.covers(&entry), entry.covers(other));
            if is_under && is_over {
                return Err(["is listed twice: ", other.at.as_str(), " is the same"].concat());
            }
            if !is_under && !is_over {
                let problem = " share requests, and neither is the narrower one";
                return Err(["and ", other.at.as_str(), problem].concat());
            }
        }
        self.index.add(&entry.pattern);
        self.entries.push(entry);
        Ok(())
    }

    fn at(&self, positions: &[usize]) -> Vec<&Entry> {
        positions.iter().filter_map(|position| self.entries.get(*position)).collect()
    }

    /// The entries that a path can concern, in the order of the list.
    fn near(&self, path: &CanonicalPath) -> Vec<&Entry> {
        match self.index.candidates(path) {
            Some(near) => self.at(&near),
            None => self.entries.iter().collect(),
        }
    }

    /// The paid routes, in the order of the list.
    pub(crate) fn paid(&self) -> impl Iterator<Item = &Arc<PaidRoute>> {
        self.entries.iter().filter_map(|entry| entry.terms.as_ref())
    }

    /// Which line `method` and `target` fall under. `form` says that the body is a form, in which a `_method` may be;
    /// `routed` is the path by which a router has chosen already what is to answer.
    pub(crate) fn find(&self, method: Method, target: &Target, form: bool, routed: Option<&str>) -> Listing {
        let near = self.near(&target.path);
        let on_path = || near.iter().copied().filter(|entry| entry.matches(target));
        let paid = || near.iter().copied().filter(|entry| entry.terms.is_some());
        let mut found: Option<&Entry> = None;
        for entry in on_path().filter(|entry| entry.method == method.as_listed()) {
            if found.is_none_or(|best| entry.is_narrower(best)) {
                found = Some(entry);
            }
        }
        let Some(entry) = found else {
            if on_path().any(|entry| entry.terms.is_some()) || self.unlisted == Unlisted::Deny {
                let methods = self.methods_on(target);
                return if methods.is_empty() { Listing::Denied } else { Listing::WrongMethod(methods) };
            }
            // A router may have chosen by dot segments or doubled slashes that lead elsewhere once they are resolved.
            let unresolved = routed.map(CanonicalPath::unresolved);
            let in_doubt = paid().any(|entry| entry.may_be(target))
                || self.entries.iter().any(|entry| {
                    entry.terms.is_some()
                        && unresolved.as_ref().is_some_and(|path| entry.pattern.matches(path))
                });
            return if in_doubt { Listing::InDoubt } else { Listing::Passed(target.path.clone()) };
        };
        let other_method = paid().any(|other| other.method != entry.method && other.matches(target));
        let dearer = || {
            let price = entry.terms.as_ref().map(|terms| terms.max_credits);
            paid().any(|other| {
                other.method != entry.method
                    && other.matches(target)
                    && other.terms.as_ref().map(|terms| terms.max_credits) > price
            })
        };
        if (other_method && target.names_method())
            || (method == Method::Post && form && dearer())
            || paid().any(|other| entry.may_be_taken_for(other, target))
        {
            return Listing::InDoubt;
        }
        let path = entry.pattern.spelled(&target.path);
        let fixed = entry.terms.as_ref().is_none_or(|terms| terms.is_fixed());
        if routed.is_some_and(|raw| !entry.pattern.routes_as(&path, raw, fixed)) {
            return Listing::NotCanonical(path);
        }
        match &entry.terms {
            Some(terms) => Listing::Paid(terms.clone(), path),
            None => Listing::Open(path),
        }
    }

    /// The paid routes that do not cover the path which their `*` begins after, where that passes unpaid.
    pub(crate) fn left_free(&self) -> Vec<&str> {
        let leaves = |entry: &&Entry| {
            let Some(above) = entry.pattern.above().filter(|_| entry.terms.is_some()) else { return false };
            !self.entries.iter().any(|other| other.method == entry.method && other.pattern.covers(&above))
        };
        let free = self.entries.iter().filter(|_| self.unlisted == Unlisted::Pass).filter(leaves);
        free.map(|entry| entry.at.as_str()).collect()
    }

    /// True if the gate itself decides about this target, and does not only pass it on.
    pub(crate) fn governs(&self, target: &Target) -> bool {
        self.unlisted == Unlisted::Deny
            || self.near(&target.path).into_iter().any(|entry| entry.matches(target) || entry.may_be(target))
    }

    /// The methods listed for `target`, `HEAD` beside `GET`; empty where none is.
    pub(crate) fn methods_on(&self, target: &Target) -> Vec<Method> {
        let near = self.near(&target.path);
        let listed = |method: Method| {
            near.iter().any(|entry| entry.method == method.as_listed() && entry.matches(target))
        };
        Method::ALL.into_iter().filter(|method| listed(*method)).collect()
    }

    /// True if a route names a host. The origin may then tell hosts apart, and the gate tells it the host that was matched.
    pub(crate) fn name_hosts(&self) -> bool {
        self.entries.iter().any(|entry| entry.host.is_some())
    }
}
