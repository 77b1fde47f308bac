//! `POST /sandbox/seed`: creates the accounts, plans and other entities of a seed file, all or none.
//!
//! The result is the same on every machine: addresses, keys and ids are derived from the names in the file. Existing
//! entities stay unchanged, so a file can be applied at every start. A file that changes the terms of an existing
//! entity is refused. Each entity is created by the function that serves its route, with the same rules.

use crate::Desk;
use crate::http::error::Outcome;
use crate::http::request::Reply;
use crate::primitives::eip712::keccak;
use crate::primitives::random::Random;
use crate::primitives::time;
use crate::seed::create;
use crate::seed::entry::{self, Entry};
use crate::settings;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The applied entities: kind, name, id and the entry as it was in the file.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS seeded (
  kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (kind, name));
";

/// A list of a seed file and the members of its entries.
struct Kind {
    list: &'static str,
    members: &'static [&'static str],
    make: fn(&Bed<'_>, &Entry<'_>) -> Outcome<String>,
}

/// In order of creation: referenced entities come first.
const KINDS: [Kind; 7] = [
    Kind { list: "users", members: &["id", "name", "email", "privateKey", "apiKey"], make: create::user },
    Kind { list: "organizations", members: &["id", "name", "type", "members"], make: create::organization },
    Kind {
        list: "plans",
        members: &[
            "id",
            "owner",
            "organization",
            "name",
            "description",
            "price",
            "currency",
            "payBy",
            "credits",
            "minPerCall",
            "maxPerCall",
            "durationSecs",
            "accessLimit",
            "trial",
            "redemptionType",
            "planId",
        ],
        make: create::plan,
    },
    Kind {
        list: "agents",
        members: &[
            "id",
            "owner",
            "organization",
            "name",
            "description",
            "plans",
            "endpoints",
            "openEndpoints",
            "agentId",
        ],
        make: create::agent,
    },
    Kind {
        list: "balances",
        members: &["id", "user", "plan", "credits", "expiresInSecs"],
        make: create::balance,
    },
    Kind {
        list: "cards",
        members: &["id", "user", "number", "expiry", "provider", "alias"],
        make: create::card,
    },
    Kind {
        list: "delegations",
        members: &[
            "id",
            "user",
            "provider",
            "card",
            "limit",
            "currency",
            "durationSecs",
            "plan",
            "maxTransactions",
        ],
        make: create::delegation,
    },
];
const OTHERS: [&str; 3] = ["$schema", "settings", "clock"];

/// The application of one seed file.
pub(crate) struct Bed<'a> {
    pub(crate) desk: &'a Desk,
    /// The sandbox's time, after the file has set the clock.
    pub(crate) now: i64,
}

impl Bed<'_> {
    /// A request context for one entity, whose ids and keys are derived from its name.
    pub(crate) fn desk(&self, kind: &str, name: &str) -> Desk {
        let mut call = crate::http::request::Call { now: self.now, ..Default::default() };
        call.correlation.clone_from(&self.desk.call.correlation);
        call.origin.clone_from(&self.desk.call.origin);
        Desk {
            call,
            store: self.desk.store.clone(),
            random: Random::Of(mark(kind, name)),
            settings: self.desk.settings,
            seen: std::rc::Rc::clone(&self.desk.seen),
            sweeps: false,
            faulty: self.desk.faulty,
            started: self.desk.started.clone(),
        }
    }

    /// The applied entity with this name.
    pub(crate) fn planted(&self, kind: &str, name: &str) -> Outcome<Option<Planted>> {
        let query = "SELECT id, said FROM seeded WHERE kind = ? AND name = ?";
        self.desk.store.first(query, binds![kind, name])
    }

    /// The id of the entity that a member refers to.
    pub(crate) fn referred(&self, entry: &Entry<'_>, member: &str, kind: &str) -> Outcome<Option<String>> {
        let Some(name) = entry.text(member)? else { return Ok(None) };
        self.named(kind, name, &format!("{}.{member}", entry.path)).map(Some)
    }

    /// The id of the entity with this name; `path` locates the reference in the file.
    pub(crate) fn named(&self, kind: &str, name: &str, path: &str) -> Outcome<String> {
        let found = self.planted(kind, name)?.map(|planted| planted.id);
        found.ok_or_else(|| entry::wrong(format!("{path}: {name} is none of {kind}")))
    }

    pub(crate) fn keep(&self, kind: &str, name: &str, id: &str, said: &str) -> Outcome<()> {
        self.desk.store.run(
            "INSERT INTO seeded (kind, name, id, said) VALUES (?, ?, ?, ?)
             ON CONFLICT (kind, name) DO UPDATE SET id = excluded.id, said = excluded.said",
            binds![kind, name, id, said],
        )
    }
}

#[derive(Deserialize)]
struct Planted {
    id: String,
    said: String,
}

/// A seed for random bytes, derived from a name.
fn mark(kind: &str, name: &str) -> [u8; 32] {
    keccak(format!("payments-wasm sandbox {kind} {name}").as_bytes())
}

/// `POST /sandbox/seed`
pub(crate) fn plant(desk: &Desk) -> Outcome {
    let file = desk.call.json()?;
    let known = || KINDS.iter().map(|kind| kind.list).chain(OTHERS);
    if let Some(name) = file.keys().find(|name| !known().any(|known| known == name.as_str())) {
        let known: Vec<_> = known().collect();
        return Err(entry::wrong(format!("{name} is no member of a seed file: {}", known.join(", "))));
    }
    let now = set_up(desk, &file)?;
    let bed = Bed { desk, now };
    let mut made = 0;
    let mut answer = Map::new();
    for kind in &KINDS {
        let mut ids = Map::new();
        for (index, value) in list(&file, kind.list)?.iter().enumerate() {
            let entry = Entry::read(value, format!("{}[{index}]", kind.list), kind.members)?;
            let name = entry.name()?;
            if ids.contains_key(&name) {
                return Err(entry::wrong(format!("{}.id: {name} is there twice", entry.path)));
            }
            let id = match bed.planted(kind.list, &name)? {
                Some(planted) if planted.said == entry.said() => planted.id,
                Some(_) => return Err(entry.changed(&name)),
                None => {
                    let id = (kind.make)(&bed, &entry).map_err(|problem| entry.within(problem))?;
                    bed.keep(kind.list, &name, &id, &entry.said())?;
                    made += 1;
                    id
                }
            };
            ids.insert(name, create::view(&bed, kind.list, &id)?);
        }
        answer.insert(kind.list.into(), ids.into());
    }
    answer.insert("made".into(), made.into());
    Reply::created(Value::Object(answer))
}

fn list<'a>(file: &'a Map<String, Value>, name: &str) -> Outcome<&'a [Value]> {
    match file.get(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(entry::wrong(format!("{name} must be a list"))),
    }
}

/// Applies settings and clock, and returns the time. Settings are applied at every start. The clock is set once,
/// because it would be set back at every restart otherwise.
fn set_up(desk: &Desk, file: &Map<String, Value>) -> Outcome<i64> {
    let part = |name: &str| match file.get(name) {
        None => Ok(None),
        Some(Value::Object(part)) => Ok(Some(part)),
        Some(_) => Err(entry::wrong(format!("{name} must be an object"))),
    };
    if let Some(wanted) = part("settings")? {
        desk.settings.changed(wanted).map_err(|problem| entry::under("settings", problem))?.keep(desk)?;
    }
    let Some(wanted) = part("clock")? else { return Ok(desk.call.now) };
    let (bed, said) = (Bed { desk, now: desk.call.now }, Value::from(wanted.clone()).to_string());
    if bed.planted("clock", "clock")?.is_some_and(|planted| planted.said == said) {
        return Ok(desk.call.now);
    }
    let offset = time::moved(wanted, desk.call.now, desk.settings.offset)
        .map_err(|problem| entry::under("clock", problem))?;
    settings::keep(desk, settings::OFFSET, offset)?;
    bed.keep("clock", "clock", "clock", &said)?;
    Ok(desk.call.now.saturating_sub(desk.settings.offset).saturating_add(offset))
}

/// The part of the response for one entity.
pub(crate) fn identified(member: &str, id: &str) -> Value {
    json!({ member: id })
}
