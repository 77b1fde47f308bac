use super::Client;
use super::session::{Approve, Session};
use crate::api::Deployment;
use crate::subscriber::{Approval, Offer, Policy, Timeouts};
use crate::transport::Transport;
use crate::wire::{ApiKey, DelegationRef, WireError};
use core::fmt;
use core::time::Duration;
use std::sync::Arc;

/// The options of a [`Client`].
pub struct ClientBuilder<T> {
    transport: T,
    key: ApiKey,
    environment: Option<String>,
    backend: Option<String>,
    delegation: Option<DelegationRef>,
    policy: Policy,
    approve: Option<Approve>,
    timeouts: Timeouts,
    platform_timeout: Duration,
}

impl<T: Transport> ClientBuilder<T> {
    pub(super) fn new(transport: T, api_key: &str) -> Result<Self, WireError> {
        Ok(Self {
            transport,
            key: ApiKey::parse(api_key.trim())?,
            environment: None,
            backend: None,
            delegation: None,
            policy: Policy::default(),
            approve: None,
            timeouts: Timeouts { send: Some(60_000), platform: Some(60_000), approve: None, credits: None },
            platform_timeout: Duration::from_secs(30),
        })
    }

    /// The environment, for a key that does not name it: `sandbox`, `live`, `custom`.
    #[must_use]
    pub fn environment(mut self, name: &str) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// The URL of the platform, for the environment `custom`: a local sandbox.
    #[must_use]
    pub fn backend(mut self, url: &str) -> Self {
        self.backend = Some(url.into());
        self
    }

    /// The delegation to spend from. Without one nothing can be paid: make one with
    /// [`CreateDelegation`](crate::api::delegations::CreateDelegation).
    #[must_use]
    pub fn delegation(mut self, delegation: DelegationRef) -> Self {
        self.delegation = Some(delegation);
        self
    }

    /// The origins that may be paid without a question, and the limits that hold for every payment. The default names no
    /// origin, so that nothing is paid.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The function that is asked about a payment. It is asked one question at a time.
    #[must_use]
    pub fn approve<F, A>(mut self, approve: F) -> Self
    where
        F: Fn(Arc<Offer>) -> A + Send + Sync + 'static,
        A: Future<Output = Approval> + Send + 'static,
    {
        self.approve = Some(Box::new(move |offer| Box::pin(approve(offer))));
        self
    }

    /// How long the steps of a fetch may take. By default a minute for the seller's response to begin and for each call of
    /// the platform.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How long one call of the platform may take, by default 30 seconds.
    #[must_use]
    pub fn platform_timeout(mut self, timeout: Duration) -> Self {
        self.platform_timeout = timeout;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// The environment has another name than those there are, or is `custom` and `backend` is missing or neither HTTPS nor on
    /// this machine.
    pub fn build(self) -> Result<Client<T>, WireError> {
        let environment = Deployment::environment_of(Some(&self.key), self.environment.as_deref())?;
        let deployment = match Deployment::hosted(environment) {
            Some(deployment) => deployment,
            None => Deployment::custom(self.backend.as_deref(), None, None)?,
        };
        let Self { transport, key, delegation, policy, approve, timeouts, platform_timeout, .. } = self;
        let session = Session::new(
            transport,
            key,
            deployment.backend.into_owned(),
            delegation,
            Arc::new(policy),
            approve,
            timeouts,
            platform_timeout,
        );
        Ok(Client { session: Arc::new(session) })
    }
}

impl<T> fmt::Debug for ClientBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
