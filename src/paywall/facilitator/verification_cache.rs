use crate::paywall::pricing::price::{PaidRoute, PaymentOption};
use crate::paywall::sha256::sha256;
use crate::paywall::vec_map::VecMap;
use crate::wire::Credits;
use alloc::string::String;

/// Positive verifications of this isolate, for seconds (rule 23), and what is owed on the strength of them.
///
/// A positive verification says that a payer held so many credits at one time. What is charged since then, and what is still to be charged,
/// is counted against it, over all routes and tokens of the plan; the receipts say how much is left. What the count does
/// not cover is verified anew.
#[derive(Debug, Default)]
pub(crate) struct VerificationCache {
    yes: VecMap<String, CachedVerification>,
    accounts: VecMap<String, Account>,
}

/// Identifies a remembered verification by token, route and amount, hashed.
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
    /// The credits that the payer certainly held, less those that were charged since.
    credit: Credits,
    /// The credits that requests on their way will be charged.
    owed: Credits,
    /// True if a receipt has stated the remaining balance since the last verification.
    counted: bool,
    /// How many of the verifications that are remembered are of this account.
    remembered: usize,
}

/// How many verifications are remembered; the ones that end first make room.
const MOST: usize = 1024;

impl CacheKey {
    pub(crate) fn new(token: &str, terms: &PaidRoute, way: &PaymentOption, amount: Credits) -> Self {
        let key = sha256([token, &terms.name, way.plan_id.as_str(), &amount.digits()].join("\n").as_bytes());
        Self { key, token: token.into(), plan: way.plan_id.as_str().into(), amount }
    }
}

impl VerificationCache {
    /// Returns the payer, as far as it is known, if this was verified a moment ago and the credits that are owed leave room
    /// for it. The request is then counted as owed.
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
        self.keep(|key, yes| now < yes.until && *key != known.key);
        if self.yes.len() >= MOST
            && let Some(first) = self.yes.iter().min_by_key(|(_, yes)| yes.until).map(|(key, _)| key.clone())
        {
            self.keep(|key, _| *key != first);
        }
        let name =
            [&known.plan, "\n", &payer.as_deref().unwrap_or(&known.token).to_ascii_lowercase()].concat();
        self.accounts.change(name.clone(), |account| {
            account.credit = account.credit.max(known.amount);
            account.owed = account.owed.saturating_add(known.amount);
            account.counted = false;
            account.remembered += 1;
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
        self.keep(|_, yes| yes.token != known.token);
    }

    /// Keeps these verifications, and the accounts that they are of or to which something is owed.
    fn keep(&mut self, stays: impl Fn(&String, &CachedVerification) -> bool) {
        let accounts = &mut self.accounts;
        self.yes.retain(|key, yes| {
            let stays = stays(key, yes);
            if let Some(account) = accounts.get_mut(&yes.account).filter(|_| !stays) {
                account.remembered = account.remembered.saturating_sub(1);
            }
            stays
        });
        self.accounts.retain(|_, account| account.remembered > 0 || !account.owed.is_zero());
    }

    fn account(&mut self, known: &CacheKey) -> Option<&mut Account> {
        let name = &self.yes.get(&known.key)?.account;
        self.accounts.get_mut(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request of 2 credits with a token of its own.
    fn request(index: usize) -> CacheKey {
        CacheKey {
            key: format!("k{index}"),
            token: format!("t{index}"),
            plan: "p".into(),
            amount: Credits::from(2),
        }
    }

    fn payer(index: usize) -> Option<String> {
        Some(format!("0x{index}"))
    }

    #[test]
    fn what_has_ended_and_what_is_too_much_is_dropped() {
        let mut cache = VerificationCache::default();
        for index in 0..MOST {
            // The one in the middle ends first.
            let lasts = if index == MOST / 2 { 10 } else { 20 };
            cache.insert(&request(index), payer(index), 0, lasts);
            cache.release(&request(index));
        }
        assert_eq!((cache.yes.len(), cache.accounts.iter().count()), (MOST, MOST));
        cache.insert(&request(MOST), payer(MOST), 1, 20);
        assert_eq!(cache.yes.len(), MOST);
        assert_eq!(cache.lookup(&request(MOST / 2), 2), None, "the one that ends first made room");
        assert!(cache.lookup(&request(0), 2).is_some() && cache.lookup(&request(MOST - 1), 2).is_some());
        // At their end all are dropped, and the accounts of those to which nothing is owed.
        cache.insert(&request(MOST + 1), payer(MOST + 1), 20, 20);
        assert_eq!(cache.yes.len(), 2, "the last two");
        let mut owing: Vec<_> = cache.accounts.iter().map(|(name, _)| name.clone()).collect();
        owing.sort();
        let mut expected = [0, MOST - 1, MOST, MOST + 1].map(|index| format!("p\n0x{index}"));
        expected.sort();
        assert_eq!(owing, expected, "two were looked up, two are on their way");
    }

    #[test]
    fn receipts_that_come_out_of_order_count_by_the_least() {
        let mut cache = VerificationCache::default();
        let key = request(0);
        let left =
            |cache: &VerificationCache| cache.accounts.iter().next().map(|(_, account)| account.credit);
        cache.insert(&key, payer(0), 0, 100);
        // The first receipt since the verification is believed, and later ones only where they say less.
        for (says, counts) in
            [(Some(9), 9), (Some(20), 9), (Some(7), 7), (None, 5), (Some(6), 5), (Some(1), 1)]
        {
            cache.settled(&key, says.map(Credits::from));
            assert_eq!(left(&cache), Some(Credits::from(counts)), "{says:?}");
        }
        // A verification begins anew, and one that says less than the request costs is worth the request.
        cache.insert(&key, payer(0), 1, 100);
        assert_eq!(left(&cache), Some(Credits::from(2)));
        cache.settled(&key, Some(Credits::from(50)));
        assert_eq!(left(&cache), Some(Credits::from(50)));
    }
}
