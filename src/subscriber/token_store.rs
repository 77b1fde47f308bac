use super::capped::{self, MAX_REMEMBERED};
use super::{CallWork, DialectKind, Offer};
use crate::api::x402::{Binding, GetAccessToken};
use crate::api::{Call as _, Request};
use crate::wire::{AccessToken, DelegationRef, Secret};
use alloc::{string::String, sync::Arc, vec::Vec};

/// The use that a token is good for. It goes to one origin (rule 6), for what it was minted for (rule 4): one plan and agent,
/// from one delegation, and one resource and method where it was asked for as a single-use token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenKey {
    origin: String,
    dialect: Option<DialectKind>,
    /// The offer that a wallet signs for.
    handle: String,
    pub(crate) call: GetAccessToken,
}

impl TokenKey {
    pub(crate) fn new(offer: &Offer, delegation_id: DelegationRef, binding: Option<Binding>) -> Arc<Self> {
        let dialect = offer.dialect();
        let binding = binding.filter(|_| dialect.is_none());
        let handle = dialect.filter(|_| offer.is_money()).map(|dialect| dialect.handle.clone());
        Arc::new(Self {
            origin: offer.target.origin.clone(),
            dialect: dialect.map(|dialect| dialect.kind),
            handle: handle.unwrap_or_default(),
            call: GetAccessToken {
                scheme: offer.scheme(),
                network: offer.network().into(),
                plan_id: offer.plan_id().clone(),
                agent_id: offer.agent_id().cloned(),
                delegation_id,
                binding,
            },
        })
    }

    /// The call that gets a token, and its kind.
    pub(crate) fn request(&self) -> (Request, CallWork) {
        match self.dialect {
            Some(DialectKind::Exact) => (Request::post("/", Some(self.handle.clone())), CallWork::Sign),
            Some(DialectKind::Mpp) => {
                (Request { path: MPP_PERMISSIONS.into(), ..self.call.request() }, CallWork::Mint)
            }
            None => (self.call.request(), CallWork::Mint),
        }
    }

    /// True if a wallet signs. Each payment then has a signature of its own, which is not kept for anything else.
    pub(crate) fn is_signed(&self) -> bool {
        self.dialect == Some(DialectKind::Exact)
    }
}

/// Where the platform mints tokens for MPP (section 4.7).
const MPP_PERMISSIONS: &str = "/api/v1/mpp/permissions";

/// Tokens at hand, in memory only. A reusable one stays until it ends or is refused, a single-use one leaves as it is
/// handed out (rule 5).
#[derive(Debug, Default)]
pub(crate) struct TokenStore {
    held: Vec<StoredToken>,
    /// The keys for which the platform gave single-use tokens.
    single_use: Vec<Arc<TokenKey>>,
}

#[derive(Debug)]
struct StoredToken {
    key: Arc<TokenKey>,
    token: AccessToken,
    /// When it ends, in seconds since 1970; `None` where it does not say, or where this machine's clock, being fast, had it
    /// ended when it came. Such a token is good until it is refused.
    ends: Option<u64>,
}

/// How many tokens are kept; the oldest goes first.
const MAX_HELD: usize = 256;
/// How much sooner than it says a token is taken for ended, in seconds: clocks differ, and a request takes time.
const SKEW_SECS: u64 = 30;

/// True if a token that ends then, in seconds since 1970, is still good at `now`, in milliseconds.
fn is_ahead(end: u64, now: u64) -> bool {
    end > now / 1000 + SKEW_SECS
}

impl TokenStore {
    /// A token for `key` that is good at `now` (milliseconds since 1970), and whether it can be presented once only.
    pub(crate) fn take(&mut self, key: &TokenKey, now: u64) -> Option<(Secret, bool)> {
        self.held.retain(|held| held.ends.is_none_or(|end| is_ahead(end, now)));
        let index = self.held.iter().position(|held| *held.key == *key)?;
        let StoredToken { token, .. } = self.held.get(index)?;
        let (secret, single_use) = (token.secret().clone(), token.is_single_use());
        if single_use {
            self.held.remove(index);
        }
        Some((secret, single_use))
    }

    /// How many tokens are at hand for `key`.
    pub(crate) fn count(&self, key: &TokenKey) -> usize {
        self.held.iter().filter(|held| *held.key == *key).count()
    }

    /// A token that came at `now` (milliseconds since 1970).
    pub(crate) fn put(&mut self, key: Arc<TokenKey>, token: AccessToken, now: u64) {
        if !token.is_single_use() {
            self.held.retain(|held| held.key != key);
        }
        let ends = token.expires_at().filter(|end| is_ahead(*end, now));
        capped::push(&mut self.held, StoredToken { key, token, ends }, MAX_HELD);
    }

    /// A token was refused: it is not handed out again. Another that has taken its place stays.
    pub(crate) fn discard(&mut self, refused: &Secret) {
        self.held.retain(|held| held.token.secret() != refused);
    }

    /// True if the platform gives single-use tokens for `key`.
    pub(crate) fn is_single_use(&self, key: &TokenKey) -> bool {
        self.single_use.iter().any(|known| **known == *key)
    }

    /// The platform gave a single-use token for `key`.
    pub(crate) fn record_single_use(&mut self, key: &Arc<TokenKey>) {
        if !self.is_single_use(key) {
            capped::push(&mut self.single_use, key.clone(), MAX_REMEMBERED);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.single_use.clear();
    }
}
