//! The configuration refuses unknown names at every depth, and names the one that was probably meant.

use super::*;
use alloc::{format, string::ToString};

const KEYS: (&str, &str) = ("PASS_KEYS", "k1:0123456789abcdef0123456789abcdef");

/// The error of a gate with these variables and a build's page.
fn refused(variable: &str, value: &Value) -> String {
    let value = value.to_string();
    let over = [(variable, value.as_str()), KEYS, ("PAGE_FILES", PAGE_FILES.as_str())];
    let bindings = Bindings { state: true, handler: true, ..Bindings::default() };
    match settings_with(&over, bindings) {
        Ok(_) => panic!("{value} is accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_misspelt_name_is_refused_with_the_one_that_was_meant() {
    let route = |more: Value| {
        let mut route = json!({ "planId": "1001", "credits": 1 });
        route.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "GET /a": route })
    };
    let at = r#"ROUTES["GET /a"]"#;
    for (variable, value, key, meant) in [
        ("ROUTES", route(json!({ "planid": "1" })), format!("{at}.planid"), "planId"),
        ("ROUTES", route(json!({ "setle": "x" })), format!("{at}.setle"), "settle"),
        ("ROUTES", route(json!({ "limit": { "request": 1 } })), format!("{at}.limit.request"), "requests"),
        ("ROUTES", route(json!({ "free": { "perday": 1 } })), format!("{at}.free.perday"), "perDay"),
        (
            "ROUTES",
            route(json!({ "credits": { "by": "query", "nmae": "n", "most": 1 } })),
            format!("{at}.credits.nmae"),
            "name",
        ),
        (
            "ROUTES",
            json!({ "GET /a": { "credits": 1, "plans": [{ "planId": "1" }, { "planI": "2" }] } }),
            format!("{at}.plans[1].planI"),
            "planId",
        ),
        (
            "ROUTES",
            json!({ "GET /a": { "plans": [{ "planId": "1", "credits": { "by": "query", "name": "n", "mots": 1 } }] } }),
            format!("{at}.plans[0].credits.mots"),
            "most",
        ),
        (
            "PASSES",
            json!({ "all": { "routes": ["GET /paid"], "second": 60 } }),
            r#"PASSES["all"].second"#.into(),
            "seconds",
        ),
        ("REVOKED_PASSES", json!({ "payer": {} }), "REVOKED_PASSES.payer".into(), "payers"),
        ("PAGE", json!({ "acent": "#123456" }), "PAGE.acent".into(), "accent"),
        ("PAGE", json!({ "texts": { "tittle": "x" } }), "PAGE.texts.tittle".into(), "title"),
    ] {
        let said = refused(variable, &value);
        assert!(said.starts_with(&format!("{key} is not a ")), "{said}");
        assert!(said.ends_with(&format!("; did you mean {meant}?")), "{said}");
    }
    for (name, meant) in
        [("rotues", "routes"), ("timeoutMS", "timeoutMs"), ("allowedOrigin", "allowedOrigins")]
    {
        let document = json!({ name: 1 }).to_string();
        let said = Document::parse(&document).unwrap_err().to_string();
        assert_eq!(said, format!("{name} is not a key of the configuration; did you mean {meant}?"));
    }
}

#[test]
fn a_name_that_resembles_none_is_refused_without_a_suggestion() {
    for (variable, value, key) in [
        (
            "ROUTES",
            json!({ "GET /a": { "planId": "1", "credits": 1, "xyzzy": 1 } }),
            r#"ROUTES["GET /a"].xyzzy"#,
        ),
        ("PAGE", json!({ "xyzzy": 1 }), "PAGE.xyzzy"),
    ] {
        let said = refused(variable, &value);
        assert!(said.starts_with(&format!("{key} is not a key of ")) && !said.contains("mean"), "{said}");
    }
    // A member of another kind of price is named too.
    let other = json!({ "GET /a": { "planId": "1", "credits": { "by": "origin", "name": "x", "most": 1, "each": 2 } } });
    let said = refused("ROUTES", &other);
    assert_eq!(said, r#"ROUTES["GET /a"].credits.each is not a key of a price of this kind"#.to_string());
}
