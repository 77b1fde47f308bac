//! The application of a seed file: context, references and records of its entities.

use crate::context::RequestContext;
use crate::http::error::Result;
use crate::http::request::Request;
use crate::primitives::eip712::keccak;
use crate::primitives::random::Random;
use crate::seed::entry::{self, Entry};
use crate::storage::store::binds;
use payments_wasm::wire::nearest_name;
use serde::Deserialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// The application of one seed file.
pub(crate) struct SeedRun<'a> {
    pub(crate) ctx: &'a RequestContext,
    /// The sandbox's time, after the file has set the clock.
    pub(crate) now: i64,
}

impl SeedRun<'_> {
    /// A request context for one entity, whose ids and keys are derived from its name.
    pub(crate) fn context(&self, kind: &str, name: &str) -> RequestContext {
        let mut request = Request { now: self.now, ..Default::default() };
        request.correlation.clone_from(&self.ctx.request.correlation);
        request.origin.clone_from(&self.ctx.request.origin);
        RequestContext {
            request,
            store: self.ctx.store.clone(),
            random: Random::Of(seed_of(kind, name)),
            settings: self.ctx.settings,
            cache: Rc::clone(&self.ctx.cache),
            sweep: false,
            faults_enabled: self.ctx.faults_enabled,
            start_options: self.ctx.start_options.clone(),
        }
    }

    /// The applied entity with this name.
    pub(crate) fn applied(&self, kind: &str, name: &str) -> Result<Option<Applied>> {
        let query = "SELECT id, said FROM seeded WHERE kind = ? AND name = ?";
        self.ctx.store.first(query, binds![kind, name])
    }

    /// The id of the entity that a member refers to.
    pub(crate) fn referred(&self, entry: &Entry<'_>, member: &str, kind: &str) -> Result<Option<String>> {
        let Some(name) = entry.text(member)? else { return Ok(None) };
        self.named(kind, name, &format!("{}.{member}", entry.path)).map(Some)
    }

    /// The id of the entity with this name; `path` locates the reference in the file.
    pub(crate) fn named(&self, kind: &str, name: &str, path: &str) -> Result<String> {
        if let Some(applied) = self.applied(kind, name)? {
            return Ok(applied.id);
        }
        let others: Vec<Named> =
            self.ctx.store.rows("SELECT name FROM seeded WHERE kind = ? ORDER BY name", binds![kind])?;
        let others: Vec<_> = others.iter().map(|other| other.name.as_str()).collect();
        let meant = nearest_name(name, &others).map(|meant| format!("; did you mean {meant}?"));
        Err(entry::wrong(format!("{path}: {name} is not one of {kind}{}", meant.unwrap_or_default())))
    }

    pub(crate) fn record(&self, kind: &str, name: &str, id: &str, text: &str) -> Result<()> {
        self.ctx.store.run(
            "INSERT INTO seeded (kind, name, id, said) VALUES (?, ?, ?, ?)
             ON CONFLICT (kind, name) DO UPDATE SET id = excluded.id, said = excluded.said",
            binds![kind, name, id, text],
        )
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct Applied {
    pub(crate) id: String,
    pub(crate) said: String,
}

/// A seed for random bytes, derived from a name.
fn seed_of(kind: &str, name: &str) -> [u8; 32] {
    keccak(format!("payments-wasm sandbox {kind} {name}").as_bytes())
}

/// The part of the response for one entity.
pub(crate) fn identified(member: &str, id: &str) -> Value {
    json!({ member: id })
}
