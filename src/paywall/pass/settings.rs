use super::{Keys, Pass};
use crate::codec;
use crate::paywall::config::error;
use crate::paywall::config::keys;
use crate::paywall::config::object_reader::ObjectReader;
use crate::paywall::config::problems::{Problems, Variables, texts_of};
use crate::paywall::suggestion;
use crate::wire::digits;
use alloc::{string::String, vec::Vec};
use serde_json::Value;

/// The passes that a seller sells: `PASSES`, `PASS_KEYS` and `REVOKED_PASSES`.
#[derive(Debug)]
pub(crate) struct Passes {
    pub(super) keys: Keys,
    pub(super) sets: Vec<PassSet>,
    pub(super) revoked: Revoked,
}

/// Routes that one pass opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PassSet {
    pub(crate) name: String,
    /// As they are written in `ROUTES`.
    routes: Vec<String>,
    /// How long a pass lasts.
    pub(crate) seconds: u64,
    /// The time before its end from which the gate warns of it.
    pub(crate) warn_seconds: u64,
    /// The pass is given in a header.
    pub(super) header: bool,
    /// The pass is given in a cookie.
    pub(super) cookie: bool,
    /// The cookie is also sent with requests from pages of other sites.
    pub(super) cross_site: bool,
}

/// Passes that were taken back: by id, or all that a payer bought before a time.
#[derive(Debug, Clone, Default)]
pub(super) struct Revoked {
    ids: Vec<String>,
    /// In seconds since 1970.
    payers: Vec<(String, u64)>,
}

/// A pass warns by itself for the last tenth of its life, and for no more than this.
const MAX_WARN_SECONDS: u64 = 3 * 86_400;

impl Passes {
    /// Reads them; nothing where none are sold. `is_paid` says whether `ROUTES` lists a route by that name that is settled before
    /// it is delivered.
    pub(crate) fn read(given: &Variables<'_>, is_paid: impl Fn(&str) -> bool) -> Option<Self> {
        let problems = &given.problems;
        // Read where no pass is sold too: a name that is misspelt takes nothing back.
        let revoked = given.text("REVOKED_PASSES").map(|list| Revoked::read(&list, problems));
        let listed = given.text("PASSES")?;
        let Some(listed) = codec::parse_object(&listed) else {
            let shape = "must be an object of sets, like {\"reports\": {\"routes\": [\"GET /reports/:id\"], \"seconds\": 3600}}";
            problems.note("PASSES", shape);
            return None;
        };
        let mut sets: Vec<PassSet> = Vec::new();
        for (name, value) in &listed {
            let at = error::member("PASSES", name);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
                problems.note(&at, "must have a name of 1 to 32 small letters, digits and -");
            }
            let set = read_set(name, value, at, problems)?;
            for (index, route) in set.routes.iter().enumerate() {
                let problem = if !is_paid(route) {
                    "is not a route of ROUTES that is settled before delivery"
                } else if sets.iter().any(|other| other.routes.contains(route)) {
                    "is in another set already"
                } else {
                    continue;
                };
                let at = error::member("PASSES", name);
                problems.note(&[&at, ".routes[", &digits(index as u64), "]"].concat(), problem);
            }
            sets.push(set);
        }
        if sets.is_empty() {
            return None;
        }
        let keys = given.text("PASS_KEYS");
        if keys.is_none() {
            problems.note("PASS_KEYS", "is missing");
        }
        let keys = Keys::parse(keys?.trim()).map_err(|problem| problems.note("PASS_KEYS", problem)).ok()?;
        Some(Self { keys, sets, revoked: revoked.unwrap_or_default() })
    }

    /// The set that a route is in, by its name in `ROUTES`.
    pub(crate) fn set_of(&self, route: &str) -> Option<&PassSet> {
        self.sets.iter().find(|set| set.routes.iter().any(|known| known == route))
    }
}

fn read_set(name: &str, value: &Value, at: String, problems: &Problems) -> Option<PassSet> {
    let shape = "must be an object with routes and seconds";
    let set =
        ObjectReader::of(value, at, &keys::PASS_SET, shape, "is not a key of a set of passes", problems)?;
    set.need("routes");
    let routes = set.get("routes").and_then(texts_of).filter(|routes| !routes.is_empty());
    if routes.is_none() {
        set.wrong("routes", "must be an array of routes");
    }
    let seconds = u64::from(set.small("seconds", keys::PASS_SET_SECONDS_MOST));
    let warn_seconds = match set.get("warnSeconds") {
        None => Some((seconds / 10).min(MAX_WARN_SECONDS)),
        Some(value) => value.as_u64().filter(|warn| *warn <= seconds),
    };
    if warn_seconds.is_none() {
        set.wrong("warnSeconds", "must be a whole number, at most seconds");
    }
    let carry = set.get("carry").map_or("both", |carry| carry.as_str().unwrap_or_default());
    if !["both", "header", "cookie"].contains(&carry) {
        set.wrong("carry", "must be \"header\", \"cookie\" or \"both\"");
    }
    Some(PassSet {
        name: name.into(),
        routes: routes.unwrap_or_default(),
        seconds,
        warn_seconds: warn_seconds.unwrap_or_default(),
        header: carry != "cookie",
        cookie: carry != "header",
        cross_site: set.flag("crossSite"),
    })
}

impl Revoked {
    fn read(text: &str, problems: &Problems) -> Self {
        const KEY: &str = "REVOKED_PASSES";
        let mut revoked = Self::default();
        let Some(listed) = codec::parse_object(text) else {
            problems.note(KEY, "must be like {\"passes\": [\"<id>\"], \"payers\": {\"0x…\": 1790000000}}");
            return revoked;
        };
        problems.value(suggestion::only(KEY, &listed, &keys::REVOKED, "is not a key of revoked passes"));
        for (name, value) in &listed {
            if name == "passes" {
                let ids = texts_of(value);
                if ids.is_none() {
                    problems.note("REVOKED_PASSES.passes", "must be an array of ids");
                }
                revoked.ids = ids.unwrap_or_default();
            } else {
                let payers = value.as_object().and_then(|payers| {
                    payers.iter().map(|(payer, before)| Some((payer.clone(), before.as_u64()?))).collect()
                });
                if payers.is_none() {
                    let problem = "must give the time, in seconds since 1970, by payer";
                    problems.note("REVOKED_PASSES.payers", problem);
                }
                revoked.payers = payers.unwrap_or_default();
            }
        }
        revoked
    }

    /// True if this pass is revoked. Revoking a payer covers all passes sold up to and including the named second.
    pub(super) fn holds(&self, pass: &Pass) -> bool {
        self.ids.contains(&pass.id)
            || self
                .payers
                .iter()
                .any(|(payer, before)| payer.eq_ignore_ascii_case(&pass.payer) && pass.issued <= *before)
    }
}
