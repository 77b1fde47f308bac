"""What the official client sends, call by call: run by request-parity.test.mjs, which answers, writes it down, and compares.

Each call is announced by POST /mark/<name>, so that what goes out after it is known to be its own. What the client makes of the
answers is of no interest here: some of them it cannot read.
"""

import base64
import dataclasses
import json
import os
import urllib.request

URL = os.environ["NVM_BACKEND_URL"]

from payments_py import PaymentOptions, Payments  # noqa: E402
from payments_py.common.types import (  # noqa: E402
    AgentAPIAttributes,
    AgentMetadata,
    AgentTaskStatus,
    Endpoint,
    OrganizationActivityFilters,
    OrganizationMemberRole,
    PaginationOptions,
    PlanMetadata,
    PlanRedemptionType,
    StartAgentRequest,
    TrackAgentSubTaskDto,
)
from payments_py.mpp.codec import (  # noqa: E402
    build_credential_header,
    extract_credential_challenge_id,
    extract_payment_scheme,
    parse_challenge_header,
    parse_receipt_header,
)
from payments_py.mpp.mpp_api import IssueMppChallengeParams, RedeemMppParams  # noqa: E402
from payments_py.x402.helpers import build_payment_required  # noqa: E402
from payments_py.x402.types import (  # noqa: E402
    CreateDelegationPayload,
    DelegationConfig,
    MppTokenOptions,
    X402TokenOptions,
)

KEY = os.environ["NVM_API_KEY"]
ME, TOKEN = "0x" + "1" * 40, "0x" + "2" * 40
LARGE = 2**60 + 1
payments = Payments.get_instance(PaymentOptions(nvm_api_key=KEY, environment="custom"))
pinned = Payments.get_instance(PaymentOptions(nvm_api_key=KEY, environment="custom", organization_id="org-1"))
plans, agents, organizations = payments.plans, payments.agents, payments.organizations


def post(path, body=None):
    data = b"" if body is None else json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(URL + path, data=data, method="POST")).read()


def call(name, action):
    post("/mark/" + name.replace("#", "%23"))
    try:
        action()
    except Exception as error:
        print(f"# {name}: {type(error).__name__}: {str(error)[:160]}")


price = plans.get_erc20_price_config(10_000_000, TOKEN, ME)
credits = plans.get_dynamic_credits_config(100, 1, 5)
day = plans.get_expirable_duration_config(plans.ONE_DAY_DURATION)
plain = PlanMetadata(name="n", description="d", tags=["a", "b"])
page = PaginationOptions(page=2, offset=5, sort_by="name", sort_order="asc")
oracle = AgentMetadata(name="Oracle", description="Answers", author="me")
api = AgentAPIAttributes(endpoints=[Endpoint(verb="POST", url="https://a.example/ask/:id")], open_endpoints=["https://a.example/health"])

call("plans.registerPlan", lambda: plans.register_plan(plain, price, credits, nonce=7))
call("plans.registerPlan#all", lambda: plans.register_plan(
    PlanMetadata(name="n", is_trial_plan=True), price, credits, nonce=2**127, access_limit="time", organization_id="org-2"))
call("plans.registerPlan#time", lambda: plans.register_plan(plain, price, day, nonce=7))
call("plans.registerCreditsPlan", lambda: plans.register_credits_plan(plain, price, credits))
call("plans.registerTimePlan", lambda: plans.register_time_plan(plain, price, day, organization_id="org-2"))
call("plans.registerCreditsTrialPlan", lambda: plans.register_credits_trial_plan(PlanMetadata(name="n"), price, credits))
call("plans.registerTimeTrialPlan", lambda: plans.register_time_trial_plan(PlanMetadata(name="n"), price, day))
for name, config in {
    "getFiatPriceConfig": plans.get_fiat_price_config(1_000_000, ME),
    "getFiatPriceConfig#EUR": plans.get_fiat_price_config(1_000_000, ME, "EUR"),
    "getCryptoPriceConfig": plans.get_crypto_price_config(5, ME, TOKEN),
    "getCryptoPriceConfig#native": plans.get_crypto_price_config(LARGE, ME),
    "getERC20PriceConfig": plans.get_erc20_price_config(5, TOKEN, ME),
    "getEURCPriceConfig": plans.get_eurc_price_config(5, ME),
    "getFreePriceConfig": plans.get_free_price_config(),
    "getNativeTokenPriceConfig": plans.get_native_token_price_config(LARGE, ME),
}.items():
    call(f"plans.{name}", lambda: plans.register_plan(plain, config, credits, nonce=7))
for name, config in {
    "getExpirableDurationConfig": plans.get_expirable_duration_config(60),
    "getNonExpirableDurationConfig": plans.get_non_expirable_duration_config(),
    "getFixedCreditsConfig": plans.get_fixed_credits_config(LARGE, 2),
    "getFixedCreditsConfig#one": plans.get_fixed_credits_config(100),
    "getDynamicCreditsConfig": plans.get_dynamic_credits_config(100, 1, 5),
    "getDynamicCreditsConfig#one": plans.get_dynamic_credits_config(100),
    "getPayAsYouGoCreditsConfig": plans.get_pay_as_you_go_credits_config(),
    "setRedemptionType": plans.set_redemption_type(credits, PlanRedemptionType.ONLY_OWNER),
    "setOnchainMirror": plans.set_onchain_mirror(credits),
}.items():
    call(f"plans.{name}", lambda: plans.register_plan(plain, price, config, nonce=7))
call("plans.getPayAsYouGoPriceConfig", lambda: plans.register_plan(
    plain, plans.get_pay_as_you_go_price_config(5, ME, TOKEN), credits, nonce=7))
call("contracts.getDeploymentInfo", lambda: pinned.contracts_api.get_deployment_info())
call("plans.getPlan", lambda: plans.get_plan("1"))
call("plans.getPlans", lambda: plans.get_user_plans("org-2", page))
call("plans.getPlans#defaults", lambda: plans.get_user_plans())
call("plans.getAgentsAssociatedToAPlan", lambda: plans.get_agents_associated_to_plan("1", page))
call("plans.getAgentsAssociatedToAPlan#defaults", lambda: plans.get_agents_associated_to_plan("1"))
call("plans.getPlanBalance", lambda: plans.get_plan_balance("1", TOKEN))
call("plans.getPlanBalance#own", lambda: plans.get_plan_balance("1"))
call("plans.orderPlan", lambda: plans.order_plan("1"))
call("plans.orderFiatPlan", lambda: plans.order_fiat_plan("1"))
call("plans.mintPlanCredits", lambda: plans.mint_plan_credits("1", 5, ME))
call("plans.mintPlanCredits#large", lambda: plans.mint_plan_credits("1", LARGE, ME))
call("plans.mintPlanExpirable", lambda: plans.mint_plan_expirable("1", 5, ME, 60))
call("plans.mintPlanExpirable#defaults", lambda: plans.mint_plan_expirable("1", LARGE, ME))
call("plans.burnCredits", lambda: plans.burn_credits("1", "5"))
call("plans.redeemCredits", lambda: plans.redeem_credits("r", "1", ME, "5"))

call("agents.registerAgent", lambda: agents.register_agent(oracle, api, ["1", "2"], organization_id="org-2"))
call("agents.registerAgentAndPlan", lambda: agents.register_agent_and_plan(oracle, api, plain, price, credits))
call("agents.registerAgentAndPlan#all", lambda: agents.register_agent_and_plan(oracle, api, plain, price, day, "credits", "org-2"))
call("agents.getAgent", lambda: agents.get_agent("2"))
call("agents.getAgents", lambda: agents.get_user_agents("org-2", page))
call("agents.getAgents#defaults", lambda: agents.get_user_agents())
call("agents.getAgentPlans", lambda: agents.get_agent_plans("2", page))
call("agents.updateAgentMetadata", lambda: agents.update_agent_metadata("2", oracle, AgentAPIAttributes(token="t", auth_type="bearer")))
call("agents.addPlanToAgent", lambda: agents.add_plan_to_agent("1", "2"))
call("agents.removePlanFromAgent", lambda: agents.remove_plan_from_agent("1", "2"))

offer = build_payment_required("1", endpoint="/ask", agent_id="2", http_verb="POST", environment="custom")
call("facilitator.verifyPermissions", lambda: payments.facilitator.verify_permissions(offer, "token", "2"))
call("facilitator.verifyPermissions#least", lambda: payments.facilitator.verify_permissions(offer, "token"))
call("facilitator.settlePermissions", lambda: payments.facilitator.settle_permissions(offer, "token", str(LARGE), "r"))
call("facilitator.settlePermissions#least", lambda: payments.facilitator.settle_permissions(offer, "token"))

call("requests.startSimulationRequest", lambda: payments.requests.start_simulation_request(0.05, True, "a", "p"))
call("requests.startSimulationRequest#defaults", lambda: payments.requests.start_simulation_request())
call("requests.finishSimulationRequest", lambda: payments.requests.finish_simulation_request("r", 0.5, True))
call("requests.finishSimulationRequest#defaults", lambda: payments.requests.finish_simulation_request("r"))
call("requests.trackAgentSubTask", lambda: payments.requests.track_agent_sub_task(TrackAgentSubTaskDto(
    agent_request_id="r", credits_to_redeem=5, tag="t", description="d", status=AgentTaskStatus.SUCCESS)))
call("requests.trackAgentSubTask#defaults", lambda: payments.requests.track_agent_sub_task(TrackAgentSubTaskDto(agent_request_id="r")))

call("organizations.createMember", lambda: organizations.create_member("u", "e@a.example", OrganizationMemberRole.MEMBER))
call("organizations.createMember#least", lambda: organizations.create_member("u"))
call("organizations.onboardCustomer", lambda: organizations.onboard_customer("e@a.example"))
call("organizations.getMembers", lambda: organizations.get_members(OrganizationMemberRole.ADMIN, False, 2, 5))
call("organizations.getMembers#defaults", lambda: pinned.organizations.get_members())
call("organizations.getMyMemberships", lambda: pinned.organizations.get_my_memberships())
call("organizations.getOrganizationActivity", lambda: organizations.get_organization_activity("org-2", OrganizationActivityFilters(**{
    "event_type": ["plan.created", "member.joined"], "actor_user_id": "0x1", "from_": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z",
    "page": 2, "limit": 25})))
call("organizations.getOrganizationActivity#defaults", lambda: organizations.get_organization_activity("org-2"))
call("organizations.connectStripeAccount", lambda: organizations.connect_stripe_account("e@a.example", "ES", "https://a.example/back"))

call("orders.createOrder", lambda: payments.orders.create_order(
    3437, description="Cart", buyer_ref="b", idempotency_key="k", line_items=[{"Some_Key": 1}], metadata={"other_key": "x"},
    capture_mode="automatic", payment_provider="stripe"))
call("orders.createOrder#least", lambda: payments.orders.create_order(100))
call("orders.getOrder", lambda: pinned.orders.get_order("o-1"))

call("mpp.issueChallenge", lambda: payments.mpp.issue_challenge(IssueMppChallengeParams(
    plan_id="1", credits=2, resource="/ask?q=1", http_verb="POST", agent_id="2", digest="sha-256=x", description="d")))
call("mpp.issueChallenge#least", lambda: payments.mpp.issue_challenge(IssueMppChallengeParams(
    plan_id="1", credits=str(LARGE), resource="/ask", http_verb="GET")))
redeem = RedeemMppParams(credential="Payment x", resource="/ask", http_verb="POST", body_digest="sha-256=x")
call("mpp.verifyCredential", lambda: payments.mpp.verify_credential(redeem))
call("mpp.settleCredential", lambda: payments.mpp.settle_credential(redeem))
call("mpp.settleCredential#least", lambda: payments.mpp.settle_credential(RedeemMppParams("Payment x", "/ask", "GET")))
call("mpp.getMppAccessToken", lambda: payments.mpp.get_mpp_access_token(
    "1", "2", MppTokenOptions(delegation_config=DelegationConfig(delegation_id="d"))))

call("delegation.createDelegation", lambda: payments.delegation.create_delegation(CreateDelegationPayload(
    provider="stripe", spending_limit_cents=100, duration_secs=60, currency="usd", provider_payment_method_id="pm_1", plan_id="1",
    max_transactions=3)))
call("delegation.listDelegations", lambda: payments.delegation.list_delegations())
call("delegation.listPaymentMethods", lambda: payments.delegation.list_payment_methods("stripe"))
call("delegation.listPaymentMethods#all", lambda: payments.delegation.list_payment_methods())

delegated = DelegationConfig(delegation_id="d")
call("x402.getX402AccessToken", lambda: payments.x402.get_x402_access_token("1", "2", X402TokenOptions(delegation_config=delegated)))
call("x402.getX402AccessToken#card", lambda: payments.x402.get_x402_access_token(
    "1", None, X402TokenOptions(scheme="nvm:card-delegation", network="visa", delegation_config=delegated)))

started = StartAgentRequest(**{
    "agentRequestId": "r", "agentName": "a", "agentId": "2", "urlMatching": "/ask", "verbMatching": "POST", "batch": False,
    "balance": {"planId": "1", "planName": "p", "planType": "credits", "holderAddress": ME, "balance": "100", "creditsContract": TOKEN,
                "isSubscriber": True, "pricePerCredit": 0.05},
})


def say(name, value):
    call(name, lambda: post("/value", {"value": value}))


def camel(value):
    words = lambda name: name.split("_")[0] + "".join(word.title() for word in name.split("_")[1:])
    if dataclasses.is_dataclass(value):
        return {words(name): camel(one) for name, one in vars(value).items() if one is not None}
    return value


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


request = encoded({"planId": "1", "credits": 2, "agentId": "2"})
challenge = f'Basic realm="a, b", Payment id="i", realm="r", method="nvm", intent="charge", request="{request}", ' \
    'expires="2026-01-01T00:00:00Z", description="5\\" of it, \\\\ and more", opaque="o", Bearer x="y"'
parsed = parse_challenge_header(challenge)
say("sdk.parseChallengeHeader", camel(parsed))
say("sdk.parseChallengeHeader#none", parse_challenge_header('Payment id="i", realm="r"'))
say("sdk.buildCredentialHeader", build_credential_header(parsed, {"accessToken": "t"}))
say("sdk.extractPaymentScheme", extract_payment_scheme(challenge))
say("sdk.extractPaymentScheme#credential", extract_payment_scheme("Bearer a.b.c, payment  eyJhIjoxfQ==, Basic x"))
say("sdk.extractPaymentScheme#none", extract_payment_scheme("Bearer Payment"))
say("sdk.extractCredentialChallengeId", extract_credential_challenge_id("PAYMENT  " + encoded({"challenge": {"id": "i"}})))
say("sdk.extractCredentialChallengeId#none", extract_credential_challenge_id("Payment !!"))
say("sdk.parseReceiptHeader", camel(parse_receipt_header(encoded(
    {"method": "nvm", "reference": "0x1", "status": "success", "timestamp": "2026-01-01T00:00:00Z", "more": 1}))))
openai = payments.observability.with_openai("sk-mine", started, {"session": "s-1"})
say("observability.withOpenAI", {"apiKey": openai.api_key, "baseURL": openai.base_url, "defaultHeaders": openai.default_headers})
langchain = payments.observability.with_langchain("m", "sk-mine", started, {})
say("observability.withLangchain", {"model": langchain.model, "apiKey": langchain.api_key, "configuration": {
    "baseURL": langchain.configuration["base_url"], "defaultHeaders": langchain.configuration["default_headers"]}})
observability = payments.observability
say("observability.calculateImageUsage", vars(observability.calculate_image_usage(9)))
say("observability.calculateVideoUsage", vars(observability.calculate_video_usage()))
say("observability.calculateSongUsage", vars(observability.calculate_song_usage(3)))
say("observability.calculateDummySongUsage", vars(observability.calculate_dummy_song_usage()))
