use super::PaywallLayer;
use super::price_request::PriceRequest;
use super::shared::{ClientAddress, Log, Price, Shared};
use super::speaker::Speaker;
use super::state::State;
use crate::paywall::dialects::{Dialects, Sources};
use crate::paywall::state::ObjectStore;
use crate::paywall::{Bindings, ConfigError, Gate, Settings};
use crate::transport::Transport;
use crate::wire::Credits;
use std::sync::Arc;

/// The options of a [`PaywallLayer`]. The configuration is that of the ready-made Worker, as a document, as variables, or
/// both; the service is the origin, so `ORIGIN_URL` has no place in it.
pub struct PaywallBuilder<T> {
    transport: T,
    sources: Sources,
    state: Option<State>,
    price: Option<Price>,
    client_address: ClientAddress,
    log: Log,
    routed: bool,
}

impl<T: Transport> PaywallBuilder<T> {
    pub(super) fn new(transport: T) -> Self {
        Self {
            transport,
            sources: Sources::default(),
            state: None,
            price: None,
            client_address: Box::new(|_| None),
            log: Arc::new(|line| eprintln!("{line}")),
            routed: true,
        }
    }

    /// The configuration document: routes and settings as JSON, those of other dialects (`mpp`, `x402v1`, `paymentIdentifier`,
    /// `accepts` of a route) too. Values in it override variables.
    ///
    /// # Errors
    /// It is no JSON object, or has a member that is not known.
    pub fn document(mut self, text: &str) -> Result<Self, ConfigError> {
        self.sources.document = Some(Sources::read_document(text)?);
        Ok(self)
    }

    /// A variable of the configuration: `NVM_API_KEY`, `NVM_ENVIRONMENT`, `ROUTES`, `FACILITATOR_HEADERS`, …
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.sources.variables.insert(name.into(), value.into().into());
        self
    }

    /// The state that must be true once: claims on single-use tokens, the journal, rates, allowances, receipts. Without it
    /// options that need a state are refused. [`MemoryStore`](crate::paywall::state::MemoryStore) is for one process,
    /// `sqlite::SqliteStore` survives a restart.
    #[must_use]
    pub fn store(mut self, store: impl ObjectStore) -> Self {
        self.state = Some(State::new(store));
        self
    }

    /// The function that prices routes whose `credits` are `{ "by": "handler", "most": 12 }`: it receives the
    /// request, whose body it may read, and the route's key. `None`, or more than `most`, is a 500.
    ///
    /// ```
    /// use payments_wasm::tower::PriceRequest;
    /// use payments_wasm::wire::Credits;
    ///
    /// // A credit for each word of the question.
    /// async fn price(mut request: PriceRequest, _route: String) -> Option<Credits> {
    ///     Some(Credits::from(request.text().await.ok()?.split_whitespace().count() as u64))
    /// }
    /// ```
    #[must_use]
    pub fn price<F, P>(mut self, price: F) -> Self
    where
        F: Fn(PriceRequest, String) -> P + Send + Sync + 'static,
        P: Future<Output = Option<Credits>> + Send + 'static,
    {
        self.price = Some(Box::new(move |request, route| Box::pin(price(request, route))));
        self
    }

    /// The client's address, for rates and allowances by address: with axum the `ConnectInfo<SocketAddr>` of the
    /// extensions. By default it is not known, unless `ADDRESS_HEADER` names a header of a proxy.
    #[must_use]
    pub fn client_address(
        mut self,
        address: impl Fn(&http::request::Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.client_address = Box::new(address);
        self
    }

    /// The receiver of log lines: warnings of the configuration, requests as JSON (unless `LOG` is off), settlements whose outcome is not known, errors.
    /// By default they are written to standard error.
    #[must_use]
    pub fn log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.log = Arc::new(log);
        self
    }

    /// For a layer around the whole application, before a router has chosen the handler. Without this, as inside
    /// `Router::layer` of axum, a path like `//ask` is refused: the router has matched it as it was received, and the gate
    /// would price another resource.
    #[must_use]
    pub fn before_router(mut self) -> Self {
        self.routed = false;
        self
    }

    /// Reads the configuration, and logs its [`warnings`](Settings::warnings).
    ///
    /// # Errors
    /// The first key that is missing or wrong.
    pub fn build(self) -> Result<PaywallLayer<T>, ConfigError> {
        let bindings = Bindings {
            origin: true,
            state: self.state.is_some(),
            handler: self.price.is_some(),
            ..Bindings::default()
        };
        let mut sources = self.sources;
        let dialects = Dialects::read(&mut sources)?;
        dialects.check_state(self.state.is_some())?;
        let variable = |name: &str| sources.left_variable(name).filter(|_| name != "ORIGIN_URL");
        let gate = Gate::new(Settings::read_document(&sources.left_document()?, variable, bindings)?);
        let dialects = Speaker::new(dialects, &sources);
        let Self { transport, state, price, client_address, log, routed, .. } = self;
        gate.settings().warnings().iter().for_each(|warning| log(warning));
        Ok(PaywallLayer {
            shared: Arc::new(Shared { gate, dialects, transport, state, price, client_address, log, routed }),
        })
    }
}

impl<T> core::fmt::Debug for PaywallBuilder<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PaywallBuilder").finish_non_exhaustive()
    }
}
