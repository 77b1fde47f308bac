//! Commands, as they travel to their object.

use crate::paywall::state::json::{JsonForm, JsonObject, Unreadable};
use crate::paywall::state::{Allowance, Claim, Command, Entry, Rate, SettlementOutcome};
use crate::wire::Secret;
use alloc::boxed::Box;
use alloc::string::String;
use serde_json::Value;

impl JsonForm for Command {
    fn to_json(&self) -> Value {
        let of = |what: &str, id: &String| {
            let mut members = JsonObject::tagged("do", what);
            members.put("id", id.as_str());
            members
        };
        let members = match self {
            Self::Admit { id, rates, claim, allowance, open, entry } => {
                let mut members = of("admit", id);
                members.insert("rates", Value::Array(rates.iter().map(Rate::to_json).collect()));
                put_reserved(&mut members, claim.as_ref(), allowance.as_ref());
                if let Some(open) = open {
                    members.insert("open", open.to_json());
                }
                if let Some(entry) = entry {
                    members.insert("entry", entry.to_json());
                }
                members
            }
            Self::Release { id, claim, allowance, open } => {
                let mut members = of("release", id);
                put_reserved(&mut members, claim.as_ref(), allowance.as_ref());
                members.put_some("open", open.as_deref());
                members
            }
            Self::Write { entry, lease } => {
                let mut members = JsonObject::tagged("do", "write");
                members.insert("entry", entry.to_json());
                members.put("lease", *lease);
                members
            }
            Self::Charge { id, credits, again, lease } => {
                let mut members = of("charge", id);
                members.put("credits", credits.as_str());
                members.put_some("again", again.as_ref().map(Secret::expose));
                members.put("lease", *lease);
                members
            }
            Self::Renew { id, lease } => {
                let mut members = of("renew", id);
                members.put("lease", *lease);
                members
            }
            Self::Close { id, end, after, round } => {
                let mut members = of("close", id);
                members.insert("end", end.to_json());
                members.put("after", *after);
                if *round > 0 {
                    members.put("round", *round);
                }
                members
            }
            Self::Receipt { id } => of("receipt", id),
            Self::Journal { after, book } => {
                let mut members = JsonObject::tagged("do", "journal");
                members.put_some("after", after.as_deref());
                members.put_flag("book", *book);
                members
            }
            Self::File { entry } => {
                let mut members = JsonObject::tagged("do", "file");
                members.insert("entry", entry.to_json());
                members
            }
        };
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let what = members.text("do");
        if what == "journal" {
            let read = Self::Journal { after: members.maybe("after"), book: members.has("book") };
            return members.read(read);
        }
        if what == "write" || what == "file" {
            let entry = Box::new(Entry::from_json(members.take("entry"))?);
            let read = match what.as_str() {
                "write" => Self::Write { entry, lease: members.whole("lease") },
                _ => Self::File { entry },
            };
            return members.read(read);
        }
        let id = members.request_id();
        let read = match what.as_str() {
            "admit" => {
                let rates = members.list("rates", Rate::from_json);
                let (claim, allowance) = reserved(&mut members);
                let (open, entry) = (members.form("open"), members.form("entry").map(Box::new));
                Self::Admit { id, rates, claim, allowance, open, entry }
            }
            "release" => {
                let (claim, allowance) = reserved(&mut members);
                Self::Release { id, claim, allowance, open: members.maybe("open") }
            }
            "charge" => Self::Charge {
                id,
                credits: members.text("credits"),
                again: members.maybe("again").map(Secret::new),
                lease: members.whole("lease"),
            },
            "renew" => Self::Renew { id, lease: members.whole("lease") },
            "close" => Self::Close {
                id,
                end: SettlementOutcome::from_json(members.take("end"))?,
                after: members.whole("after"),
                round: members.count_or_0("round"),
            },
            "receipt" => Self::Receipt { id },
            _ => return members.read(()).and(Err(Unreadable("do"))),
        };
        members.read(read)
    }
}

/// Writes the members for what a request reserved or wants to reserve.
fn put_reserved(members: &mut JsonObject, claim: Option<&Claim>, allowance: Option<&Allowance>) {
    if let Some(claim) = claim {
        members.insert("claim", claim.to_json());
    }
    if let Some(allowance) = allowance {
        members.insert("allowance", allowance.to_json());
    }
}

fn reserved(members: &mut JsonObject) -> (Option<Claim>, Option<Allowance>) {
    (members.form("claim"), members.form("allowance"))
}
