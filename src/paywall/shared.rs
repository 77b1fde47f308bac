//! The values that all requests of one gate share.

use super::config::settings::Settings;
use super::facilitator::plan_terms::PlanCache;
use super::facilitator::verification_cache::VerificationCache;
use super::observe::counters::Counters;
use super::response::offer_cache::OfferCache;
use alloc::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The settings of a gate, and its memory between two requests.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    verifications: Arc<Mutex<VerificationCache>>,
    pub(crate) plans: Arc<PlanCache>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) offers: Arc<OfferCache>,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            verifications: Arc::default(),
            plans: Arc::default(),
            counters: Arc::default(),
            offers: Arc::default(),
        }
    }

    /// The same with other settings: the terms of plans and the counters are kept, the verifications are not.
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            verifications: Arc::default(),
            offers: Arc::default(),
            ..self.clone()
        }
    }

    /// The positive verifications (rule 23).
    pub(crate) fn verifications(&self) -> MutexGuard<'_, VerificationCache> {
        // Every change of it is complete before anything can panic.
        self.verifications.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
