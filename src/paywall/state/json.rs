//! How commands, replies and entries are written down. By hand: what `derive` makes of enums with a tag is a sixth of the
//! Worker.

use super::{Allowance, Claim, Command, End, Entry, Rate, Reply, Stands};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// What stands in the state is not ours: the member that is missing, or not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(pub(super) &'static str);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not of the state: ")?;
        f.write_str(self.0)
    }
}

impl core::error::Error for Unreadable {}

/// The members of an object, to be taken one by one or put in one by one.
#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn of(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Unreadable("an object")),
        }
    }

    /// What is missing is `null`.
    fn take(&mut self, name: &str) -> Value {
        self.0.get_mut(name).map(Value::take).unwrap_or_default()
    }

    fn object(&mut self, name: &str) -> Result<Option<Self>, Unreadable> {
        match self.take(name) {
            Value::Null => Ok(None),
            value => Self::of(value).map(Some),
        }
    }

    fn maybe(&mut self, name: &'static str) -> Result<Option<String>, Unreadable> {
        match self.take(name) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(Unreadable(name)),
        }
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<String, Unreadable> {
        self.maybe(name)?.ok_or(Unreadable(name))
    }

    pub(super) fn whole(&mut self, name: &'static str) -> Result<u64, Unreadable> {
        self.take(name).as_u64().ok_or(Unreadable(name))
    }

    pub(super) fn count(&mut self, name: &'static str) -> Result<u32, Unreadable> {
        u32::try_from(self.whole(name)?).map_err(|_| Unreadable(name))
    }

    fn flag(&mut self, name: &'static str) -> Result<bool, Unreadable> {
        self.take(name).as_bool().ok_or(Unreadable(name))
    }

    fn list(&mut self, name: &'static str) -> Result<Vec<Value>, Unreadable> {
        match self.take(name) {
            Value::Array(list) => Ok(list),
            _ => Err(Unreadable(name)),
        }
    }

    fn value(&mut self, name: &'static str) -> Option<Value> {
        Some(self.take(name)).filter(|value| !value.is_null())
    }

    /// With the member that says what it is.
    pub(super) fn tagged(name: &str, tag: &str) -> Self {
        let mut members = Self::default();
        members.put(name, tag);
        members
    }

    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.insert(name, value.into());
    }

    /// Left out where there is none.
    fn put_some(&mut self, name: &str, value: Option<&String>) {
        if let Some(text) = value {
            self.put(name, text.as_str());
        }
    }

    fn insert(&mut self, name: &str, value: Value) {
        self.0.insert(name.into(), value);
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A value that is written down as a JSON document.
pub(super) trait Written: Sized {
    fn to_json(&self) -> Value;
    fn from_json(value: Value) -> Result<Self, Unreadable>;
}

impl Written for Claim {
    fn to_json(&self) -> Value {
        let mut members = Members::tagged("nonce", &self.nonce);
        members.put("lease", self.lease);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(Self { nonce: members.text("nonce")?, lease: members.whole("lease")? })
    }
}

impl Written for Allowance {
    fn to_json(&self) -> Value {
        let mut members = Members::tagged("name", &self.name);
        members.put("perDay", self.per_day);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(Self { name: members.text("name")?, per_day: members.count("perDay")? })
    }
}

impl Written for Rate {
    fn to_json(&self) -> Value {
        let mut members = Members::tagged("name", &self.name);
        members.put("requests", self.requests);
        members.put("seconds", self.seconds);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(Self {
            name: members.text("name")?,
            requests: members.count("requests")?,
            seconds: members.count("seconds")?,
        })
    }
}

/// What a visit reserved or wants to.
fn put_reserved(members: &mut Members, claim: Option<&Claim>, allowance: Option<&Allowance>) {
    if let Some(claim) = claim {
        members.insert("claim", claim.to_json());
    }
    if let Some(allowance) = allowance {
        members.insert("allowance", allowance.to_json());
    }
}

fn reserved(members: &mut Members) -> Result<(Option<Claim>, Option<Allowance>), Unreadable> {
    let claim = members.object("claim")?.map(|claim| Claim::from_json(claim.done())).transpose()?;
    let allowance = members.object("allowance")?.map(|one| Allowance::from_json(one.done())).transpose()?;
    Ok((claim, allowance))
}

impl Written for Command {
    fn to_json(&self) -> Value {
        let of = |what: &str, visit: &String| {
            let mut members = Members::tagged("do", what);
            members.put("visit", visit.as_str());
            members
        };
        let members = match self {
            Self::Admit { visit, rates, claim, allowance } => {
                let mut members = of("admit", visit);
                members.insert("rates", Value::Array(rates.iter().map(Rate::to_json).collect()));
                put_reserved(&mut members, claim.as_ref(), allowance.as_ref());
                members
            }
            Self::Release { visit, claim, allowance } => {
                let mut members = of("release", visit);
                put_reserved(&mut members, claim.as_ref(), allowance.as_ref());
                members
            }
            Self::Write { entry, lease } => {
                let mut members = Members::tagged("do", "write");
                members.insert("entry", entry.to_json());
                members.put("lease", *lease);
                members
            }
            Self::Charge { visit, credits, again, lease } => {
                let mut members = of("charge", visit);
                members.put("credits", credits.as_str());
                members.put_some("again", again.as_ref());
                members.put("lease", *lease);
                members
            }
            Self::Close { visit, end, after } => {
                let mut members = of("close", visit);
                members.insert("end", end.to_json());
                members.put("after", *after);
                members
            }
            Self::Receipt { visit } => of("receipt", visit),
            Self::Journal { after } => {
                let mut members = Members::tagged("do", "journal");
                members.put_some("after", after.as_ref());
                members
            }
        };
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        let what = members.text("do")?;
        if what == "journal" {
            return Ok(Self::Journal { after: members.maybe("after")? });
        }
        if what == "write" {
            let entry = Entry::from_json(members.take("entry"))?;
            return Ok(Self::Write { entry: Box::new(entry), lease: members.whole("lease")? });
        }
        let visit = members.text("visit")?;
        Ok(match what.as_str() {
            "admit" => {
                let rates = members.list("rates")?.into_iter().map(Rate::from_json);
                let rates = rates.collect::<Result<_, _>>()?;
                let (claim, allowance) = reserved(&mut members)?;
                Self::Admit { visit, rates, claim, allowance }
            }
            "release" => {
                let (claim, allowance) = reserved(&mut members)?;
                Self::Release { visit, claim, allowance }
            }
            "charge" => Self::Charge {
                visit,
                credits: members.text("credits")?,
                again: members.maybe("again")?,
                lease: members.whole("lease")?,
            },
            "close" => Self::Close {
                visit,
                end: End::from_json(members.take("end"))?,
                after: members.whole("after")?,
            },
            "receipt" => Self::Receipt { visit },
            _ => return Err(Unreadable("do")),
        })
    }
}

impl Written for Entry {
    fn to_json(&self) -> Value {
        let mut members = Members::tagged("visit", &self.visit);
        members.put("stands", self.stands.name());
        members.put("at", self.at);
        members.put("route", self.route.as_str());
        members.put("plan", self.plan.as_str());
        members.put("network", self.network.as_str());
        members.put("payer", self.payer.as_deref());
        members.put("requestId", self.request_id.as_deref());
        members.put("token", self.token.as_str());
        members.put_some("nonce", self.nonce.as_ref());
        members.put("credits", self.credits.as_str());
        members.put_some("again", self.again.as_ref());
        members.put("delivered", self.delivered);
        if let Some(receipt) = &self.receipt {
            members.insert("receipt", receipt.clone());
        }
        members.put_some("why", self.why.as_ref());
        members.put("tries", self.tries);
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(Self {
            visit: members.text("visit")?,
            stands: Stands::from_json(members.take("stands"))?,
            at: members.whole("at")?,
            route: members.text("route")?,
            plan: members.text("plan")?,
            network: members.text("network")?,
            payer: members.maybe("payer")?,
            request_id: members.maybe("requestId")?,
            token: members.text("token")?,
            nonce: members.maybe("nonce")?,
            credits: members.text("credits")?,
            again: members.maybe("again")?,
            delivered: members.flag("delivered")?,
            receipt: members.value("receipt"),
            why: members.maybe("why")?,
            tries: if members.0.contains_key("tries") { members.count("tries")? } else { 0 },
        })
    }
}

impl Stands {
    const ALL: [Self; 9] = [
        Self::Delivering,
        Self::Settling,
        Self::Settled,
        Self::Refused,
        Self::Unknown,
        Self::Owed,
        Self::Released,
        Self::Abandoned,
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
            Self::Unresolved => "unresolved",
        }
    }
}

impl Written for Stands {
    fn to_json(&self) -> Value {
        self.name().into()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let name = value.as_str().unwrap_or_default();
        Self::ALL.into_iter().find(|stands| stands.name() == name).ok_or(Unreadable("stands"))
    }
}

impl Written for End {
    fn to_json(&self) -> Value {
        let (tag, why) = match self {
            Self::Settled { .. } => ("settled", None),
            Self::Refused { .. } => ("refused", None),
            Self::Unknown { why } => ("unknown", Some(why)),
            Self::Owed { why, .. } => ("owed", Some(why)),
            Self::Released { why } => ("released", Some(why)),
        };
        let mut members = Members::tagged("end", tag);
        members.put_some("why", why);
        match self {
            Self::Settled { receipt } => members.insert("receipt", receipt.clone()),
            Self::Refused { receipt, spent, delivered } => {
                members.insert("receipt", receipt.clone());
                members.put("spent", *spent);
                members.put("delivered", *delivered);
            }
            Self::Owed { again, .. } => members.put("again", again.as_str()),
            Self::Unknown { .. } | Self::Released { .. } => {}
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(match members.text("end")?.as_str() {
            "settled" => Self::Settled { receipt: members.take("receipt") },
            "refused" => Self::Refused {
                receipt: members.take("receipt"),
                spent: members.flag("spent")?,
                delivered: members.flag("delivered")?,
            },
            "unknown" => Self::Unknown { why: members.text("why")? },
            "owed" => Self::Owed { why: members.text("why")?, again: members.text("again")? },
            "released" => Self::Released { why: members.text("why")? },
            _ => return Err(Unreadable("end")),
        })
    }
}

impl Written for Reply {
    fn to_json(&self) -> Value {
        let tag = match self {
            Self::Admitted { .. } => "admitted",
            Self::Limited { .. } => "limited",
            Self::Used => "used",
            Self::Done => "done",
            Self::Lost => "lost",
            Self::Receipt { .. } => "receipt",
            Self::Nothing => "nothing",
            Self::Journal { .. } => "journal",
        };
        let mut members = Members::tagged("say", tag);
        match self {
            Self::Admitted { free } => members.put("free", *free),
            Self::Limited { retry_after } => members.put("retryAfter", *retry_after),
            Self::Receipt { stands, receipt } => {
                members.put("stands", stands.name());
                members.insert("receipt", receipt.clone().unwrap_or_default());
            }
            Self::Journal { entries } => {
                members.insert("entries", Value::Array(entries.iter().map(Entry::to_json).collect()));
            }
            Self::Used | Self::Done | Self::Lost | Self::Nothing => {}
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        Ok(match members.text("say")?.as_str() {
            "admitted" => Self::Admitted { free: members.flag("free")? },
            "limited" => Self::Limited { retry_after: members.whole("retryAfter")? },
            "used" => Self::Used,
            "done" => Self::Done,
            "lost" => Self::Lost,
            "receipt" => Self::Receipt {
                stands: Stands::from_json(members.take("stands"))?,
                receipt: members.value("receipt"),
            },
            "nothing" => Self::Nothing,
            "journal" => {
                let entries = members.list("entries")?.into_iter().map(Entry::from_json);
                Self::Journal { entries: entries.collect::<Result<_, _>>()? }
            }
            _ => return Err(Unreadable("say")),
        })
    }
}

/// The text of what is written down.
pub(super) fn print(written: &impl Written) -> String {
    use alloc::string::ToString as _;
    written.to_json().to_string()
}

/// What a text says.
pub(super) fn read<T: Written>(text: &str) -> Result<T, Unreadable> {
    T::from_json(crate::engine::parse_json(text.as_bytes()).ok_or(Unreadable("JSON"))?)
}

impl Command {
    /// As it travels to its object.
    #[must_use]
    pub fn to_text(&self) -> String {
        print(self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is no command.
    pub fn from_text(text: &str) -> Result<Self, Unreadable> {
        read(text)
    }
}

impl Reply {
    /// As it travels from its object.
    #[must_use]
    pub fn to_text(&self) -> String {
        print(self)
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is no reply.
    pub fn from_text(text: &str) -> Result<Self, Unreadable> {
        read(text)
    }
}

/// For who keeps them in something else that serde writes.
macro_rules! serde_by_value {
    ($($written:ty),*) => {$(
        impl Serialize for $written {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_json().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $written {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

serde_by_value!(Command, Reply, Entry, Stands, End, Claim, Allowance, Rate);
