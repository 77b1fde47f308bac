//! What a payer holds of a plan, followed as far as one object can: by it a settlement that nobody answered is found out.
//!
//! A second settle of a token that can be used again burns a second time, so it is never sent, and no call says what
//! became of the first. Anyone may read a balance, though. It is read before the first settlement of a payer; receipts
//! say what is left after each; and when nothing is on its way any more, what is missing beyond what the receipts say was
//! burned by those that are not known. Others may burn or buy meanwhile: where the sums do not agree, nothing is concluded.
//! What is concluded moves no money: it is only written down.

use super::book::{self, SOON_MS};
use super::json::{Members, Unreadable, Written};
use super::{Entry, Rows, RowsError, Stands};
use crate::api::plans::GetPlanBalance;
use crate::api::{self, Call as _};
use crate::wire::{Credits, PlanId, Receipt};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

const ACCOUNT: &str = "account";

#[derive(Default)]
struct Account {
    /// Counts whatever changes here: what was asked before a change says nothing after it.
    turn: u64,
    /// What was held when nothing was on its way; nothing where that is not known.
    base: Option<Amount>,
    /// The visits that may burn or may have burned, the oldest first.
    open: Vec<String>,
    /// Whether a settle may have been sent since: what is held is not the base any more.
    begun: bool,
    /// What is known to have been burned since.
    sum: Amount,
    /// What the receipts since then say was held before the first of them and after the last.
    high: Option<Amount>,
    low: Option<Amount>,
    /// Whether a receipt since then does not say what is left.
    partial: bool,
    /// Whether something happened since then that cannot be followed.
    lost: bool,
    /// A balance that was read, at which turn and when.
    seen: Option<(Amount, u64, u64)>,
}

/// Credits, kept as a decimal text.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Amount(Credits);

impl Amount {
    fn read(value: &Value) -> Result<Self, Unreadable> {
        let text = value.as_str().ok_or(Unreadable("credits"))?;
        text.parse().map(Self).map_err(|_| Unreadable("credits"))
    }

    fn maybe(value: Value) -> Result<Option<Self>, Unreadable> {
        (!value.is_null()).then(|| Self::read(&value)).transpose()
    }

    fn text(self) -> String {
        self.0.to_string()
    }
}

impl Written for Account {
    fn to_json(&self) -> Value {
        let text = |amount: Option<Amount>| amount.map(Amount::text);
        let mut members = Members::default();
        members.put("turn", self.turn);
        members.put("base", text(self.base));
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
            open: members.list("open")?.iter().map(visit).collect::<Result<_, _>>()?,
            begun: members.flag("begun")?,
            sum: Amount::read(&members.take("sum"))?,
            high: Amount::maybe(members.take("high"))?,
            low: Amount::maybe(members.take("low"))?,
            partial: members.flag("partial")?,
            lost: members.flag("lost")?,
            seen,
        })
    }
}

/// Whether the balance can tell what became of an entry.
pub(super) enum Ask {
    /// This call does; its answer counts for this turn.
    Now(api::Request, u64),
    /// Not while others are on their way.
    Later,
    /// It cannot.
    Never,
}

/// What the balance says.
pub(super) enum Told {
    /// Of the entries that are open, the oldest first, so many were burned.
    Burned(Vec<Entry>, usize),
    /// Nothing yet.
    NotYet,
    /// The sums do not agree.
    Disagrees,
}

/// Follows what happens to an entry, each time that it is kept.
pub(super) fn follow(rows: &mut impl Rows, entry: &Entry, due: u64) -> Result<(), RowsError> {
    let Some(id) = id(entry) else { return Ok(()) };
    let may_burn = matches!(entry.stands, Stands::Settling | Stands::Unknown | Stands::Owed);
    let mut account: Account = book::get(rows, ACCOUNT, &id)?.unwrap_or_default();
    let place = account.open.iter().position(|visit| *visit == entry.visit);
    match place {
        None if may_burn => {
            account.open.push(entry.visit.clone());
            account.begun |= entry.again.is_some() || account.base.is_some();
        }
        Some(place) if !may_burn => {
            account.open.remove(place);
            account.closed(entry);
        }
        _ => return Ok(()),
    }
    account.turn += 1;
    // It outlives what is open.
    let due = if account.open.is_empty() { due } else { due.saturating_add(book::KEEP_MS) };
    book::put(rows, ACCOUNT, &id, &account, Some(due))
}

/// The balance, to be read before the settle of a visit is sent: where its token can be used again, what is held is not
/// known, and nothing was sent that may change it. Others that come meanwhile read it too.
pub(super) fn before(rows: &impl Rows, visit: &str) -> Result<Option<api::Request>, RowsError> {
    let Some(entry) = book::entry(rows, visit)?.filter(|entry| entry.again.is_none()) else {
        return Ok(None);
    };
    let Some((call, id)) = balance(&entry).zip(id(&entry)) else { return Ok(None) };
    let account: Option<Account> = book::get(rows, ACCOUNT, &id)?;
    Ok(account.filter(|account| account.base.is_none() && !account.begun && !account.lost).map(|_| call))
}

/// Takes what is held before the settle of a visit is sent, if it could be read: of several that read it the first.
pub(super) fn begins(
    rows: &mut impl Rows,
    entry: &Entry,
    held: Option<Credits>,
    now: u64,
) -> Result<(), RowsError> {
    let Some(id) = id(entry) else { return Ok(()) };
    let Some(mut account) = book::get::<Account>(rows, ACCOUNT, &id)? else { return Ok(()) };
    if account.begun {
        return Ok(());
    }
    account.begun = true;
    account.base = held.map(Amount);
    book::put(rows, ACCOUNT, &id, &account, Some(now.saturating_add(book::KEEP_MS)))
}

/// Whether the balance can be asked what became of an entry.
pub(super) fn ask(rows: &impl Rows, entry: &Entry) -> Result<Ask, RowsError> {
    let Some((call, id)) = balance(entry).zip(id(entry)) else { return Ok(Ask::Never) };
    let account: Account = book::get(rows, ACCOUNT, &id)?.unwrap_or_default();
    if account.base.is_none() || account.lost {
        return Ok(Ask::Never);
    }
    for visit in account.open.iter().filter(|visit| **visit != entry.visit) {
        let other = book::entry(rows, visit)?;
        if other.is_some_and(|other| other.stands != Stands::Unknown || other.again.is_some()) {
            return Ok(Ask::Later);
        }
    }
    Ok(Ask::Now(call, account.turn))
}

/// What a balance that was read says of the entries that are open.
///
/// That all of them were burned is believed at once. That one was not is believed only when the same is read again later:
/// a settle may be late.
pub(super) fn told(
    rows: &mut impl Rows,
    entry: &Entry,
    turn: u64,
    held: Credits,
    now: u64,
) -> Result<Told, RowsError> {
    let Some(id) = id(entry) else { return Ok(Told::Disagrees) };
    let mut account: Account = book::get(rows, ACCOUNT, &id)?.unwrap_or_default();
    if account.turn != turn {
        return Ok(Told::NotYet);
    }
    let mut open = Vec::new();
    for visit in &account.open {
        open.extend(book::entry(rows, visit)?);
    }
    let Some(burned) = account.missing(held).and_then(|missing| how_many(&open, missing)) else {
        return Ok(Told::Disagrees);
    };
    let again = account.seen.is_some_and(|(seen, at_turn, at)| {
        (seen, at_turn) == (Amount(held), turn) && now.saturating_sub(at) >= SOON_MS
    });
    if burned == open.len() || again {
        return Ok(Told::Burned(open, burned));
    }
    if account.seen.is_none_or(|(seen, at_turn, _)| (seen, at_turn) != (Amount(held), turn)) {
        account.seen = Some((Amount(held), turn, now));
        book::put(rows, ACCOUNT, &id, &account, Some(now.saturating_add(book::KEEP_MS)))?;
    }
    Ok(Told::NotYet)
}

/// How many of some entries were burned where so many credits are missing; nothing where that is not clear.
fn how_many(open: &[Entry], missing: Credits) -> Option<usize> {
    let amounts: Option<Vec<Credits>> = open.iter().map(|entry| entry.credits.parse().ok()).collect();
    let amounts = amounts?;
    let mut sum = Credits::ZERO;
    let same = amounts.windows(2).all(|pair| pair.first() == pair.last());
    for (count, amount) in amounts.iter().enumerate() {
        // Of different amounts it is all or none: others might add up by chance.
        if sum == missing && (same || count == 0) {
            return Some(count);
        }
        sum = sum.checked_add(*amount)?;
    }
    (sum == missing).then_some(amounts.len())
}

impl Account {
    /// An entry came to its end.
    fn closed(&mut self, entry: &Entry) {
        match entry.stands {
            Stands::Settled => self.burned(entry),
            Stands::Unresolved => self.lost = true,
            _ => {}
        }
        if self.open.is_empty() {
            let base = self.now_held();
            *self = Self { turn: self.turn, base, ..Self::default() };
        }
    }

    fn burned(&mut self, entry: &Entry) {
        let text = entry.receipt.as_ref().map(ToString::to_string).unwrap_or_default();
        let receipt = Receipt::from_json(text.as_bytes()).ok();
        let redeemed = receipt.as_ref().and_then(Receipt::credits_redeemed);
        let redeemed = redeemed.or_else(|| entry.credits.parse().ok()).unwrap_or_default();
        // Something was bought on the way.
        self.lost |= receipt.as_ref().is_some_and(|receipt| receipt.text("orderTx").is_some());
        self.sum = Amount(self.sum.0.saturating_add(redeemed));
        let Some(left) = receipt.and_then(|receipt| receipt.remaining_balance()) else {
            self.partial = true;
            return;
        };
        let before = left.saturating_add(redeemed);
        self.high = Some(Amount(self.high.map_or(before, |high| high.0.max(before))));
        self.low = Some(Amount(self.low.map_or(left, |low| low.0.min(left))));
    }

    /// What is held now that nothing is on its way.
    fn now_held(&self) -> Option<Amount> {
        if self.lost {
            return None;
        }
        let counted = || self.base?.0.checked_sub(self.sum.0).map(Amount);
        match (self.high, self.low) {
            // The receipts account for each other: nobody else was at it.
            (Some(high), Some(low)) if !self.partial => {
                (high.0.checked_sub(low.0) == Some(self.sum.0)).then_some(low)
            }
            _ => counted(),
        }
    }

    /// What is missing beyond what is known to have been burned.
    fn missing(&self, held: Credits) -> Option<Credits> {
        let base = self.base?.0;
        if self.lost
            || self.high.is_some_and(|high| high.0 > base)
            || self.low.is_some_and(|low| low.0 < held)
        {
            return None;
        }
        base.checked_sub(self.sum.0)?.checked_sub(held)
    }
}

fn id(entry: &Entry) -> Option<String> {
    Some(format!("{}\n{}", entry.plan, entry.payer.as_ref()?.to_ascii_lowercase()))
}

fn balance(entry: &Entry) -> Option<api::Request> {
    let holder = entry.payer.clone().filter(|payer| GetPlanBalance::is_address(payer))?;
    let plan_id = PlanId::parse(&entry.plan, "planId").ok()?;
    Some(GetPlanBalance { plan_id, holder }.request())
}

/// What an answer to the call says is held.
pub(super) fn held(entry: &Entry, answer: &api::Response) -> Option<Credits> {
    let plan_id = PlanId::parse(&entry.plan, "planId").ok()?;
    let call = GetPlanBalance { plan_id, holder: entry.payer.clone()? };
    Some(call.parse(answer).ok()?.balance)
}
