//! What a payer holds of a plan, followed as far as one object can: by it a settlement that nobody answered is found out.
//!
//! A second settle of a token that can be used again burns a second time, and no call says what became of the first.
//! Anyone may read a balance, though. It is read before the settlement of a payer of whom nothing was heard for a while;
//! receipts say what is left after each; and when nothing is on its way any more, what is missing beyond what the receipts
//! say was burned by those that are not known. So many are settled; the others are settled again, where nothing else can
//! explain what the balance says:
//!
//! - a settle that is late: it is believed to be still on its way for a while (`Entry::late`), and after that the balance
//!   has to say the same twice;
//! - somebody who burns too: then more is missing, and fewer are settled again than might be;
//! - somebody who buys too, or a settle that did: an order adds more than all of them could burn, so it does not hide, and
//!   a plan of which it does not is never settled again. Only orders *and* burns of others that even out to the credit,
//!   between two looks, could: so what is looked at is minutes, not days ([`WINDOW_MS`]);
//! - a settle that burns another amount than it was asked to, or later: where the plan says so, or the route (a margin, a
//!   batch), nothing is concluded, or nothing is settled again.
//!
//! Where the sums do not agree, it is for the seller to look into.

mod form;

use super::book::{self, SOON_MS};
use super::{Entry, Rows, RowsError, Stands};
use crate::api::plans::{GetPlanBalance, GetPlanCredits, PlanCredits};
use crate::api::{self, Call as _};
use crate::wire::{Credits, PlanId, Receipt};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use form::Amount;

const ACCOUNT: &str = "account";
/// For how long what is held is not read again before a settlement, in milliseconds: who else has an eye on the plan may
/// have bought or burned meanwhile.
const FRESH_MS: u64 = 60_000;
/// For how long after what is held was known the balance can prove that something was not burned, in milliseconds.
const WINDOW_MS: u64 = 3_600_000;

#[derive(Default)]
struct Account {
    /// Counts whatever changes here: what was asked before a change says nothing after it.
    turn: u64,
    /// What was held when nothing was on its way; nothing where that is not known.
    base: Option<Amount>,
    /// When that was.
    at: u64,
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
    /// What an order adds and a settle burns, where it was asked.
    plan: Option<PlanCredits>,
    /// Whether something was settled that burns what nobody can foresee, or later than it says.
    blurred: bool,
}

/// Whether the balance can tell what became of an entry.
pub(super) enum Ask {
    /// This call does; its answer counts for this turn.
    Now(api::Request, u64),
    /// It does, and before something is settled again by it, this call says what the plan's numbers are.
    Plan(api::Request),
    /// Not while others are on their way.
    Later,
    /// It cannot.
    Never,
}

/// What the balance says.
pub(super) enum Told {
    /// What became of the entries that are open.
    Counted(Counted),
    /// Nothing yet.
    NotYet,
    /// Not all were burned, if it says the same again.
    Once,
    /// The sums do not agree.
    Disagrees,
}

/// What became of the entries that are open.
pub(super) struct Counted {
    /// The oldest first.
    pub(super) open: Vec<Entry>,
    /// So many of them were burned.
    pub(super) burned: usize,
    /// Whether it is certain of the others that they were not.
    pub(super) certain: bool,
}

/// Follows what happens to an entry, each time that it is kept.
pub(super) fn follow(rows: &mut impl Rows, entry: &Entry, due: u64, now: u64) -> Result<(), RowsError> {
    let Some(id) = id(entry) else { return Ok(()) };
    let may_burn = matches!(entry.stands, Stands::Settling | Stands::Unknown | Stands::Owed);
    let mut account: Account = book::get(rows, ACCOUNT, &id)?.unwrap_or_default();
    let place = account.open.iter().position(|visit| *visit == entry.visit);
    match place {
        None if may_burn => {
            // A single-use token is settled without a look; another where what is held is known well enough, or while
            // somebody looks already.
            let known = account.base.is_some() && now.saturating_sub(account.at) <= FRESH_MS;
            account.begun |= entry.nonce.is_some() || (account.open.is_empty() && known);
            account.open.push(entry.visit.clone());
            account.blurred |= entry.blurred;
        }
        Some(place) if !may_burn => {
            account.open.remove(place);
            account.closed(entry, now);
        }
        _ => return Ok(()),
    }
    account.turn += 1;
    // It outlives what is open.
    let due = if account.open.is_empty() { due } else { due.saturating_add(book::KEEP_MS) };
    book::put(rows, ACCOUNT, &id, &account, Some(due))
}

/// The balance, to be read before the settle of a visit is sent: where its token can be used again, what is held is not
/// known or was known too long ago, and nothing was sent that may change it. Others that come meanwhile read it too.
pub(super) fn before(rows: &impl Rows, visit: &str) -> Result<Option<api::Request>, RowsError> {
    let Some(entry) = book::entry(rows, visit)?.filter(|entry| entry.nonce.is_none()) else {
        return Ok(None);
    };
    let Some((call, id)) = balance(&entry).zip(id(&entry)) else { return Ok(None) };
    let account: Option<Account> = book::get(rows, ACCOUNT, &id)?;
    Ok(account.filter(|account| !account.begun && !account.lost).map(|_| call))
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
    // What could not be read is as it was known before, if it was.
    if let Some(held) = held {
        account.base = Some(Amount(held));
        account.at = now;
    }
    book::put(rows, ACCOUNT, &id, &account, Some(now.saturating_add(book::KEEP_MS)))
}

/// Whether the balance can be asked what became of an entry.
pub(super) fn ask(rows: &impl Rows, entry: &Entry) -> Result<Ask, RowsError> {
    let Some((call, id)) = balance(entry).zip(id(entry)) else { return Ok(Ask::Never) };
    let account: Account = book::get(rows, ACCOUNT, &id)?.unwrap_or_default();
    if account.base.is_none() || account.lost || account.blurred {
        return Ok(Ask::Never);
    }
    for visit in account.open.iter().filter(|visit| **visit != entry.visit) {
        let other = book::entry(rows, visit)?;
        if other.is_some_and(|other| !is_silent(&other)) {
            return Ok(Ask::Later);
        }
    }
    if account.seen.is_some() && account.plan.is_none() && entry.again.is_some() {
        let plan_id = PlanId::parse(&entry.plan, "planId").ok();
        return Ok(plan_id.map_or(Ask::Never, |plan_id| Ask::Plan(GetPlanCredits { plan_id }.request())));
    }
    Ok(Ask::Now(call, account.turn))
}

/// Takes what a plan says of its credits; of one that does not say it nothing is certain.
pub(super) fn plan(
    rows: &mut impl Rows,
    entry: &Entry,
    answer: &api::Response,
    now: u64,
) -> Result<(), RowsError> {
    let Some(id) = id(entry) else { return Ok(()) };
    let mut account: Account = book::get(rows, ACCOUNT, &id)?.unwrap_or_default();
    let plan_id = PlanId::parse(&entry.plan, "planId").ok();
    let plan = plan_id.and_then(|plan_id| GetPlanCredits { plan_id }.parse(answer).ok());
    account.plan = Some(plan.unwrap_or_default());
    book::put(rows, ACCOUNT, &id, &account, Some(now.saturating_add(book::KEEP_MS)))
}

/// What a balance that was read says of the entries that are open.
///
/// That all of them were burned is believed at once. That one was not is believed only when none of them can arrive any
/// more, and when the same is read again later.
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
    if !open.iter().all(is_silent) {
        return Ok(Told::NotYet);
    }
    let Some(burned) = account.missing(held).and_then(|missing| how_many(&open, missing)) else {
        return Ok(Told::Disagrees);
    };
    let late = open.iter().map(|entry| entry.late).max().unwrap_or_default();
    let again = account.seen.is_some_and(|(seen, at_turn, at)| {
        (seen, at_turn) == (Amount(held), turn) && now.saturating_sub(at) >= SOON_MS
    });
    if burned == open.len() || again {
        let certain = account.is_certain(&open, burned, now);
        return Ok(Told::Counted(Counted { open, burned, certain }));
    }
    // It never grows by itself: what is more later was bought.
    account.low = Some(Amount(account.low.map_or(held, |low| low.0.min(held))));
    let said = now >= late;
    if said && account.seen.is_none_or(|(seen, at_turn, _)| (seen, at_turn) != (Amount(held), turn)) {
        account.seen = Some((Amount(held), turn, now));
    }
    book::put(rows, ACCOUNT, &id, &account, Some(now.saturating_add(book::KEEP_MS)))?;
    Ok(if said { Told::Once } else { Told::NotYet })
}

/// Takes what is held now that it is known what became of all that had been sent.
pub(super) fn counted(rows: &mut impl Rows, entry: &Entry, held: Credits, now: u64) -> Result<(), RowsError> {
    let Some(id) = id(entry) else { return Ok(()) };
    let Some(account) = book::get::<Account>(rows, ACCOUNT, &id)? else { return Ok(()) };
    let Account { turn, open, begun, plan, .. } = account;
    let base = Some(Amount(held));
    let account = Account { turn: turn + 1, base, at: now, open, begun, plan, ..Account::default() };
    book::put(rows, ACCOUNT, &id, &account, Some(now.saturating_add(book::KEEP_MS)))
}

/// Whether nothing is on its way for an entry that is open, but what may be late.
fn is_silent(entry: &Entry) -> bool {
    entry.stands == Stands::Unknown && entry.nonce.is_none()
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
    fn closed(&mut self, entry: &Entry, now: u64) {
        match entry.stands {
            Stands::Settled => self.burned(entry),
            Stands::Unresolved => self.lost = true,
            _ => {}
        }
        if self.open.is_empty() {
            let base = self.now_held();
            // Where the receipts say it, it is as new as they are.
            let at = if base.is_some() && base == self.low { now } else { self.at };
            *self = Self { turn: self.turn, base, at, blurred: self.blurred, ..Self::default() };
        }
    }

    /// Whether nothing but the entries that are open can explain what the balance says, so that what was not burned may be
    /// settled again.
    fn is_certain(&self, open: &[Entry], burned: usize, now: u64) -> bool {
        let Some(plan) = &self.plan else { return false };
        let mut most = Credits::ZERO;
        let mut exact = true;
        for entry in open {
            let Ok(asked) = entry.credits.parse() else { return false };
            let burns = plan.burns(asked);
            most = most.saturating_add(burns.max(asked));
            exact &= burns == asked;
        }
        // What was burned by those that are known has to be known from their receipts.
        let sure = !self.partial && (burned == 0 || exact);
        sure && most < plan.amount && now.saturating_sub(self.at) <= WINDOW_MS
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
