use crate::paywall::pricing::price::{PaidRoute, PaymentOption};
use crate::paywall::sha256::sha256;
use crate::paywall::vec_map::VecMap;
use crate::wire::Credits;
use alloc::{format, string::String};

/// Positive verifications of this isolate, for seconds (rule 23), and what is owed on the strength of them.
///
/// A yes says that a payer held so many credits at a moment. What is charged since then, and what is still to be charged,
/// is counted against it, over all routes and tokens of the plan; the receipts say how much is left. What the count does
/// not cover is verified anew.
#[derive(Debug, Default)]
pub(crate) struct VerificationCache {
    yes: VecMap<String, CachedVerification>,
    accounts: VecMap<String, Account>,
}

/// What a verification is remembered by: token, route and amount, hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheKey {
    key: String,
    token: String,
    plan: String,
    amount: Credits,
}

#[derive(Debug)]
struct CachedVerification {
    until: u64,
    token: String,
    account: String,
    payer: Option<String>,
}

#[derive(Debug, Default)]
struct Account {
    /// What the payer surely held, less what was charged since.
    credit: Credits,
    /// What requests on their way will be charged.
    owed: Credits,
    /// Whether a receipt has said what is left since the last verification.
    counted: bool,
}

/// How many verifications are remembered; the ones that end first make room.
const MOST: usize = 1024;

impl CacheKey {
    pub(crate) fn new(token: &str, terms: &PaidRoute, way: &PaymentOption, amount: Credits) -> Self {
        let key = sha256(format!("{token}\n{}\n{}\n{amount}", terms.name, way.plan_id.as_str()).as_bytes());
        Self { key, token: token.into(), plan: way.plan_id.as_str().into(), amount }
    }
}

impl VerificationCache {
    /// Whether this was verified a moment ago and what is owed leaves room for it: the payer then, and it is counted.
    pub(crate) fn lookup(&mut self, known: &CacheKey, now: u64) -> Option<Option<String>> {
        let yes = self.yes.get(&known.key).filter(|yes| now < yes.until)?;
        let account = self.accounts.get_mut(&yes.account)?;
        let owed = account.owed.saturating_add(known.amount);
        if owed > account.credit {
            return None;
        }
        account.owed = owed;
        Some(yes.payer.clone())
    }

    /// A yes of the facilitator, for a request that is on its way now.
    pub(crate) fn insert(&mut self, known: &CacheKey, payer: Option<String>, now: u64, lasts: u64) {
        self.yes.retain(|_, yes| now < yes.until);
        if self.yes.len() >= MOST
            && let Some(first) = self.yes.iter().min_by_key(|(_, yes)| yes.until).map(|(key, _)| key.clone())
        {
            self.yes.retain(|key, _| *key != first);
        }
        let accounts = &self.yes;
        self.accounts.retain(|name, account| {
            !account.owed.is_zero() || accounts.iter().any(|(_, yes)| yes.account == *name)
        });
        let name =
            format!("{}\n{}", known.plan, payer.as_deref().unwrap_or(&known.token).to_ascii_lowercase());
        self.accounts.change(name.clone(), |account| {
            account.credit = account.credit.max(known.amount);
            account.owed = account.owed.saturating_add(known.amount);
            account.counted = false;
        });
        let yes = CachedVerification {
            until: now.saturating_add(lasts),
            token: known.token.clone(),
            account: name,
            payer,
        };
        self.yes.insert(known.key.clone(), yes);
    }

    /// The request was charged; `left` is what the receipt says is left.
    pub(crate) fn settled(&mut self, known: &CacheKey, left: Option<Credits>) {
        let Some(account) = self.account(known) else { return };
        account.owed = account.owed.saturating_sub(known.amount);
        account.credit = match left {
            Some(left) if account.counted => account.credit.min(left),
            Some(left) => left,
            None => account.credit.saturating_sub(known.amount),
        };
        account.counted |= left.is_some();
    }

    /// The request was not charged.
    pub(crate) fn release(&mut self, known: &CacheKey) {
        if let Some(account) = self.account(known) {
            account.owed = account.owed.saturating_sub(known.amount);
        }
    }

    /// A settlement was refused, or nobody knows: no yes for this token stands (rule 23), and nothing is believed of its
    /// payer until it is verified anew.
    pub(crate) fn forget(&mut self, known: &CacheKey) {
        if let Some(account) = self.account(known) {
            account.owed = account.owed.saturating_sub(known.amount);
            account.credit = Credits::ZERO;
        }
        self.yes.retain(|_, yes| yes.token != known.token);
    }

    fn account(&mut self, known: &CacheKey) -> Option<&mut Account> {
        let name = &self.yes.get(&known.key)?.account;
        self.accounts.get_mut(name)
    }
}
