//! How an account is written down.

use super::Account;
use crate::api::plans::PlanCredits;
use crate::paywall::state::json::{Members, Unreadable, Written};
use crate::wire::Credits;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

/// Credits, kept as a decimal text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount(pub(super) Credits);

impl Amount {
    pub(super) fn read(value: &Value) -> Result<Self, Unreadable> {
        let text = value.as_str().ok_or(Unreadable("credits"))?;
        text.parse().map(Self).map_err(|_| Unreadable("credits"))
    }

    fn maybe(value: Value) -> Result<Option<Self>, Unreadable> {
        (!value.is_null()).then(|| Self::read(&value)).transpose()
    }

    pub(super) fn text(self) -> String {
        self.0.to_string()
    }
}

impl Written for Account {
    fn to_json(&self) -> Value {
        let text = |amount: Option<Amount>| amount.map(Amount::text);
        let mut members = Members::default();
        members.put("turn", self.turn);
        members.put("base", text(self.base));
        members.put("at", self.at);
        members.put("open", self.open.as_slice());
        members.put("begun", self.begun);
        members.put("sum", self.sum.text());
        members.put("high", text(self.high));
        members.put("low", text(self.low));
        members.put("partial", self.partial);
        members.put("lost", self.lost);
        if let Some((held, turn, at)) = self.seen {
            members.put("seen", Vec::from([Value::from(held.text()), turn.into(), at.into()]));
        }
        if let Some(plan) = self.plan {
            members.insert("plan", plan.to_value());
        }
        if self.blurred {
            members.put("blurred", true);
        }
        members.done()
    }

    fn from_json(value: Value) -> Result<Self, Unreadable> {
        let mut members = Members::of(value)?;
        let visit = |value: &Value| value.as_str().map(Into::into).ok_or(Unreadable("open"));
        let seen = match members.take("seen").as_array().map(Vec::as_slice) {
            Some([held, turn, at]) => {
                let whole = |value: &Value| value.as_u64().ok_or(Unreadable("seen"));
                Some((Amount::read(held)?, whole(turn)?, whole(at)?))
            }
            _ => None,
        };
        Ok(Self {
            turn: members.whole("turn")?,
            base: Amount::maybe(members.take("base"))?,
            // One that was written before this was known is old.
            at: if members.has("at") { members.whole("at")? } else { 0 },
            open: members.list("open")?.iter().map(visit).collect::<Result<_, _>>()?,
            begun: members.flag("begun")?,
            sum: Amount::read(&members.take("sum"))?,
            high: Amount::maybe(members.take("high"))?,
            low: Amount::maybe(members.take("low"))?,
            partial: members.flag("partial")?,
            lost: members.flag("lost")?,
            seen,
            plan: PlanCredits::read(&members.take("plan")),
            blurred: members.has("blurred"),
        })
    }
}
