use super::client::Client;
use super::config::origin::Origin;
use super::config::settings::Settings;
use super::endpoints::receipts;
use super::facilitator::plan_terms::PlanCache;
use super::facilitator::verification_cache::VerificationCache;
use super::flow::admission::PendingPayment;
use super::http::headers;
use super::http::headers::HeaderList;
use super::http::method::Method;
use super::http::path;
use super::http::path::{CanonicalPath, Target};
use super::observe::counters::Counters;
use super::observe::request_log::RequestLog;
use super::observe::settlement_log::SettlementLogLine;
use super::pricing::price::PriceError;
use super::pricing::settlement_policy::{Meter, Settlement};
use super::request_flow::{RequestFlow, Stage};
use super::response::gate_response::GateResponse;
use super::routing::route_table::Listing;
use super::state::StateCall;
use crate::api;
use alloc::{format, rc::Rc, string::String, vec::Vec};
use core::cell::RefCell;

/// The gate in front of an origin: opens one [`RequestFlow`] a request. What it remembers between two of them are positive
/// verifications, for as long as the settings say (rule 23), and what plans say of themselves.
#[derive(Debug, Clone)]
pub struct Gate {
    settings: Rc<Settings>,
    cache: Rc<RefCell<VerificationCache>>,
    pub(crate) plans: Rc<PlanCache>,
    pub(crate) counters: Rc<Counters>,
}

/// A request without its body: what the gate decides by.
#[derive(Debug, Clone, Default)]
pub struct RequestHead {
    /// The method as it came.
    pub method: String,
    /// The absolute URL as the runtime says it.
    pub url: String,
    /// All headers.
    pub headers: HeaderList,
    /// The client's address, as the runtime knows it: never what a header says, unless the seller names that header.
    pub address: Option<String>,
    /// Whether somebody's router has chosen already, by the path as it came, what is to answer this. A path in any other than
    /// its canonical spelling is refused then: the gate would price one resource, and another would be delivered.
    pub routed: bool,
    /// Whether the body was read, or is being read, by somebody before the gate, so that it cannot be sent on.
    pub body_gone: bool,
    /// Chance, new for each request and not to be guessed: the visit and its receipt are known by it.
    pub seed: [u8; 16],
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

/// What the shell is to do next. After [`Respond`](Self::Respond), [`Finish`](Self::Finish), and a
/// [`Deliver`](Self::Deliver) without a [`meter`](Delivery::meter) the visit is over: what [`RequestFlow::take_deferred`] has then goes to
/// the state, while nobody waits.
#[derive(Debug)]
pub enum Action {
    /// Answer with this. An origin's response in hand is cancelled, none of it delivered.
    Respond(GateResponse),
    /// Send this to the facilitator, with the seller's key, within the timeout, following no redirect; then report
    /// [`Event::Answered`](super::Event::Answered) or [`Event::Unanswered`](super::Event::Unanswered).
    Call(api::Request),
    /// Tell this to the object of that name and report [`Event::State`](super::Event::State), or
    /// [`Event::StateFailed`](super::Event::StateFailed) where it did not answer. Never asked where the settings say that
    /// there is no state.
    State(StateCall),
    /// Wait for so many milliseconds and report [`Event::Waited`](super::Event::Waited): another request asks already what
    /// this one has to know.
    Wait(u32),
    /// Ask the seller what this request costs and report [`Event::Price`](super::Event::Price). Never asked where no route
    /// is priced by a handler.
    Price(PriceQuestion),
    /// Send the request on with its own body, following no redirect; then report
    /// [`Event::Origin`](super::Event::Origin) or [`Event::OriginFailed`](super::Event::OriginFailed).
    Forward(Forward),
    /// Answer with the origin's status and body, untouched, and these headers. With a meter: go on, and report
    /// [`Event::Ended`](super::Event::Ended) in time.
    Deliver(Delivery),
    /// End an answer that was delivered with a meter.
    Finish(Finish),
}

/// What a handler is asked the price of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceQuestion {
    /// The route, as the configuration has it.
    pub route: String,
    /// The request that is priced, which is the one that is forwarded.
    pub request: CanonicalRequest,
}

/// A request as the seller's own code sees it, be it a price function, a hook or a handler (rule 16): the path that routes
/// are matched with and that is forwarded, at the address that was asked, without what a client cannot be believed
/// (`x-payment-*`) and without the buyer's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// All headers.
    pub headers: HeaderList,
    /// Whether the request's body goes along.
    pub body: bool,
}

/// The end of an answer that is settled behind its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// What to add to the body, where its end was held: the event with the receipt.
    pub tail: Option<String>,
    /// To be written down.
    pub journal: Option<SettlementLogLine>,
}

/// How a request is sent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// Who is asked.
    pub origin: Origin,
    /// All headers.
    pub headers: HeaderList,
    /// Whether the request's body goes along. Not with `GET` and `HEAD`: the Fetch standard knows no such request, so
    /// a body that came with one stays behind.
    pub body: bool,
}

/// How an origin's answer is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// All headers, in the place of the origin's.
    pub headers: HeaderList,
    /// To be written down, where the outcome of the settlement is not known.
    pub journal: Option<SettlementLogLine>,
    /// What to do with the body where the settlement comes later; the visit goes on then.
    pub meter: Option<Meter>,
}

impl Gate {
    /// A gate with checked settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Rc::new(settings),
            cache: Rc::default(),
            plans: Rc::default(),
            counters: Rc::default(),
        }
    }

    /// The same gate with other settings: what plans say of themselves and the counters stay, no verification does.
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        Self { settings: Rc::new(settings), cache: Rc::default(), ..self.clone() }
    }

    /// What the seller said.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks at a request and says what to do first.
    #[must_use]
    pub fn open(&self, request: &RequestHead) -> (RequestFlow, Action) {
        let request = &*self.with_token(request);
        let mut visit = RequestFlow {
            log: RequestLog::new(&self.counters, request),
            settings: self.settings.clone(),
            cache: self.cache.clone(),
            id: request.seed.iter().map(|byte| format!("{byte:02x}")).collect(),
            now: request.now,
            base: String::new(),
            deferred: Vec::new(),
            page: request.headers.get("origin").map(Into::into),
            cors_applies: true,
            websocket: false,
            head_only: request.method.eq_ignore_ascii_case("HEAD"),
            client: Client::default(),
            stage: Stage::Done,
            client_gone: false,
            settle_sent: false,
            settlement: None,
            request: None,
        };
        let admitted = match self.metrics(request) {
            Some(answer) => Err(answer),
            None => match self.journal(request, &mut visit) {
                Some(admitted) => admitted,
                None => self.admit(request, &mut visit),
            },
        };
        let action = admitted.unwrap_or_else(|answer| visit.reject_early(answer));
        let action = visit.finish_action(action);
        (visit, action)
    }

    pub(crate) fn admit(
        &self,
        request: &RequestHead,
        visit: &mut RequestFlow,
    ) -> Result<Action, GateResponse> {
        let routes = &self.settings.routes;
        let target = Target::parse(&request.url).map_err(|error| {
            GateResponse::error(
                400,
                error.code(),
                "This URL could be read in more than one way, and is refused.",
            )
        })?;
        visit.base = self.settings.public_url.as_ref().unwrap_or(&target.origin).clone();
        let Some(method) = Method::parse(&request.method) else {
            return Err(GateResponse::error(400, "method_unknown", "This method is not known here."));
        };
        visit.client = Client::read(method, &target, request);
        if let Some(action) = visit.own_endpoint(self, method, &target, request) {
            return action;
        }
        if method == Method::Options && routes.governs(&target) {
            return Err(self.options(request, &target));
        }
        if let Some(name) = receipts::asked(method, &target.path).filter(|_| self.settings.state) {
            return Ok(visit.find_receipt(name));
        }
        let forward = |path: CanonicalPath| self.forward(method, request, &target, &path);
        let form = request.headers.members("content-type").any(|kind| {
            let kind = kind.to_ascii_lowercase();
            kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/form-data")
        });
        let raw = request.routed.then(|| path::of_url(&request.url));
        let listing = routes.find(method, &target, form, raw);
        let carries_body = !matches!(method, Method::Get | Method::Head);
        if request.body_gone
            && carries_body
            && matches!(listing, Listing::Paid(..) | Listing::Open(_) | Listing::Passed(_))
        {
            let message = "The body of this request was read before it came to the gate, by a body parser or a middleware in \
                           front of it, and cannot be sent on. Nothing was charged.";
            return Err(GateResponse::error(500, "body_already_read", message));
        }
        let (terms, path) = match listing {
            Listing::Paid(terms, path) => (terms, path),
            Listing::Open(path) => {
                visit.log.route = "open".into();
                visit.stage = Stage::ForwardedFree;
                return Ok(Action::Forward(forward(path)));
            }
            Listing::Passed(path) => {
                visit.cors_applies = false;
                visit.stage = Stage::ForwardedFree;
                return Ok(Action::Forward(forward(path)));
            }
            Listing::Denied => return Err(GateResponse::error(404, "not_listed", "There is nothing here.")),
            Listing::WrongMethod(methods) => {
                let answer =
                    GateResponse::error(405, "method_not_listed", "This method is not offered here.");
                return Err(answer.with("allow", &allow(&methods)));
            }
            Listing::InDoubt => {
                let message = "This request could be read as one for a paid resource, and is refused.";
                return Err(GateResponse::error(400, "route_in_doubt", message));
            }
            Listing::NotCanonical(path) => {
                let message = format!(
                    "This path can be read in more than one way, and is refused. The resource is at {path}."
                );
                return Err(GateResponse::error(400, "path_not_canonical", &message));
            }
        };
        visit.log.route.clone_from(&terms.name);
        visit.client.route = Some(terms.clone());
        if let Some(protocol) = request.headers.get("upgrade") {
            // The handshake is the answer: it is settled before the socket is handed over, or there is none.
            visit.websocket = method == Method::Get
                && protocol.trim().eq_ignore_ascii_case("websocket")
                && terms.settlement == Settlement::BeforeDelivery;
            if !visit.websocket {
                let message =
                    "A paid resource is upgraded to a WebSocket that is settled before, and to nothing else.";
                return Err(GateResponse::error(400, "upgrade_not_supported", message));
            }
        }
        let url = url_of(&target.origin, &path, &target);
        let most = terms.most(target.query.as_deref(), &request.headers).map_err(|error| match error {
            PriceError::Unreadable => GateResponse::error(
                400,
                "price_unreadable",
                "What this request costs cannot be read from it.",
            ),
            PriceError::TooMuch => GateResponse::error(
                400,
                "price_too_high",
                "This request asks for more than can be bought at once.",
            ),
        })?;
        let mut errand = PendingPayment {
            resource: format!("{}{path}", visit.base),
            token: super::flow::admission::token(&request.headers),
            forward: forward(path),
            address: self.settings.manners.address(&request.headers).or_else(|| request.address.clone()),
            route: terms,
            max_credits: most,
        };
        visit.request = Some(CanonicalRequest::new(&errand.forward, &url));
        match self.plans.resolve(&errand.route) {
            Ok(terms) => errand.route = terms,
            // With a pass nothing is asked that the plan would have to say.
            Err(_) if visit.may_admit_by_pass(&errand) => {}
            Err(plan_id) => return self.look_up(plan_id, request, visit),
        }
        Ok(visit.start(errand))
    }

    /// Answers `OPTIONS` without the origin and without payment (rule 18).
    fn options(&self, request: &RequestHead, target: &Target) -> GateResponse {
        let methods = self.settings.routes.methods_on(target);
        if request.headers.get("access-control-request-method").is_some() {
            return self.settings.cors.preflight(&request.headers, &methods);
        }
        GateResponse::empty(204).with("allow", &allow(&methods))
    }

    fn forward(
        &self,
        method: Method,
        request: &RequestHead,
        target: &Target,
        path: &CanonicalPath,
    ) -> Forward {
        let url = url_of(self.settings.origin.base.as_ref().unwrap_or(&target.origin), path, target);
        let body = !matches!(method, Method::Get | Method::Head);
        let mut headers = headers::for_origin(&request.headers);
        if self.settings.routes.name_hosts() {
            headers::tell_host(&mut headers, &target.host);
        }
        if !body {
            headers.remove("content-length");
        }
        Forward { method, url, origin: self.settings.origin.at(path.segments()), headers, body }
    }
}

impl CanonicalRequest {
    fn new(forward: &Forward, url: &str) -> Self {
        Self { method: forward.method, url: url.into(), headers: forward.headers.clone(), body: forward.body }
    }
}

/// The URL of a path, with the query that was asked with.
fn url_of(base: &str, path: &CanonicalPath, target: &Target) -> String {
    let mut url = format!("{base}{path}");
    if let Some(query) = &target.query {
        url.push('?');
        url.push_str(query);
    }
    url
}

fn allow(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().chain(&[Method::Options]).map(|method| method.as_str()).collect();
    names.join(", ")
}
