//! `POST /sandbox/seed`: creates the accounts, plans and other entities of a seed file, all or none.
//!
//! The result is the same on every machine: addresses, keys and ids are derived from the names in the file. Existing
//! entities stay unchanged, so a file can be applied at every start. A file that changes the terms of an existing
//! entity is refused. Each entity is created by the function that serves its route, with the same rules.

use crate::context::RequestContext;
use crate::control::clock;
use crate::http::error::Result;
use crate::http::response::Response;
use crate::primitives::suggestion;
use crate::seed::create;
use crate::seed::entry::{self, Entry};
use crate::seed::run::SeedRun;
use crate::settings;
use serde_json::{Map, Value};

/// A list of a seed file and the members of its entries.
struct Kind {
    list: &'static str,
    members: &'static [&'static str],
    make: fn(&SeedRun<'_>, &Entry<'_>) -> Result<String>,
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

/// `POST /sandbox/seed`
pub(crate) fn apply(ctx: &RequestContext) -> Result {
    let file = ctx.request.json()?;
    let known = || KINDS.iter().map(|kind| kind.list).chain(OTHERS);
    if let Some(name) = file.keys().find(|name| !known().any(|known| known == name.as_str())) {
        let known: Vec<_> = known().collect();
        return Err(entry::wrong(suggestion::unknown(name, "a member of a seed file", &known)));
    }
    let now = set_up(ctx, &file)?;
    let run = SeedRun { ctx, now };
    let mut made = 0;
    let mut answer = Map::new();
    for kind in &KINDS {
        let mut ids = Map::new();
        for (index, value) in list(&file, kind.list)?.iter().enumerate() {
            let entry = Entry::read(value, format!("{}[{index}]", kind.list), kind.members)?;
            let name = entry.name()?;
            if ids.contains_key(&name) {
                return Err(entry::wrong(format!("{}.id: {name} occurs twice", entry.path)));
            }
            let id = match run.applied(kind.list, &name)? {
                Some(applied) if applied.said == entry.as_text() => applied.id,
                Some(_) => return Err(entry.changed(&name)),
                None => {
                    let id = (kind.make)(&run, &entry).map_err(|error| entry.within(error))?;
                    run.record(kind.list, &name, &id, &entry.as_text())?;
                    made += 1;
                    id
                }
            };
            ids.insert(name, create::view(&run, kind.list, &id)?);
        }
        answer.insert(kind.list.into(), ids.into());
    }
    answer.insert("made".into(), made.into());
    Response::created(Value::Object(answer))
}

fn list<'a>(file: &'a Map<String, Value>, name: &str) -> Result<&'a [Value]> {
    match file.get(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(entry::wrong(format!("{name} must be a list"))),
    }
}

/// Applies settings and clock, and returns the time. Settings are applied at every start. The clock is set once,
/// because it would be set back at every restart otherwise.
fn set_up(ctx: &RequestContext, file: &Map<String, Value>) -> Result<i64> {
    let part = |name: &str| match file.get(name) {
        None => Ok(None),
        Some(Value::Object(part)) => Ok(Some(part)),
        Some(_) => Err(entry::wrong(format!("{name} must be an object"))),
    };
    if let Some(wanted) = part("settings")? {
        ctx.settings.changed(wanted).map_err(|error| entry::under("settings", error))?.store(&ctx.store)?;
    }
    let Some(wanted) = part("clock")? else { return Ok(ctx.request.now) };
    let (run, text) = (SeedRun { ctx, now: ctx.request.now }, Value::from(wanted.clone()).to_string());
    if run.applied("clock", "clock")?.is_some_and(|applied| applied.said == text) {
        return Ok(ctx.request.now);
    }
    let offset = clock::changed_offset(wanted, ctx.request.now, ctx.settings.offset)
        .map_err(|error| entry::under("clock", error))?;
    settings::store_value(&ctx.store, settings::OFFSET, offset)?;
    run.record("clock", "clock", "clock", &text)?;
    Ok(ctx.request.now.saturating_sub(ctx.settings.offset).saturating_add(offset))
}
