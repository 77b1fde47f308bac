use super::{Keys, Pass};
use crate::codec;
use crate::paywall::config::error;
use crate::paywall::config::error::{Wrong, missing, wrong};
use crate::paywall::config::keys;
use crate::paywall::suggestion;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
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
    /// How long before its end it is said that it ends.
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
    /// Reads them; nothing where none are sold. `text` gives the text of a variable that is there, `is_paid` says whether
    /// `ROUTES` lists a route by that name that is settled before it is delivered.
    pub(crate) fn read(
        text: impl Fn(&str) -> Option<String>,
        is_paid: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>, Wrong> {
        // Read where no pass is sold too: a name that is misspelt takes nothing back.
        let revoked = text("REVOKED_PASSES").map_or(Ok(Revoked::default()), |list| Revoked::read(&list))?;
        let Some(listed) = text("PASSES") else { return Ok(None) };
        let shape =
            "an object of sets, like {\"reports\": {\"routes\": [\"GET /reports/:id\"], \"seconds\": 3600}}";
        let listed = error::object("PASSES", &listed, shape)?;
        let mut sets: Vec<PassSet> = Vec::new();
        for (name, value) in &listed {
            let at = error::member("PASSES", name);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
                return Err(wrong(at, "must have a name of 1 to 32 small letters, digits and -"));
            }
            let set = read_set(name, value, &at)?;
            for (index, route) in set.routes.iter().enumerate() {
                let at = format!("{at}.routes[{index}]");
                if !is_paid(route) {
                    return Err(wrong(at, "is not a route of ROUTES that is settled before delivery"));
                }
                if sets.iter().any(|other| other.routes.contains(route)) {
                    return Err(wrong(at, "is in another set already"));
                }
            }
            sets.push(set);
        }
        if sets.is_empty() {
            return Ok(None);
        }
        let keys = text("PASS_KEYS").ok_or_else(|| missing("PASS_KEYS"))?;
        let keys = Keys::parse(keys.trim()).map_err(|problem| wrong("PASS_KEYS", problem))?;
        Ok(Some(Self { keys, sets, revoked }))
    }

    /// The set that a route is in, by its name in `ROUTES`.
    pub(crate) fn set_of(&self, route: &str) -> Option<&PassSet> {
        self.sets.iter().find(|set| set.routes.iter().any(|known| known == route))
    }
}

fn read_set(name: &str, value: &Value, at: &str) -> Result<PassSet, Wrong> {
    let key = |name: &str| format!("{at}.{name}");
    let Value::Object(members) = value else {
        return Err(wrong(at, "must be an object with routes and seconds"));
    };
    suggestion::only(at, members, &keys::PASS_SET, "is not a key of a set of passes")?;
    let routes = match members.get("routes") {
        None => return Err(missing(&key("routes"))),
        Some(Value::Array(routes)) if !routes.is_empty() => routes
            .iter()
            .map(|route| route.as_str().map(ToString::to_string))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| wrong(key("routes"), "must be an array of routes"))?,
        Some(_) => return Err(wrong(key("routes"), "must be an array of routes")),
    };
    let seconds = match members.get("seconds") {
        None => return Err(missing(&key("seconds"))),
        Some(value) => value
            .as_u64()
            .filter(|seconds| (1..=u64::from(keys::PASS_SET_SECONDS_MOST)).contains(seconds))
            .ok_or_else(|| wrong(key("seconds"), "must be a whole number from 1 to 31622400"))?,
    };
    let warn_seconds = match members.get("warnSeconds") {
        None => (seconds / 10).min(MAX_WARN_SECONDS),
        Some(value) => value
            .as_u64()
            .filter(|warn| *warn <= seconds)
            .ok_or_else(|| wrong(key("warnSeconds"), "must be a whole number, at most seconds"))?,
    };
    let (header, cookie) = match members.get("carry").map(Value::as_str) {
        None | Some(Some("both")) => (true, true),
        Some(Some("header")) => (true, false),
        Some(Some("cookie")) => (false, true),
        Some(_) => return Err(wrong(key("carry"), "must be \"header\", \"cookie\" or \"both\"")),
    };
    let cross_site = match members.get("crossSite") {
        None => false,
        Some(value) => value.as_bool().ok_or_else(|| wrong(key("crossSite"), "must be true or false"))?,
    };
    Ok(PassSet { name: name.into(), routes, seconds, warn_seconds, header, cookie, cross_site })
}

impl Revoked {
    fn read(text: &str) -> Result<Self, Wrong> {
        const KEY: &str = "REVOKED_PASSES";
        let shape = "must be like {\"passes\": [\"<id>\"], \"payers\": {\"0x…\": 1790000000}}";
        let listed = codec::parse_object(text).ok_or_else(|| wrong(KEY, shape))?;
        suggestion::only(KEY, &listed, &keys::REVOKED, "is not a key of revoked passes")?;
        let mut revoked = Self::default();
        for (name, value) in &listed {
            if name == "passes" {
                let ids =
                    value.as_array().map(|ids| ids.iter().map(|id| id.as_str().map(ToString::to_string)));
                revoked.ids = ids
                    .and_then(Iterator::collect)
                    .ok_or_else(|| wrong(format!("{KEY}.passes"), "must be an array of ids"))?;
            } else {
                let payers = value.as_object().map(|payers| {
                    payers.iter().map(|(payer, before)| Some((payer.clone(), before.as_u64()?)))
                });
                revoked.payers = payers.and_then(Iterator::collect).ok_or_else(|| {
                    wrong(format!("{KEY}.payers"), "must give the time, in seconds since 1970, by payer")
                })?;
            }
        }
        Ok(revoked)
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
