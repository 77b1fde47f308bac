use super::answer::Answer;
use super::config::Settings;
use super::headers::{self, HeaderList};
use super::journal::Journal;
use super::method::Method;
use super::origin::Origin;
use super::path::{CanonicalPath, Target};
use super::plans::Plans;
use super::price::Terms;
use super::routes::Listing;
use super::visit::{Paying, Stage, Visit};
use crate::api::{self, Call as _, x402};
use crate::wire::{AccessToken, PAYMENT_SIGNATURE, WireErrorKind};
use alloc::{format, rc::Rc, string::String, vec::Vec};

/// The gate in front of an origin: opens one [`Visit`] a request. What it remembers between two of them is what plans
/// say of themselves.
#[derive(Debug, Clone)]
pub struct Gate {
    settings: Rc<Settings>,
    pub(crate) plans: Rc<Plans>,
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
    /// Chance, new for each request and not to be guessed.
    pub seed: [u8; 16],
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

/// What the shell is to do next. After [`Respond`](Self::Respond) and [`Deliver`](Self::Deliver) the visit is over.
#[derive(Debug)]
pub enum Action {
    /// Answer with this. An origin's response in hand is cancelled, none of it delivered.
    Respond(Answer),
    /// Send this to the facilitator, with the seller's key, within the timeout, following no redirect; then report
    /// [`Event::Answered`](super::Event::Answered) or [`Event::Unanswered`](super::Event::Unanswered).
    Call(api::Request),
    /// Send the request on with its own body, following no redirect; then report
    /// [`Event::Origin`](super::Event::Origin) or [`Event::OriginFailed`](super::Event::OriginFailed).
    Forward(Forward),
    /// Answer with the origin's status and body, untouched, and these headers.
    Deliver(Delivery),
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
    pub journal: Option<Journal>,
}

impl Gate {
    /// A gate with checked settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings: Rc::new(settings), plans: Rc::default() }
    }

    /// What the seller said.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks at a request and says what to do first.
    #[must_use]
    pub fn open(&self, request: &RequestHead) -> (Visit, Action) {
        let mut visit = Visit {
            settings: self.settings.clone(),
            page: request.headers.get("origin").map(Into::into),
            governed: true,
            head_only: request.method.eq_ignore_ascii_case("HEAD"),
            stage: Stage::Over,
        };
        let action = match self.admit(request, &mut visit) {
            Ok(action) => action,
            Err(answer) => visit.respond(answer),
        };
        (visit, action)
    }

    pub(crate) fn admit(&self, request: &RequestHead, visit: &mut Visit) -> Result<Action, Answer> {
        let routes = &self.settings.routes;
        let target = Target::parse(&request.url).map_err(|error| {
            Answer::error(400, error.code(), "This URL could be read in more than one way, and is refused.")
        })?;
        let Some(method) = Method::parse(&request.method) else {
            return Err(Answer::error(400, "method_unknown", "This method is not known here."));
        };
        if method == Method::Options && routes.governs(&target) {
            return Err(self.options(request, &target));
        }
        let forward = |path: CanonicalPath| self.forward(method, request, &target, &path);
        let form = request.headers.members("content-type").any(|kind| {
            let kind = kind.to_ascii_lowercase();
            kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/form-data")
        });
        let (terms, path) = match routes.find(method, &target, form) {
            Listing::Paid(terms, path) => (terms, path),
            Listing::Open(path) => {
                visit.stage = Stage::Unpaid;
                return Ok(Action::Forward(forward(path)));
            }
            Listing::Passed(path) => {
                visit.governed = false;
                visit.stage = Stage::Unpaid;
                return Ok(Action::Forward(forward(path)));
            }
            Listing::Denied => return Err(Answer::error(404, "not_listed", "There is nothing here.")),
            Listing::WrongMethod(methods) => {
                let answer = Answer::error(405, "method_not_listed", "This method is not offered here.");
                return Err(answer.with("allow", &allow(&methods)));
            }
            Listing::InDoubt => {
                let message = "This request could be read as one for a paid resource, and is refused.";
                return Err(Answer::error(400, "route_in_doubt", message));
            }
        };
        if request.headers.get("upgrade").is_some() {
            let message = "A paid resource cannot be upgraded to another protocol.";
            return Err(Answer::error(400, "upgrade_not_supported", message));
        }
        let terms = match self.plans.resolve(terms) {
            Ok(terms) => terms,
            Err(plan_id) => return self.look_up(plan_id, request, visit),
        };
        let base = self.settings.public_url.as_ref().unwrap_or(&target.origin);
        let offer = terms.offer(format!("{base}{path}"));
        let token = match token(&request.headers, &terms) {
            Ok(token) => token,
            Err(TokenProblem::TooLarge) => {
                let message = "The payment-signature header is over 16 KiB.";
                return Err(Answer::error(400, "payment_too_large", message));
            }
            Err(TokenProblem::Refused(code, message)) => {
                return Err(Answer::payment_required(&offer, code, message));
            }
        };
        let verify = x402::Verify {
            payment_required: offer,
            token: token.secret().clone(),
            max_amount: terms.credits,
        };
        let call = Action::Call(verify.request());
        let forward = forward(path);
        visit.stage = Stage::Verifying(Paying { terms, token, verify, forward, again: false });
        Ok(call)
    }

    /// Answers `OPTIONS` without the origin and without payment (rule 18).
    fn options(&self, request: &RequestHead, target: &Target) -> Answer {
        let methods = self.settings.routes.methods_on(target);
        if request.headers.get("access-control-request-method").is_some() {
            return self.settings.cors.preflight(&request.headers, &methods);
        }
        Answer::empty(204).with("allow", &allow(&methods))
    }

    fn forward(
        &self,
        method: Method,
        request: &RequestHead,
        target: &Target,
        path: &CanonicalPath,
    ) -> Forward {
        let base = self.settings.origin.base.as_ref().unwrap_or(&target.origin);
        let mut url = format!("{base}{path}");
        if let Some(query) = &target.query {
            url.push('?');
            url.push_str(query);
        }
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

enum TokenProblem {
    TooLarge,
    /// A code and a message, to be answered with a fresh offer.
    Refused(&'static str, &'static str),
}

/// The token of a request, if it is one at all and for this route's plan: what is obviously not is never sent to the
/// facilitator.
fn token(headers: &HeaderList, terms: &Terms) -> Result<AccessToken, TokenProblem> {
    let mut sent = headers.all(PAYMENT_SIGNATURE).map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = sent.next() else {
        return Err(TokenProblem::Refused(
            "payment_missing",
            "Missing x402 payment token. Send token in payment-signature header.",
        ));
    };
    let malformed = "The payment-signature header does not hold an x402 access token.";
    if sent.next().is_some() {
        return Err(TokenProblem::Refused("payment_malformed", malformed));
    }
    let token = AccessToken::decode(text).map_err(|error| match error.kind {
        WireErrorKind::TooLarge => TokenProblem::TooLarge,
        _ => TokenProblem::Refused("payment_malformed", malformed),
    })?;
    let accepted = token.accepted();
    if accepted.scheme() != Some(terms.scheme) || accepted.plan_id() != Some(&terms.plan_id) {
        return Err(TokenProblem::Refused(
            "payment_for_another_plan",
            "This payment token is for another plan or scheme than this resource is offered under.",
        ));
    }
    Ok(token)
}

fn allow(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().chain(&[Method::Options]).map(|method| method.as_str()).collect();
    names.join(", ")
}
