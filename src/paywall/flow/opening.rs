//! The beginning of a request: the gate's own endpoints, its route, its payment.

use super::admission::Admission;
use super::context::Context;
use super::flow_state::FlowState;
use super::forwarded::Forwarded;
use super::pass_admission::PassAdmission;
use super::payment_attempt::{self, PendingPayment};
use super::plan_lookup::PlanLookup;
use super::progress::Progress;
use crate::paywall::action::{Action, CanonicalRequest, Forward, RequestHead};
use crate::paywall::client::Client;
use crate::paywall::config::settings::Settings;
use crate::paywall::endpoints::journal::JournalRequest;
use crate::paywall::endpoints::receipts::ReceiptRequest;
use crate::paywall::endpoints::status::TokenCheck;
use crate::paywall::endpoints::{metrics, passes};
use crate::paywall::http::method::Method;
use crate::paywall::http::path::{self, CanonicalPath, Target};
use crate::paywall::page;
use crate::paywall::pricing::price::PriceError;
use crate::paywall::pricing::settlement_policy::Settlement;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::response::passed_headers;
use crate::paywall::routing::route_table::Listing;
use crate::wire::PAYMENT_SIGNATURE;
use alloc::{borrow::Cow, string::String, vec::Vec};

type Opened = Result<Progress<FlowState>, GateResponse>;

/// Looks at a request for the first time.
pub(crate) fn open(request: &RequestHead, context: &mut Context) -> Progress<FlowState> {
    let opened = match metrics::answer(request, context) {
        Some(answer) => Err(answer),
        None => match JournalRequest::begin(request, context) {
            Some(asked) => asked.map(|(state, action)| Progress::Wait(FlowState::Journal(state), action)),
            None => admit(request, context),
        },
    };
    opened.unwrap_or_else(|answer| Progress::Done(context.reject_early(answer)))
}

/// Looks at a request once more, now that the terms of its plan are known.
pub(crate) fn reopen(request: &RequestHead, context: &mut Context) -> Progress<FlowState> {
    admit(request, context).unwrap_or_else(|answer| Progress::Done(context.reject_early(answer)))
}

/// The request with its token in `payment-signature`, if the settings take it from other headers.
pub(crate) fn with_token<'a>(request: &'a RequestHead, settings: &Settings) -> Cow<'a, RequestHead> {
    let names = &settings.token_headers;
    if names.is_empty() {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    let first = |name: &String| {
        let mut values = request.headers.all(name).filter(|value| !value.trim().is_empty());
        let (value, second) = (values.next()?, values.next());
        // Two values are no token: the gate does not choose between them.
        Some(second.map_or_else(|| value.into(), |second| [value, ", ", second].concat()))
    };
    let token: Option<String> = names.iter().find_map(first);
    for name in names.iter().map(String::as_str).chain([PAYMENT_SIGNATURE]) {
        request.headers.remove(name);
    }
    if let Some(token) = token {
        request.headers.append(PAYMENT_SIGNATURE, token);
    }
    Cow::Owned(request)
}

fn admit(request: &RequestHead, context: &mut Context) -> Opened {
    let shared = context.shared.clone();
    let settings = &*shared.settings;
    let routes = &settings.routes;
    let target = Target::parse(&request.url).map_err(|error| {
        GateResponse::error(400, error.code(), "This URL could be read in more than one way, and is refused.")
    })?;
    context.base.clone_from(settings.public_url.as_ref().unwrap_or(&target.origin));
    let Some(method) = Method::parse(&request.method) else {
        return Err(GateResponse::error(400, "method_unknown", "This method is not known here."));
    };
    context.client = Client::read(method, &target, request);
    if let Some(opened) = own_endpoint(method, &target, request, context) {
        return opened;
    }
    if method == Method::Options && routes.governs(&target) {
        return Err(options(settings, request, &target));
    }
    if settings.state
        && let Some((state, action)) = ReceiptRequest::begin(method, &target.path, context)
    {
        return Ok(Progress::Wait(FlowState::Receipt(state), action));
    }
    let forward = |path: &CanonicalPath| forward(settings, method, request, &target, path);
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
        let message = "The body of this request was read before the gate, by a parser or a middleware. Nothing was charged.";
        return Err(GateResponse::error(500, "body_already_read", message));
    }
    let (route, path) = match listing {
        Listing::Paid(route, path) => (route, path),
        Listing::Open(path) => {
            context.log.route = "open".into();
            return Ok(forwarded_free(forward(&path)));
        }
        Listing::Passed(path) => {
            context.cors_applies = false;
            return Ok(forwarded_free(forward(&path)));
        }
        Listing::Denied => return Err(GateResponse::error(404, "not_listed", "There is nothing here.")),
        Listing::WrongMethod(methods) => {
            let answer = GateResponse::error(405, "method_not_listed", "This method is not offered here.");
            return Err(answer.with("allow", &allow(&methods)));
        }
        Listing::InDoubt => {
            let message = "This request could be read as one for a paid resource, and is refused.";
            return Err(GateResponse::error(400, "route_in_doubt", message));
        }
        Listing::NotCanonical(path) => {
            let message = [
                "This path can be read in more than one way, and is refused. The resource is at ",
                &path.print(),
                ".",
            ]
            .concat();
            return Err(GateResponse::error(400, "path_not_canonical", &message));
        }
    };
    context.log.route.clone_from(&route.name);
    context.client.route = Some(route.clone());
    if let Some(protocol) = request.headers.get("upgrade") {
        // The handshake is the answer: it is settled before the socket is handed over, or there is none.
        context.websocket = method == Method::Get
            && protocol.trim().eq_ignore_ascii_case("websocket")
            && route.settlement == Settlement::BeforeDelivery;
        if !context.websocket {
            let message = "A paid resource is only upgraded to a WebSocket that is settled before delivery.";
            return Err(GateResponse::error(400, "upgrade_not_supported", message));
        }
    }
    let most = route.most(target.query.as_deref(), &request.headers).map_err(|error| match error {
        PriceError::Unreadable => {
            GateResponse::error(400, "price_unreadable", "The price of this request cannot be read from it.")
        }
        PriceError::TooMuch => {
            GateResponse::error(400, "price_too_high", "The price of this request is above its maximum.")
        }
    })?;
    let mut pending = PendingPayment {
        resource: [&context.base, path.print().as_str()].concat(),
        token: payment_attempt::token(&request.headers),
        forward: forward(&path),
        address: settings.manners.address(&request.headers).or_else(|| request.address.clone()),
        route,
        max_credits: most,
    };
    let url = url_of(&target.origin, &path, &target);
    context.request = Some(canonical(&pending.forward, url));
    match shared.plans.resolve(&pending.route) {
        Ok(route) => pending.route = route,
        // With a pass nothing is needed that the plan would have to give.
        Err(_) if PassAdmission::is_possible(&pending, context) => {}
        Err(plan_id) => return look_up(PlanLookup::begin(plan_id, request, context)),
    }
    Ok(Admission::begin(pending, context).map(FlowState::Admission))
}

fn look_up(lookup: Result<(PlanLookup, Action), GateResponse>) -> Opened {
    lookup.map(|(lookup, action)| Progress::Wait(FlowState::LookingUpPlan(lookup), action))
}

/// Answers at an address of the gate's own; `None` where the address is a resource like any other.
fn own_endpoint(
    method: Method,
    target: &Target,
    request: &RequestHead,
    context: &mut Context,
) -> Option<Opened> {
    let segments = page::is_own(&target.path)?;
    let shared = context.shared.clone();
    let settings = &*shared.settings;
    let read = matches!(method, Method::Get | Method::Head);
    let name = segments.first().map(String::as_str).filter(|_| segments.len() == 1);
    let opened = match name {
        // A page of another origin may ask both, with a header of ours.
        Some("status" | "passes")
            if method == Method::Options
                && request.headers.get("access-control-request-method").is_some() =>
        {
            Err(settings.cors.preflight(&request.headers, &[Method::Get, Method::Head]))
        }
        Some("status") if read => match TokenCheck::begin(request, context) {
            Ok(begun) => begun.map(|(check, action)| Progress::Wait(FlowState::CheckingToken(check), action)),
            Err(plan_id) => look_up(PlanLookup::begin(plan_id, request, context)),
        },
        Some("status") => return None,
        Some("passes") if settings.passes.is_some() => {
            Ok(Progress::Done(context.respond(passes::answer(method, context))))
        }
        _ => Ok(Progress::Done(context.respond(settings.page.as_ref()?.own(method, segments)?))),
    };
    context.log.route = "own".into();
    Some(opened)
}

fn forwarded_free(forward: Forward) -> Progress<FlowState> {
    Progress::Wait(FlowState::Forwarded(Forwarded::Free), Action::Forward(forward))
}

/// Answers `OPTIONS` without the origin and without payment (rule 18).
fn options(settings: &Settings, request: &RequestHead, target: &Target) -> GateResponse {
    let methods = settings.routes.methods_on(target);
    if request.headers.get("access-control-request-method").is_some() {
        return settings.cors.preflight(&request.headers, &methods);
    }
    GateResponse::empty(204).with("allow", &allow(&methods))
}

fn forward(
    settings: &Settings,
    method: Method,
    request: &RequestHead,
    target: &Target,
    path: &CanonicalPath,
) -> Forward {
    let url = url_of(settings.origin.base.as_ref().unwrap_or(&target.origin), path, target);
    let body = !matches!(method, Method::Get | Method::Head);
    let mut headers = passed_headers::for_origin(&request.headers);
    if settings.routes.name_hosts() {
        passed_headers::tell_host(&mut headers, &target.host);
    }
    if !body {
        headers.remove("content-length");
    }
    Forward { method, url, origin: settings.origin.at(path.segments()), headers, body }
}

fn canonical(forward: &Forward, url: String) -> CanonicalRequest {
    CanonicalRequest { method: forward.method, url, headers: forward.headers.clone(), body: forward.body }
}

/// The URL of a path, with the query of the request.
fn url_of(base: &str, path: &CanonicalPath, target: &Target) -> String {
    let mut url = [base, &path.print()].concat();
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
