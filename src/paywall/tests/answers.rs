//! The gate's own answers and what is counted of them: receipts by their address, pages of the journal, counters, the words
//! of a status.

use super::super::observe::counters::Counters;
use super::super::state::*;
use super::*;
use crate::paywall::response::gate_response::GateResponse;
use crate::wire::Credits;
use alloc::{boxed::Box, format, string::ToString};

const RECEIPTS: &str = "/.well-known/payments/receipts/";
const SHARD: &str = "0123456789abcdef";
const ID: &str = "0123456789abcdef0123456789abcdef";

fn with_state() -> Bindings {
    Bindings { state: true, ..Bindings::default() }
}

/// The request to the state; `None` where none is asked.
fn asked(method: &str, path: &str) -> Option<(String, Command)> {
    let gate = Gate::new(settings_with(&[], with_state()).unwrap());
    match gate.open(&ask(method, path, &[])).1 {
        Action::State(StateCall { shard, command }) => Some((shard, command)),
        Action::Respond(answer) => {
            assert!(matches!(answer.status, 400 | 404 | 405), "{path}: {}", answer.status);
            None
        }
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn a_receipt_is_asked_for_by_its_whole_address_only() {
    let at = |name: &str| [RECEIPTS, name].concat();
    let whole = format!("{SHARD}-{ID}");
    for method in ["GET", "HEAD"] {
        let expected = (SHARD.into(), Command::Receipt { id: ID.into() });
        assert_eq!(asked(method, &at(&whole)), Some(expected), "{method}");
    }
    for (name, method, path) in [
        ("another method", "POST", at(&whole)),
        ("a folder", "GET", at(&format!("{whole}/"))),
        ("below it", "GET", at(&format!("{whole}/x"))),
        ("another place", "GET", format!("/.well-known/payments/receipt/{whole}")),
        ("another place of the same depth", "GET", format!("/a/b/c/{whole}")),
        ("without a dash", "GET", at(&format!("{SHARD}{ID}"))),
        ("a short object", "GET", at(&format!("{}-{ID}", SHARD.split_at(1).1))),
        ("a long object", "GET", at(&format!("0{SHARD}-{ID}"))),
        ("a short id", "GET", at(&format!("{SHARD}-{}", ID.split_at(1).1))),
        ("a long id", "GET", at(&format!("{SHARD}-0{ID}"))),
        ("an object that is not hexadecimal", "GET", at(&format!("g{}-{ID}", SHARD.split_at(1).1))),
        ("an id that is not hexadecimal", "GET", at(&format!("{SHARD}-g{}", ID.split_at(1).1))),
        ("capitals", "GET", at(&format!("{SHARD}-{}", ID.to_uppercase()))),
    ] {
        assert_eq!(asked(method, &path), None, "{name}");
    }
}

#[test]
fn a_receipt_that_is_too_large_for_a_header_is_in_the_body_alone() {
    let gate = Gate::new(settings_with(&[], with_state()).unwrap());
    let path = format!("{RECEIPTS}{SHARD}-{ID}");
    for (more, in_header) in [(0, true), (20_000, false)] {
        let receipt = json!({ "success": true, "transaction": "x".repeat(more), "network": "n" });
        let (mut flow, _) = gate.open(&ask("GET", &path, &[]));
        let reply = Reply::Receipt { status: EntryStatus::Settled, receipt: Some(receipt.clone()) };
        let answer = responded(flow.handle_event(Event::State(reply), NOW));
        assert_eq!((answer.status, body(&answer)), (200, receipt), "{more}");
        assert_eq!(answer.headers.get("payment-response").is_some(), in_header, "{more}");
    }
    // Events that do not belong here, a state that cannot be reached, and a receipt that does not exist.
    for (event, status) in [
        (Event::State(Reply::Done), 503),
        (Event::StateFailed, 503),
        (Event::Waited, 500),
        (Event::State(Reply::Nothing), 404),
    ] {
        let (mut flow, _) = gate.open(&ask("GET", &path, &[]));
        assert_eq!(responded(flow.handle_event(event.clone(), NOW)).status, status, "{event:?}");
    }
}

#[test]
fn a_page_of_the_journal_names_the_next_where_it_is_full() {
    let over = [("METRICS_TOKEN", "0123456789abcdef")];
    let gate = Gate::new(settings_with(&over, with_state()).unwrap());
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    let open = || gate.open(&ask("GET", "/.well-known/payments/journal", &bearer)).0;
    let entry = |index: u32| {
        let text = json!({
            "id": format!("v{index}"), "status": "settled", "at": NOW, "route": "r", "plan": "1", "network": "n",
            "token": "t", "credits": "1", "delivered": true,
        });
        serde_json::from_value::<Entry>(text).unwrap_or_else(|error| panic!("{error}"))
    };
    for (count, next) in [(0, Value::Null), (199, Value::Null), (200, "v199".into())] {
        let entries = (0..count).map(entry).collect();
        let answer = responded(open().handle_event(Event::State(Reply::Journal { entries }), NOW));
        assert_eq!((answer.status, &body(&answer)["next"]), (200, &next), "{count}");
    }
    for (event, status) in [(Event::State(Reply::Done), 503), (Event::StateFailed, 503), (Event::Waited, 500)]
    {
        assert_eq!(responded(open().handle_event(event.clone(), NOW)).status, status, "{event:?}");
    }
}

#[test]
fn counters_count_by_route_and_outcome() {
    let counters = Counters::default();
    counters.begin("0123456789abcdef", 7_999);
    counters.begin("ffffffffffffffff", 99_000);
    for (route, outcome) in [("a", "settled"), ("a", "settled"), ("a", "offered"), ("b", "settled")] {
        counters.request(route, outcome);
    }
    for (route, credits) in [("a", 3), ("b", 4), ("a", 5)] {
        counters.settled(route, Credits::from(credits));
    }
    for route in ["b", "a", "b", "b"] {
        counters.unresolved(route);
    }
    let page = counters.page();
    let lines: Vec<_> =
        page.lines().filter(|line| !line.starts_with('#') && !line.contains("wait")).collect();
    let expected = [
        r#"paywall_isolate_start_seconds{isolate="0123456789ab"} 7"#,
        r#"paywall_requests_total{isolate="0123456789ab",route="a",outcome="settled"} 2"#,
        r#"paywall_requests_total{isolate="0123456789ab",route="a",outcome="offered"} 1"#,
        r#"paywall_requests_total{isolate="0123456789ab",route="b",outcome="settled"} 1"#,
        r#"paywall_credits_settled_total{isolate="0123456789ab",route="a"} 8"#,
        r#"paywall_credits_settled_total{isolate="0123456789ab",route="b"} 4"#,
        r#"paywall_unresolved_total{isolate="0123456789ab",route="b"} 3"#,
        r#"paywall_unresolved_total{isolate="0123456789ab",route="a"} 1"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_log_names_what_became_of_a_request() {
    for (name, events, outcome) in [
        ("no token", None, "offered"),
        ("refused", Some(Vec::from([answered(402, &json!({ "code": "BCK.X402.0005" }))])), "refused"),
        ("busy", Some(Vec::from([answered(429, &json!({}))])), "unavailable"),
        ("the client left", Some(Vec::from([Event::ClientGone])), "gone"),
        ("out of step", Some(Vec::from([Event::Waited])), "failed"),
        ("settled", Some(Vec::from([valid(), origin(200), burned()])), "settled"),
        ("the origin failed", Some(Vec::from([valid(), origin(500)])), "uncharged"),
        ("nobody knows", Some(Vec::from([valid(), origin(200), answered(500, &json!({}))])), "unknown"),
    ] {
        let token = token();
        let headers: Vec<_> = events.iter().map(|_| ("payment-signature", token.as_str())).collect();
        let (mut flow, mut action) = gate(&[]).open(&ask("POST", "/ask", &headers));
        for event in events.into_iter().flatten() {
            action = flow.handle_event(event, NOW);
        }
        assert!(matches!(action, Action::Respond(_) | Action::Deliver(_)), "{name}");
        let line: Value = serde_json::from_str(&flow.record().unwrap().line.unwrap()).unwrap();
        assert_eq!(line["outcome"], outcome, "{name}: {line}");
    }
    // A rate that is exceeded, and an answer that is settled later.
    let limit =
        json!({ "planId": "1001", "credits": 1, "limit": { "requests": 1, "seconds": 60, "by": "address" } });
    let mut world = super::harness::world(limit);
    let gate = world.gate.clone();
    let (mut flow, action) = gate.open(&ask("GET", "/r", &[]));
    let Action::State(call) = action else { panic!("{action:?}") };
    let _ = world.tell(&call);
    let limited = Event::State(Reply::Limited { retry_after: 3 });
    assert_eq!(responded(flow.handle_event(limited, NOW)).status, 429);
    let line: Value = serde_json::from_str(&flow.record().unwrap().line.unwrap()).unwrap();
    assert_eq!(line["outcome"], "limited");
}

#[test]
fn an_error_is_named_by_its_status() {
    for (status, name) in [
        (202, "Accepted"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (402, "Payment Required"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (413, "Content Too Large"),
        (429, "Too Many Requests"),
        (499, "Client Closed Request"),
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
    ] {
        let answer = GateResponse::error(status, "code", "words");
        let said = body(&answer);
        assert_eq!((said["error"].as_str(), said["code"].as_str()), (Some(name), Some("code")), "{status}");
    }
}

#[test]
fn the_longest_path_and_query_are_read() {
    let length = |path: usize, query: usize| {
        let path = format!("/{}", "a".repeat(path - 1));
        let query = if query > 0 { format!("?{}", "q".repeat(query)) } else { String::new() };
        responded(gate(&[]).open(&ask("GET", &[path, query].concat(), &[])).1).status
    };
    use crate::paywall::http::path::{MAX_PATH_BYTES, MAX_QUERY_BYTES};
    assert_eq!([length(MAX_PATH_BYTES, 0), length(MAX_PATH_BYTES + 1, 0)], [404, 400]);
    assert_eq!([length(9, MAX_QUERY_BYTES), length(9, MAX_QUERY_BYTES + 1)], [404, 400]);
}

#[test]
fn a_setting_is_what_it_was_read_as() {
    assert_eq!(settings(&[("MAX_BODY_BYTES", "77")]).unwrap().max_body_bytes(), 77);
    assert_eq!(settings(&[]).unwrap().max_body_bytes(), 1_048_576);
    let refused = |over: &[(&str, &str)]| settings(over).unwrap_err().to_string();
    assert_eq!(refused(&[("NVM_API_URL", "")]), "NVM_API_URL is missing");
    assert_eq!(
        refused(&[("NVM_API_URL", "http://api.example")]),
        "NVM_API_URL must be an https URL, or http to this machine"
    );
    let price = r#"{"GET /a": {"planId": "1", "credits": {"by": "handler", "most": 2}}}"#;
    assert!(refused(&[("ROUTES", price)]).contains("can be handler only in the library"));
    for url in [
        "https:///path",
        "https://",
        "https://a b",
        "https://user@a.example",
        "https://a.example?x",
        "mcp://x",
    ] {
        assert!(refused(&[("ORIGIN_URL", url)]).starts_with("ORIGIN_URL must be"), "{url}");
    }
    // A pass is sold for what is paid before it is delivered, and for what is a route at all.
    let routes = r#"{"GET /a": {"planId": "1", "credits": 1}, "GET /b": {"planId": "1", "credits": 1, "settle": "after-delivery"}}"#;
    let keys = ("PASS_KEYS", "k1:0123456789abcdef0123456789abcdef");
    for (route, sold) in [("GET /a", true), ("GET /b", false), ("GET /c", false)] {
        let passes = format!(r#"{{"s": {{"routes": ["{route}"], "seconds": 60}}}}"#);
        let read = settings_with(&[("ROUTES", routes), ("PASSES", &passes), keys], with_state());
        assert_eq!(read.is_ok(), sold, "{route}: {:?}", read.err());
    }
}

#[test]
fn an_entry_of_an_earlier_version_is_read() {
    // Its status had another name, and what was not known then has what it stood for.
    for (status, sent) in [("owed", true), ("settling", true), ("delivering", false), ("abandoned", false)] {
        let entry: Entry = serde_json::from_value(json!({
            "id": "v", "stands": status, "at": 1, "route": "r", "plan": "1", "network": "n", "token": "t", "credits": "1",
            "delivered": true,
        }))
        .unwrap();
        assert_eq!((entry.sent, entry.settle_grace_ms, entry.rounds), (sent, 130_000, 0), "{status}");
        assert!(!entry.open && !entry.copied_to_seller && entry.token_expires_at.is_none(), "{status}");
        let text = serde_json::to_string(&Command::File { entry: Box::new(entry.clone()) }).unwrap();
        assert!(
            text.contains(&format!(r#""status":"{status}""#)),
            "it is written by its name of today: {text}"
        );
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), Command::File { entry: Box::new(entry) });
    }
}
