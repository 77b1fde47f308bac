//! Requests (contract section 4).

use super::*;

#[test]
fn each_call_is_what_was_recorded() {
    let offer = json!({ "x402Version": 2, "resource": { "url": "/ask" }, "accepts": [], "extensions": {} });
    let registered = |limit: &str, seconds: &str, trial: bool| {
        let mut metadata = json!({ "name": "n" });
        if trial {
            metadata["isTrialPlan"] = true.into();
        }
        json!({
            "metadataAttributes": metadata, "priceConfig": price(), "creditsConfig": credits(seconds), "nonce": "7",
            "isTrialPlan": trial, "accessLimit": limit, "currency": "USD",
        })
    };
    let timed = plan(&json!({ "creditsConfig": { "durationSecs": "60" } }));
    let api = json!({ "endpoints": [{ "POST": "https://x/y" }], "authType": "bearer", "token": "t" });
    let pay = json!({ "credential": "Payment x", "resource": "/a", "httpVerb": "POST" });
    let digest =
        json!({ "credential": "Payment x", "resource": "/a", "httpVerb": "POST", "bodyDigest": "sha-256=x" });
    let rows = vec![
        (
            "registerPlan",
            plan(&json!({})),
            "POST+ /api/v1/protocol/plans",
            Some(registered("credits", "0", false)),
        ),
        (
            "registerPlan",
            timed.clone(),
            "POST+ /api/v1/protocol/plans",
            Some(registered("time", "60", false)),
        ),
        (
            "registerPlan",
            plan(&json!({ "nonce": MAX, "accessLimit": "time", "planMetadata": { "isTrialPlan": true } })),
            "POST+ /api/v1/protocol/plans",
            Some({
                let mut body = registered("time", "0", true);
                body["nonce"] = MAX.into();
                body
            }),
        ),
        (
            "registerCreditsPlan",
            plan(&json!({})),
            "POST+ /api/v1/protocol/plans",
            Some(registered("credits", "0", false)),
        ),
        (
            "registerTimePlan",
            timed.clone(),
            "POST+ /api/v1/protocol/plans",
            Some(registered("time", "60", false)),
        ),
        (
            "registerCreditsTrialPlan",
            plan(&json!({})),
            "POST+ /api/v1/protocol/plans",
            Some(registered("credits", "0", true)),
        ),
        (
            "registerTimeTrialPlan",
            timed.clone(),
            "POST+ /api/v1/protocol/plans",
            Some(registered("time", "60", true)),
        ),
        (
            "getPlanBalance",
            json!({ "planId": "1", "holder": ADDRESS }),
            "GET /api/v1/protocol/plans/1/balance/0x1111111111111111111111111111111111111111",
            None,
        ),
        (
            "mintPlanCredits",
            json!({ "planId": "1", "creditsAmount": 5, "creditsReceiver": ADDRESS }),
            "POST+ /api/v1/protocol/plans/mint",
            Some(json!({ "planId": "1", "amount": "5", "creditsReceiver": ADDRESS })),
        ),
        (
            "mintPlanExpirable",
            json!({ "planId": "1", "creditsAmount": MAX, "creditsReceiver": ADDRESS }),
            "POST+ /api/v1/protocol/plans/mintExpirable",
            Some(
                json!({ "planId": "1", "creditsAmount": MAX, "creditsReceiver": ADDRESS, "creditsDuration": "0" }),
            ),
        ),
        (
            "burnCredits",
            json!({ "planId": 1, "creditsAmount": "5" }),
            "POST+ /api/v1/protocol/plans/burn",
            Some(json!({ "planId": "1", "creditsAmount": "5" })),
        ),
        (
            "redeemCredits",
            json!({ "agentRequestId": "r", "planId": "1", "redeemFrom": ADDRESS, "creditsAmount": "5" }),
            "POST+ /api/v1/protocol/plans/redeem",
            Some(json!({ "agentRequestId": "r", "planId": "1", "redeemFrom": ADDRESS, "amount": "5" })),
        ),
        (
            "registerAgent",
            json!({ "agentMetadata": { "name": "n" }, "agentApi": api, "paymentPlans": ["1", 2] }),
            "POST+ /api/v1/protocol/agents",
            Some(
                json!({ "metadataAttributes": { "name": "n" }, "agentApiAttributes": api, "plans": ["1", "2"] }),
            ),
        ),
        (
            "registerAgent",
            json!({ "agentMetadata": { "name": "n" }, "paymentPlans": [] }),
            "POST+ /api/v1/protocol/agents",
            Some(json!({ "metadataAttributes": { "name": "n" }, "plans": [] })),
        ),
        (
            "registerAgentAndPlan",
            plan(
                &json!({ "agentMetadata": { "name": "a" }, "agentApi": {}, "creditsConfig": { "durationSecs": 60 } }),
            ),
            "POST+ /api/v1/protocol/agents/plans",
            Some(json!({
                "plan": { "metadataAttributes": { "name": "n" }, "priceConfig": price(), "creditsConfig": credits("60"), "accessLimit": "time" },
                "agent": { "metadataAttributes": { "name": "a" }, "agentApiAttributes": {} },
            })),
        ),
        (
            "updateAgentMetadata",
            json!({ "agentId": "2", "agentMetadata": { "name": "n" }, "agentApi": {} }),
            "PUT+ /api/v1/protocol/agents/2",
            Some(json!({ "metadataAttributes": { "name": "n" }, "agentApiAttributes": {} })),
        ),
        (
            "getAgents",
            json!({}),
            "GET+ /api/v1/protocol/agents?page=1&offset=100&sortBy=created&sortOrder=desc",
            None,
        ),
        (
            "getAgents",
            json!({ "page": 2, "offset": 5, "sortBy": "name", "sortOrder": "asc", "orgId": "org-1" }),
            "GET+ /api/v1/protocol/agents?page=2&offset=5&sortBy=name&sortOrder=asc&orgId=org-1",
            None,
        ),
        (
            "addPlanToAgent",
            json!({ "planId": "1", "agentId": "2" }),
            "POST+ /api/v1/protocol/agents/2/plan/1",
            None,
        ),
        (
            "removePlanFromAgent",
            json!({ "planId": "1", "agentId": "2" }),
            "DELETE+ /api/v1/protocol/agents/2/plan/1",
            None,
        ),
        (
            "verifyPermissions",
            json!({ "paymentRequired": offer, "x402AccessToken": "t", "maxAmount": "0" }),
            "POST+ /api/v1/x402/verify",
            Some(json!({ "paymentRequired": offer, "x402AccessToken": "t", "maxAmount": "0" })),
        ),
        (
            "settlePermissions",
            json!({ "paymentRequired": offer, "x402AccessToken": "t" }),
            "POST+ /api/v1/x402/settle",
            Some(json!({ "paymentRequired": offer, "x402AccessToken": "t" })),
        ),
        (
            "settlePermissions",
            json!({ "paymentRequired": offer, "x402AccessToken": "t", "agentRequestId": "r", "batch": false, "marginPercent": 0.2 }),
            "POST+ /api/v1/x402/settle",
            Some(
                json!({ "paymentRequired": offer, "x402AccessToken": "t", "agentRequestId": "r", "batch": false, "marginPercent": 0.2 }),
            ),
        ),
        (
            "startSimulationRequest",
            json!({}),
            "POST+ /api/v1/protocol/agents/simulate/start",
            Some(json!({})),
        ),
        (
            "startSimulationRequest",
            json!({ "pricePerCredit": 0.01, "batch": true, "agentName": "a", "planName": "p" }),
            "POST+ /api/v1/protocol/agents/simulate/start",
            Some(json!({ "pricePerCredit": 0.01, "batch": true, "agentName": "a", "planName": "p" })),
        ),
        (
            "finishSimulationRequest",
            json!({ "agentRequestId": "r" }),
            "POST+ /api/v1/protocol/agents/simulate/finish",
            Some(json!({ "agentRequestId": "r", "marginPercent": 0.2, "batch": false })),
        ),
        (
            "trackAgentSubTask",
            json!({ "agentRequestId": "r" }),
            "POST+ /api/v1/protocol/agent-sub-tasks",
            Some(json!({ "agentRequestId": "r", "creditsToRedeem": 0 })),
        ),
        (
            "trackAgentSubTask",
            json!({ "agentRequestId": "r", "creditsToRedeem": "9007199254740992", "tag": "t", "description": "d", "status": "SUCCESS" }),
            "POST+ /api/v1/protocol/agent-sub-tasks",
            Some(
                json!({ "agentRequestId": "r", "creditsToRedeem": "9007199254740992", "tag": "t", "description": "d", "status": "SUCCESS" }),
            ),
        ),
        (
            "createMember",
            json!({ "userId": "u" }),
            "POST+ /api/v1/organizations/account",
            Some(json!({ "uniqueExternalId": "u" })),
        ),
        (
            "createMember",
            json!({ "userId": "u", "userEmail": "e", "userRole": "Admin" }),
            "POST+ /api/v1/organizations/account",
            Some(json!({ "uniqueExternalId": "u", "email": "e", "role": "Admin" })),
        ),
        (
            "onboardCustomer",
            json!({ "email": "e" }),
            "POST+ /api/v1/organizations/account",
            Some(json!({ "email": "e", "as": "customer" })),
        ),
        (
            "getMembers",
            json!({}),
            "POST+ /api/v1/organizations/members",
            Some(json!({ "page": 1, "offset": 100 })),
        ),
        (
            "getMembers",
            json!({ "role": "Admin", "isActive": false, "page": 2, "offset": 5 }),
            "POST+ /api/v1/organizations/members",
            Some(json!({ "role": "Admin", "isActive": false, "page": 2, "offset": 5 })),
        ),
        ("getMyMemberships", json!({}), "GET+ /api/v1/organizations/my-memberships", None),
        (
            "getOrganizationActivity",
            json!({ "orgId": "org-1" }),
            "GET+ /api/v1/organizations/org-1/activity",
            None,
        ),
        (
            "getOrganizationActivity",
            json!({ "orgId": "org-1", "eventType": ["plan.created", "plan.purchased"], "actorUserId": "0x1", "from": "2026-01-01T00:00:00Z", "to": "", "page": 1, "limit": 25 }),
            "GET+ /api/v1/organizations/org-1/activity?eventType=plan.created%2Cplan.purchased&actorUserId=0x1&from=2026-01-01T00%3A00%3A00Z&page=1&limit=25",
            None,
        ),
        (
            "connectStripeAccount",
            json!({ "userEmail": "e", "userCountryCode": "ES", "returnUrl": "https://r" }),
            "POST+ /api/v1/fiat/stripe/account",
            Some(json!({ "userEmail": "e", "userCountryCode": "ES", "returnUrl": "https://r" })),
        ),
        ("getDeploymentInfo", json!({}), "GET /", None),
        (
            "createOrder",
            json!({ "amountMinor": "3437", "lineItems": [{ "Some_Key": 0.5 }], "metadata": { "other_key": null } }),
            "POST+ /api/v1/orders",
            Some(
                json!({ "amountMinor": 3437, "currency": "usd", "lineItems": [{ "Some_Key": 0.5 }], "metadata": { "other_key": null } }),
            ),
        ),
        ("getOrder", json!({ "orderId": "o-1" }), "GET /api/v1/orders/o-1", None),
        (
            "issueChallenge",
            json!({ "planId": "1", "credits": "2", "resource": "/ask", "httpVerb": "POST", "agentId": "", "description": "" }),
            "POST+ /api/v1/mpp/challenge",
            Some(json!({ "planId": "1", "credits": "2", "resource": "/ask", "httpVerb": "POST" })),
        ),
        (
            "issueChallenge",
            json!({ "planId": "1", "credits": 2, "resource": "/ask", "httpVerb": "POST", "agentId": "2", "digest": "sha-256=x", "description": "d" }),
            "POST+ /api/v1/mpp/challenge",
            Some(
                json!({ "planId": "1", "credits": "2", "resource": "/ask", "httpVerb": "POST", "agentId": "2", "digest": "sha-256=x", "description": "d" }),
            ),
        ),
        ("verifyCredential", digest.clone(), "POST+ /api/v1/mpp/verify", Some(digest)),
        ("settleCredential", pay.clone(), "POST+ /api/v1/mpp/settle", Some(pay)),
        (
            "getMppAccessToken",
            json!({ "planId": "1", "tokenOptions": { "delegationConfig": { "delegationId": "d" } } }),
            "POST+ /api/v1/mpp/permissions",
            Some(
                json!({ "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1", "extra": {} }, "delegationConfig": { "delegationId": "d" } }),
            ),
        ),
        (
            "getMppAccessToken",
            json!({ "planId": "1", "agentId": "2", "tokenOptions": { "scheme": "nvm:card-delegation", "network": "visa", "delegationConfig": { "apiKeyId": "k" } } }),
            "POST+ /api/v1/mpp/permissions",
            Some(
                json!({ "accepted": { "scheme": "nvm:card-delegation", "network": "visa", "planId": "1", "extra": { "agentId": "2" } }, "delegationConfig": { "apiKeyId": "k" } }),
            ),
        ),
        (
            "createDelegation",
            json!({ "provider": "erc4337", "spendingLimitCents": "100", "durationSecs": 60, "currency": "usdc" }),
            "POST+ /api/v1/delegation/create",
            Some(
                json!({ "provider": "erc4337", "spendingLimitCents": 100, "durationSecs": 60, "currency": "usdc" }),
            ),
        ),
        // The calls that buyers have too.
        ("orderPlan", json!(["1"]), "POST+ /api/v1/protocol/plans/1/order", None),
        (
            "getPlans",
            json!({ "page": 2, "offset": 5, "sortBy": "name", "orgId": "org-1" }),
            "GET+ /api/v1/protocol/plans?page=2&offset=5&sortBy=name&sortOrder=desc&orgId=org-1",
            None,
        ),
        (
            "getAgentsAssociatedToAPlan",
            json!({ "planId": "1", "page": 2 }),
            "GET /api/v1/protocol/plans/1/agents?sortOrder=desc&page=2&pageSize=10",
            None,
        ),
        (
            "getAgentPlans",
            json!({ "agentId": "2", "sortBy": "name", "sortOrder": "asc", "page": "3", "pageSize": 5 }),
            "GET /api/v1/protocol/agents/2/plans?sortBy=name&sortOrder=asc&page=3&pageSize=5",
            None,
        ),
        (
            "orderFiatPlan",
            json!({ "planId": "1" }),
            "POST+ /api/v1/fiat/stripe/payment",
            Some(json!({ "planId": "1", "sessionType": "embedded" })),
        ),
        ("getPlan", json!(["1"]), "GET /api/v1/protocol/plans/1", None),
    ];
    for (name, given, line, body) in &rows {
        let shown = shown(&prepared(name, given).request);
        assert_eq!((shown.0.as_str(), &shown.1), (*line, body), "{name} {given}");
    }
    for name in table::names() {
        assert!(rows.iter().any(|(row, ..)| *row == name), "{name} has no row here");
    }
}
