//! The route table (contract section 3).

use crate::catalog::{agents, plans};
use crate::checkout::{checkout_page, credit_operations, off_plan_orders, plan_orders};
use crate::control::{access, call_log, deployment_info, faults};
use crate::dashboard::{files, overview};
use crate::delegations::{charges, delegation, payment_methods};
use crate::facilitator::x402;
use crate::http::error::{Outcome, Problem};
use crate::http::request::Reply;
use crate::identity::{accounts, legal_documents, login_page};
use crate::ledger::{audit, balances, explorer};
use crate::metering::agent_requests;
use crate::mpp::mpp_routes;
use crate::oauth::{consent_page, oauth_token};
use crate::organizations::{activity, organization};
use crate::primitives::time;
use crate::seed::seed_file;
use crate::tokens::permission::Protocol;
use crate::tokens::{issue, legacy_token_route};
use crate::widgets::{card_pages, sessions, widget_keys};
use crate::{Desk, settings};

/// Routes a request to its handler.
pub(super) fn route(desk: &Desk) -> Outcome {
    legal_documents::guard(desk)?;
    let path: Vec<&str> = desk.call.path.iter().map(String::as_str).collect();
    // HEAD is served as GET; the runtime drops the body.
    let method = if desk.call.method == "HEAD" { "GET" } else { desk.call.method.as_str() };
    match (method, path.as_slice()) {
        ("GET", []) if files::visit(desk) => Ok(Reply::see_other("/dashboard".into())),
        ("GET", []) => deployment_info::info(),
        ("GET", ["dashboard"]) => files::page(),
        ("GET", ["dashboard", file]) => files::file(file),
        ("GET", ["favicon.ico"]) => files::file("icon.svg"),
        ("POST", ["login" | "auth" | "checkout" | "cards", ..] | ["oauth", "authorize"])
            if access::is_foreign(desk) =>
        {
            access::foreign()
        }
        ("GET", [".well-known", "jwks.json"]) => deployment_info::jwks(desk),
        ("GET", [".well-known", "oauth-authorization-server" | "openid-configuration"]) => {
            oauth_token::metadata(desk)
        }
        ("GET", ["oauth", "authorize"]) => consent_page::page(desk),
        ("POST", ["oauth", "authorize"]) => consent_page::submit(desk),
        ("POST", ["oauth", "token"]) => oauth_token::token(desk),
        ("GET" | "POST", ["oauth", "userinfo"]) => oauth_token::userinfo(desk),
        (_, ["api", "v1", "protocol", "plans", rest @ ..]) => plan_routes(desk, method, rest),
        (_, ["api", "v1", "protocol", "agents", rest @ ..]) => agent_routes(desk, method, rest),
        ("POST", ["api", "v1", "protocol", "agent-sub-tasks"]) => agent_requests::track(desk),
        ("GET", ["api", "v1", "protocol", "token", plan, agent]) => {
            legacy_token_route::get(desk, plan, agent)
        }
        (_, ["api", "v1", rest @ ..]) => payment_routes(desk, method, rest),
        (_, ["sandbox", rest @ ..]) => {
            access::guard(desk)?;
            let reply = own_routes(desk, method, rest)?;
            if method != "GET" {
                access::changed(desk)?;
            }
            Ok(reply)
        }
        ("GET", ["login"]) => login_page::page(desk, login_page::Door::Browser),
        ("POST", ["login"]) => login_page::enter(desk, login_page::Door::Browser),
        ("GET", ["auth", "cli"]) => login_page::page(desk, login_page::Door::Terminal),
        ("POST", ["auth", "cli"]) => login_page::enter(desk, login_page::Door::Terminal),
        ("GET", ["checkout", id]) => checkout_page::page(desk, id),
        ("POST", ["checkout", id]) => checkout_page::pay(desk, id),
        ("GET", ["cards", page]) => card_pages::page(desk, page),
        ("POST", ["cards", page]) => card_pages::submit(desk, page),
        _ => unknown(desk),
    }
}

/// The routes of the sandbox itself.
fn own_routes(desk: &Desk, method: &str, path: &[&str]) -> Outcome {
    match (method, path) {
        ("POST", ["accounts"]) => accounts::create(desk),
        ("GET", ["accounts", address, "keys"]) => accounts::keys(desk, address),
        ("POST", ["accounts", address, "credits"]) => credit_operations::top_up(desk, address),
        ("POST", ["accounts", address, "keys"]) => accounts::create_key(desk, address),
        ("DELETE", ["accounts", address, "keys"]) => accounts::revoke_keys(desk, address),
        ("DELETE", ["accounts", address, "keys", key]) => accounts::revoke_key(desk, address, key),
        ("GET", ["permissions", hash]) => issue::evidence(desk, hash),
        ("POST", ["organizations"]) => organization::create(desk),
        ("PATCH", ["organizations", id]) => organization::update(desk, id),
        ("POST", ["organizations", id, "widget-keys"]) => widget_keys::create(desk, id),
        ("DELETE", ["organizations", id, "widget-keys", key]) => widget_keys::revoke(desk, id, key),
        ("PATCH", ["organizations", id, "members", address]) => organization::set_member(desk, id, address),
        ("POST", ["organizations", id, "customers", address]) => organization::agree(desk, id, address),
        ("POST", ["orders", id]) => off_plan_orders::advance(desk, id),
        ("GET", ["ledger"]) => explorer::list(desk),
        ("GET", ["ledger", "accounts"]) => explorer::accounts(desk),
        ("GET", ["ledger", "check"]) => audit::check(desk),
        ("POST", ["reset"]) => access::reset(desk),
        ("POST", ["seed"]) => seed_file::plant(desk),
        ("DELETE", ["delegations", id]) => delegation::end_any(desk, id),
        ("GET", ["state"]) => overview::state(desk),
        ("GET", ["watch"]) => call_log::watch(desk),
        ("GET", ["calls"]) => call_log::calls(desk),
        ("DELETE", ["calls"]) => call_log::forget_calls(desk),
        ("GET", ["clock"]) => time::read(desk),
        ("POST", ["clock"]) => time::set(desk),
        ("GET", ["settings"]) => settings::get(desk),
        ("POST", ["settings"]) => settings::set(desk),
        ("GET", ["faults"]) if desk.faulty => faults::list(desk),
        ("POST", ["faults"]) if desk.faulty => faults::add(desk),
        ("DELETE", ["faults"]) if desk.faulty => faults::clear(desk),
        ("DELETE", ["faults", id]) if desk.faulty => faults::remove(desk, id),
        _ => unknown(desk),
    }
}

fn plan_routes(desk: &Desk, method: &str, path: &[&str]) -> Outcome {
    match (method, path) {
        ("POST", []) => plans::register(desk),
        ("GET", []) => plans::list(desk),
        ("POST", ["mint"]) => credit_operations::mint(desk),
        ("POST", ["mintExpirable"]) => credit_operations::mint_expirable(desk),
        ("POST", ["burn"]) => credit_operations::burn(desk),
        ("POST", ["redeem"]) => credit_operations::redeem(desk),
        ("GET", [plan]) => plans::get(desk, plan),
        ("PUT", [plan]) => plans::update(desk, plan),
        ("PUT", [plan, "list", state]) => plans::set_listed(desk, plan, state),
        ("GET", [plan, "agents"]) => agents::of_plan(desk, plan),
        ("GET", [plan, "balance", holder]) => balances::get(desk, plan, holder),
        ("POST", [plan, "order"]) => plan_orders::order(desk, plan),
        _ => unknown(desk),
    }
}

fn agent_routes(desk: &Desk, method: &str, path: &[&str]) -> Outcome {
    match (method, path) {
        ("POST", []) => agents::register(desk),
        ("GET", []) => agents::list(desk),
        ("POST", ["plans"]) => agents::register_with_plan(desk),
        ("POST", ["simulate", "start"]) => agent_requests::simulate(desk),
        ("POST", ["simulate", "finish"]) => agent_requests::finish(desk),
        ("GET", [agent]) => agents::get(desk, agent),
        ("PUT", [agent]) => agents::update(desk, agent),
        ("PUT", [agent, "list", state]) => agents::set_listed(desk, agent, state),
        ("GET", [agent, "plans"]) => agents::plans_of(desk, agent),
        ("POST", [agent, "plan", plan]) => agents::add_plan(desk, agent, plan),
        ("DELETE", [agent, "plan", plan]) => agents::remove_plan(desk, agent, plan),
        _ => unknown(desk),
    }
}

fn payment_routes(desk: &Desk, method: &str, path: &[&str]) -> Outcome {
    match (method, path) {
        ("POST", ["x402", "permissions"]) => issue::mint(desk, Protocol::X402),
        ("GET", ["x402", "permissions"]) => issue::list(desk),
        ("GET", ["x402", "permissions", hash]) => issue::get(desk, hash),
        ("DELETE", ["x402", "permissions", hash]) => issue::revoke(desk, hash),
        ("POST", ["x402", "verify"]) => x402::verify(desk),
        ("POST", ["x402", "settle"]) => x402::settle(desk),
        ("POST", ["mpp", "challenge"]) => mpp_routes::challenge(desk),
        ("POST", ["mpp", "verify"]) => mpp_routes::verify(desk),
        ("POST", ["mpp", "settle"]) => mpp_routes::settle(desk),
        ("POST", ["mpp", "permissions"]) => mpp_routes::mint(desk),
        ("POST", ["delegation", "create"]) => delegation::create(desk),
        ("GET", ["delegation"]) => delegation::list(desk),
        ("POST", ["delegation", "setup-intent"]) => sessions::setup_intent(desk),
        ("POST", ["delegation", "finalize-enrollment"]) => sessions::finalize(desk),
        ("GET", ["delegation", id]) => delegation::get(desk, id),
        ("GET", ["delegation", id, "transactions"]) => charges::transactions(desk, id),
        ("DELETE", ["delegation", id]) => delegation::revoke(desk, id),
        ("GET", ["payment-methods"]) => payment_methods::list(desk),
        ("PATCH", ["payment-methods", id]) => payment_methods::update(desk, id),
        ("DELETE", ["payment-methods", id]) => payment_methods::remove(desk, id),
        ("POST", ["widgets", "session"]) => widget_keys::start(desk),
        ("POST", ["widgets", "session", "self"]) => sessions::start(desk),
        ("GET", ["widgets", "session", "validate"]) => sessions::validate(desk),
        ("POST", ["fiat", "stripe", "payment"]) => checkout_page::start(desk),
        ("POST", ["fiat", "stripe", "account"]) => organization::connect(desk),
        ("POST", ["organizations", "account"]) => organization::account(desk),
        ("POST", ["organizations", "members"]) => organization::members(desk),
        ("GET", ["organizations", "my-memberships"]) => organization::mine(desk),
        ("GET", ["organizations", id, "activity"]) => activity::list(desk, id),
        ("POST", ["orders"]) => off_plan_orders::create(desk),
        ("GET", ["orders", id]) => off_plan_orders::get(desk, id),
        ("GET", ["legal-documents", "manifest"]) => legal_documents::manifest(),
        ("POST", ["legal-documents", "me", "consents"]) => legal_documents::consent(desk),
        _ => unknown(desk),
    }
}

fn unknown(desk: &Desk) -> Outcome {
    let what = format!("{} /{} is not a route of the sandbox", desk.call.method, desk.call.path.join("/"));
    Err(Problem::new(404, "SANDBOX.NOT_FOUND", what))
}
