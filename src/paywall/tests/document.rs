//! The configuration as a document, and one that changes while the gate runs.

use super::harness::stated;
use super::*;
use crate::paywall::config::keys::MEMBERS;
use alloc::string::ToString;
use core::cell::RefCell;
use std::collections::BTreeSet;

/// Secrets stand in no file, and what the build carries is not the seller's to say.
const SECRETS: [&str; 4] = ["NVM_API_KEY", "METRICS_TOKEN", "PASS_KEYS", "PAGE_FILES"];

fn variable(name: &str) -> Option<String> {
    let text = match name {
        "NVM_API_KEY" => KEY,
        "NVM_ENVIRONMENT" => "custom",
        "NVM_API_URL" => "http://127.0.0.1:3001",
        "ORIGIN_URL" => "https://origin.example",
        "UNLISTED" => "pass",
        "TIMEOUT_MS" => "700",
        _ => return None,
    };
    Some(text.into())
}

fn read(document: &Document) -> Result<Settings, ConfigError> {
    Settings::read_document(document, variable, Bindings { state: true, ..Bindings::default() })
}

fn with(members: &Value) -> String {
    let mut document =
        json!({ "routes": { "GET /r": { "planId": "1001", "credits": 2, "scheme": "nvm:erc4337" } } });
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.to_string()
}

#[test]
fn every_variable_but_secrets_is_a_member_of_the_document() {
    let asked = RefCell::new(BTreeSet::new());
    let _ = Settings::read(
        |name| {
            asked.borrow_mut().insert(name.to_string());
            match name {
                "ROUTES" => Some(
                    json!({ "GET /r": { "planId": "1001", "credits": 2, "scheme": "nvm:erc4337" } })
                        .to_string(),
                ),
                "PASSES" => Some(json!({ "r": { "routes": ["GET /r"], "seconds": 60 } }).to_string()),
                "PASS_KEYS" => Some("k:0123456789abcdef0123456789abcdef".into()),
                _ => variable(name),
            }
        },
        false,
    )
    .unwrap();
    let known: BTreeSet<_> =
        MEMBERS.iter().map(|(_, variable)| *variable).chain(SECRETS).map(ToString::to_string).collect();
    assert_eq!(asked.into_inner(), known);
}

#[test]
fn what_the_document_says_comes_before_the_variables() {
    let settings = read(&Document::parse(&with(&json!({}))).unwrap()).unwrap();
    assert_eq!(
        (
            settings.timeout_ms(),
            settings
                .routes
                .methods_on(&crate::paywall::http::path::Target::parse("https://x/r").unwrap())
                .len()
        ),
        (700, 2)
    );
    let text = with(
        &json!({ "timeoutMs": 900, "unlisted": "deny", "allowedOrigins": ["https://a.example"], "log": null, "$schema": "x" }),
    );
    let settings = read(&Document::parse(&text).unwrap()).unwrap();
    assert_eq!(settings.timeout_ms(), 900);
    let gate = Gate::new(settings);
    assert_eq!(responded(gate.open(&ask("GET", "/none", &[])).1).status, 404);
    let page =
        ask("OPTIONS", "/r", &[("origin", "https://a.example"), ("access-control-request-method", "GET")]);
    assert_eq!(
        responded(gate.open(&page).1).headers.get("access-control-allow-origin"),
        Some("https://a.example")
    );
}

#[test]
fn an_error_names_the_key_where_it_stands() {
    for (text, key) in [
        ("", "CONFIG"),
        ("{", "CONFIG"),
        ("[]", "CONFIG"),
        ("null", "CONFIG"),
        (&with(&json!({ "route": {} })), "route"),
        (&with(&json!({ "apiKey": "x" })), "apiKey"),
        (&with(&json!({ "NVM_API_KEY": "x" })), "NVM_API_KEY"),
        (&with(&json!({ "timeoutMs": 0 })), "timeoutMs"),
        (&with(&json!({ "timeoutMs": {} })), "timeoutMs"),
        (&with(&json!({ "unlisted": "maybe" })), "unlisted"),
        (&with(&json!({ "originUrl": "ftp://x" })), "originUrl"),
        (&with(&json!({ "open": ["GET /r"] })), "open[0]"),
        (&with(&json!({ "allowedOrigins": ["null"] })), "allowedOrigins"),
        (&with(&json!({ "routes": { "GET /r": { "planId": "1" } } })), "routes[\"GET /r\"].credits"),
        (
            &with(&json!({ "routes": { "GET /r": { "planId": "1", "credits": 1, "limit": 5 } } })),
            "routes[\"GET /r\"].limit",
        ),
        // An error in a variable names the variable.
        ("{}", "ROUTES"),
    ] {
        let error = Document::parse(text).and_then(|document| read(&document)).unwrap_err();
        assert_eq!(error.key, key, "{text}");
    }
    assert_eq!(stated(&json!({ "GET /r": {} }), &[]).unwrap_err().key, "ROUTES[\"GET /r\"].credits");
}

/// The status of a request without a token.
fn asked(gate: &Gate, path: &str) -> u16 {
    match gate.open(&RequestHead { now: NOW, ..ask("GET", path, &[]) }).1 {
        Action::Respond(answer) => answer.status,
        Action::Forward(_) => 200,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_configuration_changes_while_the_gate_runs_and_a_wrong_one_is_refused() {
    let deny = with(&json!({ "unlisted": "deny" }));
    let mut live = Live::begin(Some(deny.clone()), read, NOW).unwrap();
    assert_eq!([asked(&live.gate(), "/r"), asked(&live.gate(), "/new")], [402, 404]);
    // A request keeps to what it began with.
    let before = live.gate();
    let (mut flow, _) =
        before.open(&RequestHead { now: NOW, ..ask("GET", "/r", &[("payment-signature", &token())]) });

    type Row<'a> = (&'a str, Option<String>, Option<(&'a str, &'a str)>, [u16; 2]);
    let opened = with(&json!({ "open": ["GET /new"], "unlisted": "deny" }));
    let table: [Row<'_>; 8] = [
        ("the same", Some(deny.clone()), None, [402, 404]),
        ("another", Some(opened.clone()), Some(("config_changed", "")), [402, 200]),
        ("no JSON", Some("{".into()), Some(("config_refused", "CONFIG")), [402, 200]),
        ("no JSON still", Some("{".into()), None, [402, 200]),
        ("a wrong key", Some(with(&json!({ "open": [1] }))), Some(("config_refused", "open")), [402, 200]),
        ("right again", Some(deny.clone()), Some(("config_changed", "")), [402, 404]),
        // The variables alone have no routes.
        ("taken away", None, Some(("config_refused", "ROUTES")), [402, 404]),
        ("back", Some(opened), Some(("config_changed", "")), [402, 200]),
    ];
    for (name, text, said, statuses) in table {
        let line = live.take(text, read).map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let line = line.map(|line| {
            (
                line["event"].as_str().unwrap().to_string(),
                line["key"].as_str().unwrap_or_default().to_string(),
            )
        });
        assert_eq!(line, said.map(|(event, key)| (event.to_string(), key.to_string())), "{name}");
        assert_eq!([asked(&live.gate(), "/r"), asked(&live.gate(), "/new")], statuses, "{name}");
    }
    let forward = flow.handle_event(valid(), NOW);
    assert!(matches!(forward, Action::Forward(_)), "{forward:?}");
}

#[test]
fn a_configuration_that_is_wrong_at_the_start_lets_nothing_through() {
    for text in [None, Some("{"), Some("{\"routes\": 1}")] {
        assert!(Live::begin(text.map(Into::into), read, NOW).is_err(), "{text:?}");
    }
}

#[test]
fn it_is_read_again_after_some_seconds_by_one_request() {
    let mut live = Live::begin(Some(with(&json!({}))), read, NOW).unwrap();
    for (after, stale) in [
        (0, false),
        (4_999, false),
        (5_000, true),
        (5_001, false),
        (10_000, true),
        (9_000, true),
        (9_001, false),
    ] {
        assert_eq!(live.is_stale(NOW + after), stale, "{after}");
    }
}

#[test]
fn a_change_forgets_verifications_and_keeps_what_plans_say_and_the_counters() {
    let routes = |credits: u64| json!({ "routes": { "GET /r": { "planId": "1001", "credits": credits } }, "verifyCacheSeconds": 60 });
    let mut live = Live::begin(Some(routes(2).to_string()), read, NOW).unwrap();
    live.gate().shared.plans.insert("1001", "nvm:erc4337", "eip155:84532", NOW);
    let request = || RequestHead { now: NOW, ..ask("GET", "/r", &[("payment-signature", &token())]) };
    let open = |live: &Live| live.gate().open(&request());
    let (mut flow, action) = open(&live);
    assert_eq!(called(action).0, "/api/v1/x402/verify");
    let _ = flow.handle_event(valid(), NOW);
    let _ = flow.handle_event(origin(500), NOW);
    assert!(matches!(open(&live).1, Action::Forward(_)), "believed");
    let mut document = routes(2);
    document["open"] = json!(["GET /new"]);
    assert!(live.take(Some(document.to_string()), read).is_some());
    // Neither the plan is asked, nor the old yes believed.
    let (path, body) = called(open(&live).1);
    assert_eq!((path.as_str(), &body["maxAmount"]), ("/api/v1/x402/verify", &"2".into()), "{body}");
}
