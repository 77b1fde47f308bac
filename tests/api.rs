//! Every call of the API against the recorded shape (contract section 4): method, path, headers, body.

use payments_wasm::api::{
    Auth, Call, Deployment, Page, Request, agents, delegation, fiat, permissions, plans, widgets, x402,
};
use payments_wasm::wire::{AgentId, ApiKey, DelegationId, PlanId, ResourceId, Scheme, Secret};

fn plan() -> PlanId {
    PlanId::parse("1", "planId").unwrap()
}

fn agent() -> AgentId {
    AgentId::parse("2", "agentId").unwrap()
}

fn delegation_id() -> DelegationId {
    DelegationId::parse("d-1", "delegationId").unwrap()
}

fn resource(text: &str) -> ResourceId {
    ResourceId::parse(text, "id").unwrap()
}

#[test]
fn each_call_is_what_was_recorded() {
    let holder = "0x6B16D0b334824581B4a24A49Fd7fcbD6509CE5da";
    let first = Page::default();
    let page = Page {
        page: Some("3".into()),
        offset: Some("5".into()),
        sort_by: Some("name".into()),
        sort_order: Some("asc".into()),
    };
    let token = x402::GetAccessToken {
        scheme: Scheme::Erc4337,
        network: "eip155:84532".into(),
        plan_id: plan(),
        agent_id: Some(agent()),
        delegation_id: delegation_id(),
        binding: None,
    };
    type Row = (Request, &'static str, Auth, Option<&'static str>);
    let rows: [Row; 23] = [
        (plans::get_plan(&plan()), "GET /api/v1/protocol/plans/1", Auth::Public, None),
        (
            plans::get_plans(&first, None),
            "GET /api/v1/protocol/plans?page=1&offset=100&sortBy=created&sortOrder=desc",
            Auth::Key,
            None,
        ),
        (
            plans::get_plans(&page, Some(&resource("org-1"))),
            "GET /api/v1/protocol/plans?page=3&offset=5&sortBy=name&sortOrder=asc&orgId=org-1",
            Auth::Key,
            None,
        ),
        (
            plans::get_plan_agents(&plan(), &first),
            "GET /api/v1/protocol/plans/1/agents?sortOrder=desc&page=1&pageSize=10",
            Auth::Public,
            None,
        ),
        (
            plans::get_plan_agents(&plan(), &page),
            "GET /api/v1/protocol/plans/1/agents?sortBy=name&sortOrder=asc&page=3&pageSize=5",
            Auth::Public,
            None,
        ),
        (
            plans::GetPlanBalance { plan_id: plan(), holder: holder.into() }.request(),
            "GET /api/v1/protocol/plans/1/balance/0x6B16D0b334824581B4a24A49Fd7fcbD6509CE5da",
            Auth::Public,
            None,
        ),
        (
            plans::OrderPlan { plan_id: plan() }.request(),
            "POST /api/v1/protocol/plans/1/order",
            Auth::Key,
            None,
        ),
        (
            fiat::order_fiat_plan(&plan()),
            "POST /api/v1/fiat/stripe/payment",
            Auth::Key,
            Some(r#"{"sessionType":"embedded","planId":"1"}"#),
        ),
        (agents::get_agent(&agent()), "GET /api/v1/protocol/agents/2", Auth::Public, None),
        (
            agents::get_agent_plans(&agent(), &first),
            "GET /api/v1/protocol/agents/2/plans?sortOrder=desc&page=1&pageSize=10",
            Auth::Public,
            None,
        ),
        (
            token.request(),
            "POST /api/v1/x402/permissions",
            Auth::Key,
            Some(
                r#"{"accepted":{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"1","extra":{"agentId":"2"}},"delegationConfig":{"delegationId":"d-1"}}"#,
            ),
        ),
        (
            permissions::get_permission(&resource("0xab")),
            "GET /api/v1/x402/permissions/0xab",
            Auth::Key,
            None,
        ),
        (permissions::list_permissions(&first), "GET /api/v1/x402/permissions", Auth::Key, None),
        (
            permissions::list_permissions(&page),
            "GET /api/v1/x402/permissions?page=3&offset=5",
            Auth::Key,
            None,
        ),
        (
            permissions::revoke_permission(&resource("0xab")),
            "DELETE /api/v1/x402/permissions/0xab",
            Auth::Key,
            None,
        ),
        (delegation::list_payment_methods(None, None), "GET /api/v1/payment-methods", Auth::Key, None),
        (
            delegation::list_payment_methods(Some(true), Some("visa")),
            "GET /api/v1/payment-methods?accessible=true&provider=visa",
            Auth::Key,
            None,
        ),
        (
            delegation::update_payment_method(&resource("pm_1"), r#"{"alias":"a"}"#.into()),
            "PATCH /api/v1/payment-methods/pm_1",
            Auth::Key,
            Some(r#"{"alias":"a"}"#),
        ),
        (delegation::list_delegations(None), "GET /api/v1/delegation", Auth::Key, None),
        (
            delegation::list_delegations(Some(false)),
            "GET /api/v1/delegation?accessible=false",
            Auth::Key,
            None,
        ),
        (
            delegation::create_delegation(r#"{"provider":"erc4337"}"#.into()),
            "POST /api/v1/delegation/create",
            Auth::Key,
            Some(r#"{"provider":"erc4337"}"#),
        ),
        (delegation::revoke_delegation(&delegation_id()), "DELETE /api/v1/delegation/d-1", Auth::Key, None),
        (
            widgets::start_session(Some("org-1"), "http://127.0.0.1:4000/callback?a=\"b\""),
            "POST /api/v1/widgets/session/self",
            Auth::Key,
            Some(r#"{"orgId":"org-1","returnUrl":"http://127.0.0.1:4000/callback?a=\"b\""}"#),
        ),
    ];
    for (request, line, auth, body) in rows {
        assert_eq!(format!("{} {}", request.method.as_str(), request.path), line);
        assert_eq!((request.auth, request.body.as_deref()), (auth, body), "{line}");
        let reads = !line.starts_with("POST") && !line.starts_with("PATCH");
        assert_eq!(request.is_idempotent(), reads, "{line}");
    }
}

#[test]
fn a_key_and_an_organization_ride_on_the_calls_that_take_them_only() {
    let key = Secret::new("local:a.b.c");
    let names = |request: &Request, organization| {
        request
            .headers(Some(&key), organization)
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect::<Vec<_>>()
    };
    let json = ["accept: application/json", "content-type: application/json"];
    let public = plans::get_plan(&plan());
    assert_eq!(names(&public, Some("org-1")), json);
    let private = delegation::list_delegations(None);
    let own = ["authorization: Bearer local:a.b.c", "nevermined-version: 1.1"];
    assert_eq!(names(&private, None), [json, own].concat());
    assert_eq!(names(&private, Some("org-1")), [&json[..], &own, &["x-current-org-id: org-1"]].concat());
    assert_eq!(private.headers(None, Some("org-1")).len(), 2, "and without a key neither does");
}

#[test]
fn a_card_page_has_its_address_and_the_platform_last() {
    let local = Deployment::custom(Some("http://127.0.0.1:1"), None, Some("http://127.0.0.1:2")).unwrap();
    let visit = widgets::CardPage {
        session_token: "wst 1",
        return_url: "http://localhost:4/cb?x=1&y=2",
        state: "00ff",
        provider: None,
        payment_method_id: None,
    };
    assert_eq!(
        visit.url(&local, None),
        "http://127.0.0.1:2/cards/setup?sessionToken=wst%201&returnUrl=http%3A%2F%2Flocalhost%3A4%2Fcb%3Fx%3D1%26y%3D2&state=00ff&provider=stripe&network=sandbox"
    );
    let delegate = widgets::CardPage { payment_method_id: Some("pm_1"), provider: Some("visa"), ..visit };
    let key = ApiKey::parse("live:a.e30.c").unwrap();
    let url = delegate.url(&local, Some(&key));
    assert!(url.starts_with("http://127.0.0.1:2/cards/delegate?"), "{url}");
    assert!(url.ends_with("&state=00ff&paymentMethodId=pm_1&network=live"), "{url}");
    for (backend, network) in [("https://api.live.example", "live"), ("https://olive.example", "sandbox")] {
        let custom = Deployment::custom(Some(backend), None, None).unwrap();
        assert!(delegate.url(&custom, None).ends_with(&format!("network={network}")), "{backend}");
    }
}
