use super::action::{Action, RequestHead};
use super::config::settings::Settings;
use super::facilitator::plan_terms::PlanQuery;
#[cfg(any(test, feature = "paywall"))]
use super::observe::span::Span;
use super::request_flow::RequestFlow;
use super::shared::Shared;
use super::state::{self, Job, Rows, RowsError};
use crate::api;
use alloc::string::String;

/// The gate in front of an origin: it opens one [`RequestFlow`] for each request. Between two requests it remembers
/// positive verifications, for as long as the settings say (rule 23), and the terms of plans.
///
/// A clone shares all of it.
#[derive(Debug, Clone)]
pub struct Gate {
    pub(crate) shared: Shared,
}

impl Gate {
    /// A gate with checked settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { shared: Shared::new(settings) }
    }

    /// The same gate with other settings: the terms of plans and the counters are kept, the verifications are not.
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self { shared: self.shared.with_settings(settings) }
    }

    /// The seller's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Opens the flow of a request, and returns the first action.
    #[must_use]
    pub fn open(&self, request: &RequestHead) -> (RequestFlow, Action) {
        RequestFlow::open(&self.shared, request)
    }

    /// Counts a wait for the origin of a request that was [passed](RequestFlow::pass), in milliseconds.
    #[cfg(any(test, feature = "paywall"))]
    pub(crate) fn waited_for_origin(&self, milliseconds: u64) {
        self.shared.counters.waited(Span::Origin, milliseconds);
    }

    /// A plan whose terms are to be asked for again, if there is one. Best called after an answer was given, when nobody
    /// waits. Each plan is returned once in some seconds.
    #[must_use]
    pub fn stale_plan(&self, now: u64) -> Option<PlanQuery> {
        self.shared.plans.stale(now)
    }

    /// Takes the platform's answer to a [`PlanQuery`]; `None` where it did not answer. Terms that were known stay known then. `now` is in
    /// milliseconds since 1970.
    pub fn learn(&self, query: &PlanQuery, answer: Option<&api::Response>, now: u64) {
        self.shared.plans.learn(query, answer, self.settings().environment(), now);
    }

    /// Does the next thing that is due in an object of the state, as [`state::due`], and counts a settlement whose outcome
    /// will not be known.
    /// `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// The storage fails.
    pub fn due(
        &self,
        rows: &mut impl Rows,
        now: u64,
        log: &mut impl FnMut(String),
    ) -> Result<Option<Job>, RowsError> {
        let job = state::due(rows, now, log)?;
        if let Some(route) = job.as_ref().and_then(|job| job.lapsed.as_ref()) {
            self.shared.counters.unresolved(route);
        }
        Ok(job)
    }
}
