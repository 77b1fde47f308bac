//! The JSON of commands, replies and entries, member by member. Later versions read what this one writes, so names are only added.

use super::json::{JsonForm, JsonObject, Unreadable};
use super::{Allowance, Claim, Entry, EntryStatus, OpenDelivery, Rate, Reply, SettlementOutcome};
use crate::wire::Secret;
use alloc::boxed::Box;
use serde_json::Value;

mod command;
#[cfg(test)]
mod tests;

/// The `quiet` of entries that were written without one, in milliseconds.
const OLD_QUIET_MS: u64 = 130_000;

impl JsonForm for Claim {
    fn to_json(&self) -> Value {
        let mut members = JsonObject::tagged("nonce", &self.nonce);
        members.put("lease", self.lease);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = Self { nonce: members.text("nonce"), lease: members.whole("lease") };
        members.read(read)
    }
}

impl JsonForm for Allowance {
    fn to_json(&self) -> Value {
        let mut members = JsonObject::tagged("name", &self.name);
        members.put("perDay", self.per_day);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = Self { name: members.text("name"), per_day: members.count("perDay") };
        members.read(read)
    }
}

impl JsonForm for Rate {
    fn to_json(&self) -> Value {
        let mut members = JsonObject::tagged("name", &self.name);
        members.put("requests", self.requests);
        members.put("seconds", self.seconds);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = Self {
            name: members.text("name"),
            requests: members.count("requests"),
            seconds: members.count("seconds"),
        };
        members.read(read)
    }
}

impl JsonForm for OpenDelivery {
    fn to_json(&self) -> Value {
        let mut members = JsonObject::tagged("plan", &self.plan);
        members.put("most", self.most);
        members.put("lease", self.lease);
        members.put("settleLease", self.settle_lease);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = Self {
            plan: members.text("plan"),
            most: members.count("most"),
            lease: members.whole("lease"),
            settle_lease: members.whole("settleLease"),
        };
        members.read(read)
    }
}

impl JsonForm for Entry {
    fn to_json(&self) -> Value {
        let mut members = JsonObject::tagged("id", &self.id);
        members.put("status", self.status.name());
        members.put("at", self.at);
        members.put("route", self.route.as_str());
        members.put("plan", self.plan.as_str());
        members.put("network", self.network.as_str());
        members.put("payer", self.payer.as_deref());
        members.put("requestId", self.request_id.as_deref());
        members.put("token", self.token.as_str());
        members.put_some("nonce", self.nonce.as_deref());
        members.put("credits", self.credits.as_str());
        members.put_some("again", self.settle_body.as_ref().map(Secret::expose));
        members.put("delivered", self.delivered);
        if let Some(receipt) = &self.receipt {
            members.insert("receipt", receipt.clone());
        }
        members.put_some("why", self.why.as_deref());
        members.put("tries", self.tries);
        members.put("rounds", self.rounds);
        members.put("quiet", self.settle_grace_ms);
        members.put("late", self.in_flight_until);
        members.put("sent", self.sent);
        members.put_flag("open", self.open);
        if let Some(ends) = self.token_expires_at {
            members.put("ends", ends);
        }
        members.put_flag("filed", self.copied_to_seller);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let status = EntryStatus::from_json(members.take_either("status", "stands"))?;
        let read = Self {
            id: members.request_id(),
            status,
            at: members.whole("at"),
            route: members.text("route"),
            plan: members.text("plan"),
            network: members.text("network"),
            payer: members.maybe("payer"),
            request_id: members.maybe("requestId"),
            token: members.text("token"),
            nonce: members.maybe("nonce"),
            credits: members.text("credits"),
            settle_body: members.maybe("again").map(Secret::new),
            delivered: members.flag("delivered"),
            receipt: members.value("receipt"),
            why: members.maybe("why"),
            tries: members.count_or_0("tries"),
            // Entries that were written before these members existed do not have them.
            rounds: members.count_or_0("rounds"),
            settle_grace_ms: members.whole_or("quiet", OLD_QUIET_MS),
            in_flight_until: members.whole_or("late", 0),
            sent: match members.has("sent") {
                true => members.flag("sent"),
                false => !matches!(status, EntryStatus::Delivering | EntryStatus::Abandoned),
            },
            open: members.has("open"),
            token_expires_at: if members.has("ends") { Some(members.whole("ends")) } else { None },
            copied_to_seller: members.has("filed"),
        };
        members.read(read)
    }
}

impl EntryStatus {
    pub(super) const ALL: [Self; 10] = [
        Self::Delivering,
        Self::Settling,
        Self::Settled,
        Self::Refused,
        Self::Unknown,
        Self::Owed,
        Self::Released,
        Self::Abandoned,
        Self::Unpaid,
        Self::Unresolved,
    ];

    /// As it is written down.
    fn name(self) -> &'static str {
        match self {
            Self::Delivering => "delivering",
            Self::Settling => "settling",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Owed => "owed",
            Self::Released => "released",
            Self::Abandoned => "abandoned",
            Self::Unpaid => "unpaid",
            Self::Unresolved => "unresolved",
        }
    }
}

impl JsonForm for EntryStatus {
    fn to_json(&self) -> Value {
        self.name().into()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let name = value.as_str().unwrap_or_default();
        Self::ALL.into_iter().find(|status| status.name() == name).ok_or(Unreadable("status"))
    }
}

impl JsonForm for SettlementOutcome {
    fn to_json(&self) -> Value {
        let (tag, why) = match self {
            Self::Settled { .. } => ("settled", None),
            Self::Refused { .. } => ("refused", None),
            Self::Unknown { why, .. } => ("unknown", Some(why.as_str())),
            Self::Owed { why, .. } => ("owed", Some(why.as_str())),
            Self::Released { why } => ("released", Some(why.as_str())),
        };
        let mut members = JsonObject::tagged("end", tag);
        members.put_some("why", why);
        match self {
            Self::Settled { receipt } => members.insert("receipt", receipt.clone()),
            Self::Refused { receipt, spent, delivered } => {
                members.insert("receipt", receipt.clone());
                members.put("spent", *spent);
                members.put("delivered", *delivered);
            }
            Self::Owed { again, receipt, .. } => {
                members.put("again", again.expose());
                if let Some(receipt) = receipt {
                    members.insert("receipt", receipt.clone());
                }
            }
            Self::Unknown { delivered, .. } => members.put("delivered", *delivered),
            Self::Released { .. } => {}
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = match members.text("end").as_str() {
            "settled" => Self::Settled { receipt: members.take("receipt") },
            "refused" => Self::Refused {
                receipt: members.take("receipt"),
                spent: members.flag("spent"),
                delivered: members.flag("delivered"),
            },
            "unknown" => Self::Unknown {
                why: members.text("why"),
                delivered: members.take("delivered").as_bool().unwrap_or(true),
            },
            "owed" => Self::Owed {
                why: members.text("why"),
                again: Secret::new(members.text("again")),
                receipt: members.value("receipt"),
            },
            "released" => Self::Released { why: members.text("why") },
            _ => return members.read(()).and(Err(Unreadable("end"))),
        };
        members.read(read)
    }
}

impl JsonForm for Reply {
    fn to_json(&self) -> Value {
        let tag = match self {
            Self::Admitted { .. } => "admitted",
            Self::Limited { .. } => "limited",
            Self::Used => "used",
            Self::InProgress => "inProgress",
            Self::Owing { .. } => "owing",
            Self::Done => "done",
            Self::Lost => "lost",
            Self::Receipt { .. } => "receipt",
            Self::Nothing => "nothing",
            Self::Journal { .. } => "journal",
        };
        let mut members = JsonObject::tagged("say", tag);
        match self {
            Self::Admitted { free } => members.put("free", *free),
            Self::Limited { retry_after } => members.put("retryAfter", *retry_after),
            Self::Receipt { status, receipt } => {
                members.put("status", status.name());
                members.insert("receipt", receipt.clone().unwrap_or_default());
            }
            Self::Journal { entries } => {
                members.insert("entries", Value::Array(entries.iter().map(Entry::to_json).collect()));
            }
            Self::Owing { entry } => members.insert("entry", entry.to_json()),
            Self::Used | Self::InProgress | Self::Done | Self::Lost | Self::Nothing => {}
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = JsonObject::of(value)?;
        let read = match members.text("say").as_str() {
            "admitted" => Self::Admitted { free: members.flag("free") },
            "limited" => Self::Limited { retry_after: members.whole("retryAfter") },
            "used" => Self::Used,
            "inProgress" => Self::InProgress,
            "owing" => Self::Owing { entry: Box::new(Entry::from_json(members.take("entry"))?) },
            "done" => Self::Done,
            "lost" => Self::Lost,
            "receipt" => Self::Receipt {
                status: EntryStatus::from_json(members.take_either("status", "stands"))?,
                receipt: members.value("receipt"),
            },
            "nothing" => Self::Nothing,
            "journal" => Self::Journal { entries: members.list("entries", Entry::from_json) },
            _ => return members.read(()).and(Err(Unreadable("say"))),
        };
        members.read(read)
    }
}
