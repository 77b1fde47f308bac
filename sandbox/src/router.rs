//! The route table (contract section 3).

use crate::catalog::{agents, plans};
use crate::checkout::{checkout_page, credit_operations, off_plan_orders, plan_orders};
use crate::context::RequestContext;
use crate::control::{access, call_log, clock, deployment_info, faults, settings_routes};
use crate::dashboard::{files, overview};
use crate::delegations::{charges, delegation_routes, payment_methods, remove_card};
use crate::facilitator::x402;
use crate::http::error::{ApiError, Result};
use crate::http::response::Response;
use crate::identity::{accounts, legal_documents, login_page};
use crate::ledger::{audit, balances, explorer};
use crate::metering::agent_requests;
use crate::mpp::mpp_routes;
use crate::oauth::{consent_page, oauth_token};
use crate::organizations::{activity, organization};
use crate::seed::seed_file;
use crate::tokens::issue;
use crate::tokens::protocol::Protocol;
use crate::widgets::{card_enrollment, card_pages, sessions, widget_keys};

/// Routes a request to its handler.
pub(crate) fn route(ctx: &RequestContext) -> Result {
    legal_documents::guard(ctx)?;
    let path: Vec<&str> = ctx.request.path.iter().map(String::as_str).collect();
    // HEAD is served as GET; the runtime drops the body.
    let method = if ctx.request.method == "HEAD" { "GET" } else { ctx.request.method.as_str() };
    match (method, path.as_slice()) {
        ("GET", []) if files::is_browser_visit(ctx) => Ok(Response::see_other("/dashboard".into())),
        ("GET", []) => deployment_info::info(),
        ("GET", ["dashboard"]) => files::page(),
        ("GET", ["dashboard", file]) => files::file(file),
        ("GET", ["favicon.ico"]) => files::file("icon.svg"),
        ("POST", ["login" | "auth" | "checkout" | "cards", ..] | ["oauth", "authorize"])
            if access::is_foreign(ctx) =>
        {
            access::foreign()
        }
        ("GET", [".well-known", "jwks.json"]) => deployment_info::jwks(ctx),
        ("GET", [".well-known", "oauth-authorization-server" | "openid-configuration"]) => {
            oauth_token::metadata(ctx)
        }
        ("GET", ["oauth", "authorize"]) => consent_page::page(ctx),
        ("POST", ["oauth", "authorize"]) => consent_page::submit(ctx),
        ("POST", ["oauth", "token"]) => oauth_token::token(ctx),
        ("GET" | "POST", ["oauth", "userinfo"]) => oauth_token::userinfo(ctx),
        (_, ["api", "v1", "protocol", "plans", rest @ ..]) => plan_routes(ctx, method, rest),
        (_, ["api", "v1", "protocol", "agents", rest @ ..]) => agent_routes(ctx, method, rest),
        ("POST", ["api", "v1", "protocol", "agent-sub-tasks"]) => agent_requests::track(ctx),
        (_, ["api", "v1", rest @ ..]) => payment_routes(ctx, method, rest),
        (_, ["sandbox", rest @ ..]) => {
            access::guard(ctx)?;
            let response = own_routes(ctx, method, rest)?;
            if method != "GET" {
                access::changed(ctx)?;
            }
            Ok(response)
        }
        ("GET", ["login"]) => login_page::page(ctx, login_page::LoginClient::Browser),
        ("POST", ["login"]) => login_page::enter(ctx, login_page::LoginClient::Browser),
        ("GET", ["auth", "cli"]) => login_page::page(ctx, login_page::LoginClient::Terminal),
        ("POST", ["auth", "cli"]) => login_page::enter(ctx, login_page::LoginClient::Terminal),
        ("GET", ["checkout", id]) => checkout_page::page(ctx, id),
        ("POST", ["checkout", id]) => checkout_page::pay(ctx, id),
        ("GET", ["cards", page]) => card_pages::page(ctx, page),
        ("POST", ["cards", page]) => card_pages::submit(ctx, page),
        _ => unknown(ctx),
    }
}

/// The routes of the sandbox itself.
fn own_routes(ctx: &RequestContext, method: &str, path: &[&str]) -> Result {
    match (method, path) {
        ("POST", ["accounts"]) => accounts::create(ctx),
        ("GET", ["accounts", address, "keys"]) => accounts::keys(ctx, address),
        ("POST", ["accounts", address, "credits"]) => credit_operations::top_up(ctx, address),
        ("POST", ["accounts", address, "keys"]) => accounts::create_key(ctx, address),
        ("DELETE", ["accounts", address, "keys"]) => accounts::revoke_keys(ctx, address),
        ("DELETE", ["accounts", address, "keys", key]) => accounts::revoke_key(ctx, address, key),
        ("GET", ["permissions", hash]) => issue::evidence(ctx, hash),
        ("POST", ["organizations"]) => organization::create(ctx),
        ("PATCH", ["organizations", id]) => organization::update(ctx, id),
        ("POST", ["organizations", id, "widget-keys"]) => widget_keys::create(ctx, id),
        ("DELETE", ["organizations", id, "widget-keys", key]) => widget_keys::revoke(ctx, id, key),
        ("PATCH", ["organizations", id, "members", address]) => organization::set_member(ctx, id, address),
        ("POST", ["organizations", id, "customers", address]) => organization::agree(ctx, id, address),
        ("POST", ["orders", id]) => off_plan_orders::advance(ctx, id),
        ("GET", ["ledger"]) => explorer::list(ctx),
        ("GET", ["ledger", "accounts"]) => explorer::accounts(ctx),
        ("GET", ["ledger", "check"]) => audit::check(ctx),
        ("POST", ["reset"]) => access::reset(ctx),
        ("POST", ["seed"]) => seed_file::apply(ctx),
        ("DELETE", ["delegations", id]) => delegation_routes::end_any(ctx, id),
        ("GET", ["state"]) => overview::state(ctx),
        ("GET", ["watch"]) => call_log::watch(ctx),
        ("GET", ["calls"]) => call_log::calls(ctx),
        ("DELETE", ["calls"]) => call_log::forget_calls(ctx),
        ("GET", ["clock"]) => clock::read(ctx),
        ("POST", ["clock"]) => clock::set(ctx),
        ("GET", ["settings"]) => settings_routes::get(ctx),
        ("POST", ["settings"]) => settings_routes::set(ctx),
        ("GET", ["faults"]) if ctx.faults_enabled => faults::list(ctx),
        ("POST", ["faults"]) if ctx.faults_enabled => faults::add(ctx),
        ("DELETE", ["faults"]) if ctx.faults_enabled => faults::clear(ctx),
        ("DELETE", ["faults", id]) if ctx.faults_enabled => faults::remove(ctx, id),
        _ => unknown(ctx),
    }
}

fn plan_routes(ctx: &RequestContext, method: &str, path: &[&str]) -> Result {
    match (method, path) {
        ("POST", []) => plans::register(ctx),
        ("GET", []) => plans::list(ctx),
        ("POST", ["mint"]) => credit_operations::mint(ctx),
        ("POST", ["mintExpirable"]) => credit_operations::mint_expirable(ctx),
        ("POST", ["burn"]) => credit_operations::burn(ctx),
        ("POST", ["redeem"]) => credit_operations::redeem(ctx),
        ("GET", [plan]) => plans::get(ctx, plan),
        ("PUT", [plan]) => plans::update(ctx, plan),
        ("PUT", [plan, "list", state]) => plans::set_listed(ctx, plan, state),
        ("GET", [plan, "agents"]) => agents::of_plan(ctx, plan),
        ("GET", [plan, "balance", holder]) => balances::get(ctx, plan, holder),
        ("POST", [plan, "order"]) => plan_orders::order(ctx, plan),
        _ => unknown(ctx),
    }
}

fn agent_routes(ctx: &RequestContext, method: &str, path: &[&str]) -> Result {
    match (method, path) {
        ("POST", []) => agents::register(ctx),
        ("GET", []) => agents::list(ctx),
        ("POST", ["plans"]) => agents::register_with_plan(ctx),
        ("POST", ["simulate", "start"]) => agent_requests::simulate(ctx),
        ("POST", ["simulate", "finish"]) => agent_requests::finish(ctx),
        ("GET", [agent]) => agents::get(ctx, agent),
        ("PUT", [agent]) => agents::update(ctx, agent),
        ("PUT", [agent, "list", state]) => agents::set_listed(ctx, agent, state),
        ("GET", [agent, "plans"]) => agents::plans_of(ctx, agent),
        ("POST", [agent, "plan", plan]) => agents::add_plan(ctx, agent, plan),
        ("DELETE", [agent, "plan", plan]) => agents::remove_plan(ctx, agent, plan),
        _ => unknown(ctx),
    }
}

fn payment_routes(ctx: &RequestContext, method: &str, path: &[&str]) -> Result {
    match (method, path) {
        ("POST", ["x402", "permissions"]) => issue::mint(ctx, Protocol::X402),
        ("GET", ["x402", "permissions"]) => issue::list(ctx),
        ("GET", ["x402", "permissions", hash]) => issue::get(ctx, hash),
        ("DELETE", ["x402", "permissions", hash]) => issue::revoke(ctx, hash),
        ("POST", ["x402", "verify"]) => x402::verify(ctx),
        ("POST", ["x402", "settle"]) => x402::settle(ctx),
        ("POST", ["mpp", "challenge"]) => mpp_routes::challenge(ctx),
        ("POST", ["mpp", "verify"]) => mpp_routes::verify(ctx),
        ("POST", ["mpp", "settle"]) => mpp_routes::settle(ctx),
        ("POST", ["mpp", "permissions"]) => mpp_routes::mint(ctx),
        ("POST", ["delegation", "create"]) => delegation_routes::create(ctx),
        ("GET", ["delegation"]) => delegation_routes::list(ctx),
        ("POST", ["delegation", "setup-intent"]) => card_enrollment::setup_intent(ctx),
        ("POST", ["delegation", "finalize-enrollment"]) => card_enrollment::finalize(ctx),
        ("GET", ["delegation", id]) => delegation_routes::get(ctx, id),
        ("GET", ["delegation", id, "transactions"]) => charges::transactions(ctx, id),
        ("DELETE", ["delegation", id]) => delegation_routes::revoke(ctx, id),
        ("GET", ["payment-methods"]) => payment_methods::list(ctx),
        ("PATCH", ["payment-methods", id]) => payment_methods::update(ctx, id),
        ("DELETE", ["payment-methods", id]) => remove_card::remove(ctx, id),
        ("POST", ["widgets", "session"]) => widget_keys::start(ctx),
        ("POST", ["widgets", "session", "self"]) => sessions::start(ctx),
        ("GET", ["widgets", "session", "validate"]) => sessions::validate(ctx),
        ("POST", ["fiat", "stripe", "payment"]) => checkout_page::start(ctx),
        ("POST", ["fiat", "stripe", "account"]) => organization::connect(ctx),
        ("POST", ["organizations", "account"]) => organization::account(ctx),
        ("POST", ["organizations", "members"]) => organization::members(ctx),
        ("GET", ["organizations", "my-memberships"]) => organization::mine(ctx),
        ("GET", ["organizations", id, "activity"]) => activity::list(ctx, id),
        ("POST", ["orders"]) => off_plan_orders::create(ctx),
        ("GET", ["orders", id]) => off_plan_orders::get(ctx, id),
        ("GET", ["legal-documents", "manifest"]) => legal_documents::manifest(),
        ("POST", ["legal-documents", "me", "consents"]) => legal_documents::consent(ctx),
        _ => unknown(ctx),
    }
}

fn unknown(ctx: &RequestContext) -> Result {
    let what =
        format!("{} /{} is not a route of the sandbox", ctx.request.method, ctx.request.path.join("/"));
    Err(ApiError::new(404, "SANDBOX.NOT_FOUND", what))
}
