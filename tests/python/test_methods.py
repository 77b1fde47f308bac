"""Every public method of the official Python client's API classes, each in a case of its own, against the sandbox.

The methods are found by looking at the client as it runs: one that has no case here, and no reason in NOT_RUN, fails.
So does a case that does not come to call its method.
"""

import base64
import hashlib
import http.server
import inspect
import json
import sys
import threading
from functools import cached_property

import requests

from support import (
    DOLLAR,
    URL,
    USDC,
    balance,
    check,
    delegation,
    finish,
    http as call,
    login,
    refused,
    token,
    using,
)
from payments_py.api.base_payments import BasePaymentsAPI
from payments_py.common.types import (
    AgentAPIAttributes,
    AgentMetadata,
    AgentTaskStatus,
    OrganizationActivityFilters,
    OrganizationMemberRole,
    PaginationOptions,
    PaymentOptions,
    PlanMetadata,
    PlanRedemptionType,
    TrackAgentSubTaskDto,
)
from payments_py.mpp.codec import build_credential_header, parse_challenge_header
from payments_py.mpp.errors import MppCredentialRejectedError
from payments_py.mpp.fetch import MppFetchOptions
from payments_py.mpp.mpp_api import IssueMppChallengeParams, RedeemMppParams
from payments_py.x402.errors import AccessTokenAlreadyUsedError
from payments_py.x402.helpers import build_payment_required
from payments_py.x402.token import decode_access_token
from payments_py.x402.types import CreateDelegationPayload, DelegationConfig, MppTokenOptions, X402TokenOptions

# What is public and has no case, by class or by method, and why.
NOT_RUN = {
    "query": "speaks to an agent, or to Nevermined's proxy in front of one; to no route of the platform",
    "observability": "writes language model calls to Helicone; no route of the platform",
}
# The classes that must be there: a client that has lost one is not the client this is about.
EXPECTED = {"plans", "agents", "x402", "facilitator", "delegation", "requests", "organizations", "orders", "mpp"}
DAY = 86_400
CASES = {}


def case(name):
    """Registers the case of a method, named like `plans.get_plan`."""

    def keep(function):
        assert name not in CASES, name
        CASES[name] = function
        return function

    return keep


def public(kind):
    """The names of the methods and properties that a class gives its users."""
    members = {name: inspect.getattr_static(kind, name) for name in dir(kind) if not name.startswith("_")}
    kinds = (staticmethod, classmethod, property)
    return {name for name, member in members.items() if isinstance(member, kinds) or inspect.isfunction(member)}


def find(client):
    """Every public method there is, `{"plans.get_plan": <the code that runs>}`, and the names of the API classes.

    What all classes have from their base is `base.`, and is counted once.
    """
    apis = {name: type(api) for name, api in vars(client).items() if not name.startswith("_")}
    apis = {name: kind for name, kind in apis.items() if kind.__module__.startswith("payments_py.") and name != "environment"}
    apis["delegation"] = type(client.delegation)
    shared = {name: inspect.getattr_static(BasePaymentsAPI, name) for name in public(BasePaymentsAPI)}
    found = {}
    for prefix, kind in {**apis, "payments": type(client), "base": BasePaymentsAPI}.items():
        for name in public(kind):
            member = inspect.getattr_static(kind, name)
            if kind is BasePaymentsAPI or member is not shared.get(name):
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                found[f"{prefix}.{name}"] = inspect.unwrap(function).__code__
    return found, set(apis)


def called_by(function, *arguments):
    """Runs a function and hands back all code that ran in it."""
    seen = set()
    sys.setprofile(lambda frame, event, _: seen.add(frame.f_code) if event == "call" else None)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return seen


class World:
    """A seller, a buyer, and what they have; each made when a case first asks for it."""

    @cached_property
    def seller(self):
        return login("Seller")

    @cached_property
    def buyer(self):
        return login("Buyer")

    @cached_property
    def price(self):
        return self.seller.plans.get_erc20_price_config(10 * DOLLAR, USDC, self.seller.account_address)

    @cached_property
    def credits(self):
        return self.seller.plans.get_dynamic_credits_config(100, 1, 5)

    def new_plan(self, name="Plan", **more):
        return self.seller.plans.register_credits_plan(PlanMetadata(name=name), self.price, self.credits, **more)["planId"]

    @cached_property
    def plan(self):
        return self.new_plan("The plan")

    @cached_property
    def agent(self):
        return self.new_agent([self.plan])

    def new_agent(self, plans):
        return self.seller.agents.register_agent(AgentMetadata(name="Oracle"), AgentAPIAttributes(), plans)["agentId"]

    @cached_property
    def delegation(self):
        return delegation(self.buyer)

    @cached_property
    def token(self):
        return token(self.buyer, self.plan, self.delegation, self.agent)

    @cached_property
    def required(self):
        return build_payment_required(self.plan, endpoint="/ask", agent_id=self.agent, http_verb="POST", environment="custom")

    @cached_property
    def organization(self):
        return call("POST", "/sandbox/organizations", {"name": "House"})

    @cached_property
    def admin(self):
        return using(self.organization["nvmApiKey"])

    def held(self, plan=None, who=None):
        who = who or self.buyer
        return balance(who, plan or self.plan, who.account_address)

    def challenge(self, credits=2, **more):
        return self.seller.mpp.issue_challenge(
            IssueMppChallengeParams(plan_id=self.plan, credits=credits, resource="/ask", http_verb="POST", agent_id=self.agent, **more)
        )

    def mpp_token(self):
        options = MppTokenOptions(delegation_config=DelegationConfig(delegation_id=self.delegation))
        return self.buyer.mpp.get_mpp_access_token(self.plan, self.agent, options)["accessToken"]

    def credential(self, issued):
        return build_credential_header(parse_challenge_header(issued["challenge"]), {"accessToken": self.mpp_token()})


# Base: what every API class has.


@case("base.get_account_address")
def _(w):
    check("an account's address is in its key", w.buyer.get_account_address().startswith("0x"))
    listed = [method.id for method in w.buyer.delegation.list_payment_methods("erc4337")]
    check("and the platform knows it by that", listed == [w.buyer.get_account_address()], listed)


@case("base.get_organization_id")
def _(w):
    check("no organization is pinned", w.buyer.plans.get_organization_id() is None)


@case("base.set_organization_id")
def _(w):
    client = using(w.admin.nvm_api_key)
    client.plans.set_organization_id("org-none")
    refused("a pinned organization goes with the call", "404", lambda: client.plans.register_plan(PlanMetadata(name="P"), w.price, w.credits))
    check("and with no other class's", client.agents.get_user_agents()["total"] == 0)


@case("base.pydantic_to_dict")
def _(w):
    seen = w.buyer.plans.pydantic_to_dict({"a": PlanRedemptionType.ONLY_OWNER, "b": None, "c": [w.price]})
    check("models become what is sent", seen["a"] == 1 and "b" not in seen and seen["c"][0]["is_crypto"], seen)


@case("base.get_backend_http_options")
def _(w):
    options = w.buyer.plans.get_backend_http_options("GET")
    answer = requests.get(f"{URL}/api/v1/delegation", **options)
    check("the headers of a call by key are good", answer.status_code == 200, answer.text)


@case("base.get_public_http_options")
def _(w):
    options = w.buyer.plans.get_public_http_options("GET")
    check("a public call carries no key", "Authorization" not in options["headers"])
    check("and is answered", requests.get(f"{URL}/api/v1/protocol/plans/{w.plan}", **options).json()["id"] == w.plan)


# Payments itself.


@case("payments.get_instance")
def _(w):
    check("a client of a key", using(w.buyer.nvm_api_key).account_address == w.buyer.account_address)


@case("payments.get_browser_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom", return_url="http://localhost/")
    client = type(w.buyer).get_browser_instance(options)
    check("a client for a browser works as any other", client.plans.get_plan_balance(w.plan).balance == w.held())


@case("payments.set_organization_id")
def _(w):
    client = using(w.admin.nvm_api_key)
    client.set_organization_id(w.organization["orgId"])
    plan = client.plans.register_plan(PlanMetadata(name="House plan"), w.price, w.credits)["planId"]
    check("what is published is the organization's", client.plans.get_plan(plan)["orgId"] == w.organization["orgId"])
    client.set_organization_id("org-none")
    refused("every class has it", "BCK.ORGANIZATIONS.0011", lambda: client.agents.register_agent(AgentMetadata(name="A"), AgentAPIAttributes(), [plan]))


@case("payments.contracts")
def _(w):
    check("the platform's contracts", w.seller.contracts.pay_as_you_go_template.startswith("0x"))


@case("payments.delegation")
def _(w):
    check("the wallet is a payment method", w.buyer.delegation.list_payment_methods("erc4337")[0].id == w.buyer.account_address)


@case("payments.mcp")
def _(w):
    check("the integration with MCP is there, and started in mcp.test.mjs", callable(w.seller.mcp.start))


@case("payments.a2a")
def _(w):
    check("the integration with A2A is there, and started in a2a.test.mjs", set(w.seller.a2a) == {"start", "get_client"})


@case("payments.agentcore")
def _(w):
    interceptor = w.seller.agentcore.create_interceptor(plan_id=w.plan)
    check("an interceptor for AgentCore can be made", interceptor is not None)


def browser_only(name):
    @case(f"payments.{name}")
    def _(w):
        def use():
            member = getattr(w.buyer, name)
            return member() if callable(member) else member

        refused(f"{name} is for browsers, the client says", "internal", use, "browser-only")


for name in ("is_logged_in", "connect", "logout"):
    browser_only(name)


# contracts_api


@case("contracts_api.get_deployment_info")
def _(w):
    info = w.seller.contracts_api.get_deployment_info()
    check("where the contracts are", info.contracts["PaymentsVault"].startswith("0x"), info)


@case("contracts_api.contracts")
def _(w):
    check("all nineteen are named", len(w.seller.contracts_api.contracts.model_dump()) == 19)


@case("contracts_api.deployment")
def _(w):
    check("and of which version", bool(w.seller.contracts_api.deployment.version))


# plans


@case("plans.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    check("plans by itself", type(w.buyer.plans).get_instance(options).get_plan(w.plan)["id"] == w.plan)


@case("plans.register_plan")
def _(w):
    made = w.seller.plans.register_plan(PlanMetadata(name="By hand"), w.price, w.credits, nonce=2**127, access_limit="credits")
    check("a plan is registered", w.buyer.plans.get_plan(made["planId"])["metadata"]["main"]["name"] == "By hand", made)


@case("plans.register_credits_plan")
def _(w):
    plan = w.new_plan("Credits", organization_id=None)
    check("a plan of credits", w.buyer.plans.get_plan_balance(plan).plan_type == "credits")
    wrong = w.seller.plans.get_dynamic_credits_config(10, 5, 1)
    refused("least above most", "", lambda: w.seller.plans.register_credits_plan(PlanMetadata(name="W"), w.price, wrong))


@case("plans.register_time_plan")
def _(w):
    credits = w.seller.plans.get_expirable_duration_config(DAY)
    plan = w.seller.plans.register_time_plan(PlanMetadata(name="Time"), w.price, credits)["planId"]
    check("a plan of time", w.buyer.plans.get_plan_balance(plan).plan_type == "time")


@case("plans.register_credits_trial_plan")
def _(w):
    free = w.seller.plans.get_free_price_config()
    plan = w.seller.plans.register_credits_trial_plan(PlanMetadata(name="Trial"), free, w.credits)["planId"]
    check("a trial can be ordered", w.buyer.plans.order_plan(plan)["success"] and w.held(plan) == 100)
    refused("once", "BCK.COMMON.0027", lambda: w.buyer.plans.order_plan(plan))


@case("plans.register_time_trial_plan")
def _(w):
    free, credits = w.seller.plans.get_free_price_config(), w.seller.plans.get_expirable_duration_config(DAY)
    plan = w.seller.plans.register_time_trial_plan(PlanMetadata(name="Day"), free, credits)["planId"]
    check("a trial of time", w.buyer.plans.order_plan(plan)["success"] and w.buyer.plans.get_plan_balance(plan).is_subscriber)
    refused("once too", "BCK.COMMON.0027", lambda: w.buyer.plans.order_plan(plan))


@case("plans.get_plan")
def _(w):
    seen = w.buyer.plans.get_plan(w.plan)
    check("a plan says whose it is and what it costs", seen["registry"]["owner"] == w.seller.account_address, seen)
    check("its price comes back as it went", seen["registry"]["price"]["amounts"] == [str(10 * DOLLAR)], seen)
    refused("an unknown plan is a 404", "404", lambda: w.buyer.plans.get_plan("7"))
    refused("an id that is none is refused", "400", lambda: w.buyer.plans.get_plan("did:nv:1"))


@case("plans.get_user_plans")
def _(w):
    other = login("Other seller")
    for name in ("first", "second", "third"):
        other.plans.register_plan(PlanMetadata(name=name), w.price, w.credits)
    page = other.plans.get_user_plans(pagination=PaginationOptions(page=2, offset=2, sort_order="asc", sort_by="created"))
    check("one's plans, by pages", (page["total"], page["page"], len(page["plans"])) == (3, 2, 1), page)
    house = w.admin.plans.get_user_plans(org_id=w.organization["orgId"])
    check("or an organization's", all(plan["orgId"] == w.organization["orgId"] for plan in house["plans"]), house)
    refused("but no other's", "BCK.ORGANIZATIONS.0009", lambda: other.plans.get_user_plans(org_id=w.organization["orgId"]))


@case("plans.get_agents_associated_to_plan")
def _(w):
    plan = w.new_plan("On two agents")
    agents = {w.new_agent([plan]), w.new_agent([plan])}
    seen = w.buyer.plans.get_agents_associated_to_plan(plan, PaginationOptions(page=1, offset=5))
    check("the agents of a plan", {agent["id"] for agent in seen["agents"]} == agents and seen["total"] == 2, seen)


@case("plans.get_plan_balance")
def _(w):
    plan = w.new_plan("Untouched")
    seen = w.buyer.plans.get_plan_balance(plan)
    check("no credits before an order", (seen.balance, seen.is_subscriber, seen.price_per_credit) == (0, False, 0.1), seen)
    check("anyone may read it", w.seller.plans.get_plan_balance(plan, w.buyer.account_address).holder_address == w.buyer.account_address)


@case("plans.order_plan")
def _(w):
    before = w.held()
    done = w.buyer.plans.order_plan(w.plan)
    check("an order brings the plan's credits", done["success"] is True and w.held() == before + 100, done)


@case("plans.order_fiat_plan")
def _(w):
    price = w.seller.plans.get_fiat_price_config(5 * DOLLAR, w.seller.account_address)
    plan = w.seller.plans.register_credits_plan(PlanMetadata(name="Card"), price, w.credits)["planId"]
    link = w.buyer.plans.order_fiat_plan(plan)["result"]["checkoutLink"]
    requests.post(link, timeout=30).raise_for_status()
    check("what a person pays there are credits", link.startswith(URL) and w.held(plan) == 100, link)
    refused("a plan paid from a wallet has no checkout", "BCK.STRIPE.0009", lambda: w.buyer.plans.order_fiat_plan(w.plan))


@case("plans.mint_plan_credits")
def _(w):
    plan = w.new_plan("Minted")
    check("an owner hands out credits", w.seller.plans.mint_plan_credits(plan, 7, w.buyer.account_address)["success"])
    w.seller.plans.mint_plan_credits(plan, 2**64, w.buyer.account_address)
    check("more than a machine number of them", w.held(plan) == 2**64 + 7)
    refused("nobody else may", "BCK.PROTOCOL.0017", lambda: w.buyer.plans.mint_plan_credits(plan, 7, w.buyer.account_address))


@case("plans.mint_plan_expirable")
def _(w):
    plan = w.new_plan("Minted for a time")
    check("an owner hands out credits for a time", w.seller.plans.mint_plan_expirable(plan, 5, w.buyer.account_address, DAY)["success"])
    check("that are there", w.held(plan) == 5)
    call("POST", "/sandbox/clock", {"advanceSecs": DAY + 1})
    check("until then", w.held(plan) == 0)
    call("POST", "/sandbox/clock", {"reset": True})
    refused("nobody else may, for no time", "BCK.PROTOCOL.0017", lambda: w.buyer.plans.mint_plan_expirable(plan, 5, w.buyer.account_address))


@case("plans.burn_credits")
def _(w):
    plan = w.new_plan("Burned")
    w.buyer.plans.order_plan(plan)
    done = w.buyer.plans.burn_credits(plan, "5")
    check("a holder burns credits", done["success"] and w.held(plan) == 95, done)
    refused("no more than there are", "BCK", lambda: w.buyer.plans.burn_credits(plan, "96"))
    check("and then none", w.held(plan) == 95)


@case("plans.redeem_credits")
def _(w):
    credits = w.seller.plans.set_redemption_type(w.credits, PlanRedemptionType.ONLY_OWNER)
    plan = w.seller.plans.register_credits_plan(PlanMetadata(name="Redeemed"), w.price, credits)["planId"]
    agent = w.new_agent([plan])
    w.buyer.plans.order_plan(plan)
    required = build_payment_required(plan, agent_id=agent, environment="custom")
    paid = token(w.buyer, plan, w.delegation, agent)
    request = w.seller.facilitator.verify_permissions(required, paid, "1").agent_request_id
    done = w.seller.plans.redeem_credits(request, plan, w.buyer.account_address, "3")
    check("an owner redeems for a request", w.held(plan) == 97, done)
    refused("a stranger does not", "BCK", lambda: login("Stranger").plans.redeem_credits(request, plan, w.buyer.account_address, "3"))
    check("and takes nothing", w.held(plan) == 97)


def sold(name, price, credits, expected):
    """A price or a credits helper: the platform takes what it makes, and shows it as it was."""

    @case(f"plans.{name}")
    def _(w):
        made = {"price": w.price, "credits": w.credits}
        kind = "price" if price else "credits"
        made[kind] = (price or credits)(w.seller.plans, w.seller.account_address)
        limit = "time" if int(made["credits"].duration_secs) > 0 else "credits"
        plan = w.seller.plans.register_plan(PlanMetadata(name=name), made["price"], made["credits"], access_limit=limit)["planId"]
        seen = w.buyer.plans.get_plan(plan)["registry"][kind]
        check(f"{name}: the platform takes it", expected.items() <= seen.items(), seen)


ZERO = "0x0000000000000000000000000000000000000000"
EURC = "0x808456652fdb597867f38412077A9182bf77359F"
sold("get_fiat_price_config", lambda p, me: p.get_fiat_price_config(DOLLAR, me, "EUR"), None, {"isCrypto": False, "currency": "EUR"})
sold("get_eurc_price_config", lambda p, me: p.get_eurc_price_config(DOLLAR, me, EURC), None, {"tokenAddress": EURC, "currency": "EURC"})
sold("get_crypto_price_config", lambda p, me: p.get_crypto_price_config(DOLLAR, me, USDC), None, {"tokenAddress": USDC, "isCrypto": True})
sold("get_erc20_price_config", lambda p, me: p.get_erc20_price_config(DOLLAR, USDC, me), None, {"tokenAddress": USDC, "amounts": [str(DOLLAR)]})
sold("get_free_price_config", lambda p, me: p.get_free_price_config(), None, {"amounts": [], "receivers": []})
sold("get_native_token_price_config", lambda p, me: p.get_native_token_price_config(10**18, me), None, {"tokenAddress": ZERO, "amounts": [str(10**18)]})
sold("get_pay_as_you_go_price_config", lambda p, me: p.get_pay_as_you_go_price_config(DOLLAR, me, USDC), None, {"tokenAddress": USDC})
sold("get_expirable_duration_config", None, lambda p, me: p.get_expirable_duration_config(DAY), {"durationSecs": str(DAY), "amount": "1"})
sold("get_non_expirable_duration_config", None, lambda p, me: p.get_non_expirable_duration_config(), {"durationSecs": "0", "amount": "1"})
sold("get_fixed_credits_config", None, lambda p, me: p.get_fixed_credits_config(20, 4), {"isRedemptionAmountFixed": True, "amount": "20", "maxAmount": "4"})
sold("get_dynamic_credits_config", None, lambda p, me: p.get_dynamic_credits_config(20, 2, 4), {"isRedemptionAmountFixed": False, "minAmount": "2", "maxAmount": "4"})
sold("get_pay_as_you_go_credits_config", None, lambda p, me: p.get_pay_as_you_go_credits_config(), {"amount": "1"})
sold(
    "set_redemption_type", None,
    lambda p, me: p.set_redemption_type(p.get_dynamic_credits_config(5), PlanRedemptionType.ONLY_OWNER), {"redemptionType": 1},
)
sold("set_onchain_mirror", None, lambda p, me: p.set_onchain_mirror(p.get_dynamic_credits_config(5)), {"onchainMirror": True})


# agents


@case("agents.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    check("agents by itself", type(w.buyer.agents).get_instance(options).get_agent(w.agent)["id"] == w.agent)


@case("agents.register_agent")
def _(w):
    made = w.seller.agents.register_agent(AgentMetadata(name="Agent", tags=["a"]), AgentAPIAttributes(token="secret"), [w.plan])
    seen = w.buyer.agents.get_agent(made["agentId"])
    check("an agent is registered, on its plans", seen["registry"]["plans"] == [w.plan] and "secret" not in json.dumps(seen), seen)
    refused("on plans that are there", "BCK.PROTOCOL", lambda: w.new_agent(["7"]))


@case("agents.register_agent_and_plan")
def _(w):
    made = w.seller.agents.register_agent_and_plan(
        AgentMetadata(name="A"), AgentAPIAttributes(), PlanMetadata(name="P"), w.price, w.credits, access_limit="credits"
    )
    check("both at once, the one on the other", w.buyer.agents.get_agent(made["agentId"])["registry"]["plans"] == [made["planId"]], made)


@case("agents.get_agent")
def _(w):
    seen = w.buyer.agents.get_agent(w.agent)
    check("an agent", seen["id"] == w.agent and seen["metadata"]["main"]["name"] == "Oracle", seen)
    refused("an unknown agent is none", "BCK.PROTOCOL.0004", lambda: w.buyer.agents.get_agent("7"))


@case("agents.get_user_agents")
def _(w):
    other = login("Another seller")
    agent = other.agents.register_agent(AgentMetadata(name="Mine"), AgentAPIAttributes(), [w.plan])["agentId"]
    seen = other.agents.get_user_agents(pagination=PaginationOptions(page=1, offset=1))
    check("one's own agents", [item["id"] for item in seen["agents"]] == [agent] and seen["total"] == 1, seen)


@case("agents.get_agent_plans")
def _(w):
    plans = [w.new_plan("One"), w.new_plan("Two")]
    agent = w.new_agent(plans)
    seen = w.buyer.agents.get_agent_plans(agent, PaginationOptions(page=1, offset=10))
    check("the plans of an agent", {item["planId"] for item in seen["plans"]} == set(plans) and all(item["name"] for item in seen["plans"]), seen)


@case("agents.update_agent_metadata")
def _(w):
    agent = w.new_agent([w.plan])
    done = w.seller.agents.update_agent_metadata(agent, AgentMetadata(name="Sibyl"), AgentAPIAttributes())
    check("an agent gets another name", done["success"] and w.buyer.agents.get_agent(agent)["metadata"]["main"]["name"] == "Sibyl", done)
    refused("from its owner", "BCK.PROTOCOL.0016", lambda: w.buyer.agents.update_agent_metadata(agent, AgentMetadata(name="X"), AgentAPIAttributes()))


@case("agents.add_plan_to_agent")
def _(w):
    plan, agent = w.new_plan("Joins"), w.new_agent([w.plan])
    check("a plan joins an agent", w.seller.agents.add_plan_to_agent(plan, agent)["success"])
    check("as the agent says", w.buyer.agents.get_agent(agent)["registry"]["plans"] == [w.plan, plan])
    check("twice is as good as once", w.seller.agents.add_plan_to_agent(plan, agent) is not None)
    refused("its owner's", "BCK.PROTOCOL.0016", lambda: w.buyer.agents.add_plan_to_agent(plan, agent))


@case("agents.remove_plan_from_agent")
def _(w):
    plan = w.new_plan("Leaves")
    agent = w.new_agent([w.plan, plan])
    check("a plan leaves an agent", w.seller.agents.remove_plan_from_agent(plan, agent)["success"])
    check("and is gone", w.buyer.agents.get_agent(agent)["registry"]["plans"] == [w.plan])


# requests


@case("requests.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.seller.nvm_api_key, environment="custom")
    check("requests by itself", type(w.seller.requests).get_instance(options).start_simulation_request().agent_request_id)


@case("requests.start_simulation_request")
def _(w):
    seen = w.seller.requests.start_simulation_request(price_per_credit=0.02, batch=True, agent_name="Sim", plan_name="Plan")
    check("a simulation says what it was asked to be", (seen.agent_name, seen.balance.plan_name, seen.batch) == ("Sim", "Plan", True), seen)
    check("and at what price", seen.balance.price_per_credit == 0.02, seen)


@case("requests.finish_simulation_request")
def _(w):
    begun = w.seller.requests.start_simulation_request(price_per_credit=0.01)
    done = w.seller.requests.finish_simulation_request(begun.agent_request_id, margin_percent=0.2)
    check("what it would have taken: five cents and a fifth", (done["success"], done["creditsToRedeem"]) == (True, 6), done)


@case("requests.track_agent_sub_task")
def _(w):
    verified = w.seller.facilitator.verify_permissions(w.required, w.token, "1")
    task = TrackAgentSubTaskDto(
        agent_request_id=verified.agent_request_id, credits_to_redeem=2, tag="t", description="d", status=AgentTaskStatus.PENDING
    )
    done = w.seller.requests.track_agent_sub_task(task)
    check("a sub-task is kept", done["success"] and done["data"]["creditsToRedeem"] == "2", done)
    bare = w.seller.requests.track_agent_sub_task(TrackAgentSubTaskDto(agent_request_id=verified.agent_request_id))
    check("with nulls for what was left out", bare["success"], bare)
    refused("of a request that is one", "BCK.PROTOCOL.0037", lambda: w.seller.requests.track_agent_sub_task(TrackAgentSubTaskDto(agent_request_id="none")))


# x402 and its facilitator


@case("x402.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    tokens = type(w.buyer.x402).get_instance(options)
    config = X402TokenOptions(delegation_config=DelegationConfig(delegation_id=w.delegation))
    check("tokens by itself", tokens.get_x402_access_token(w.plan, token_options=config)["accessToken"])


@case("x402.get_x402_access_token")
def _(w):
    seen = decode_access_token(token(w.buyer, w.plan, w.delegation, w.agent))
    check("a token says who pays, and for what", (seen["payload"]["authorization"]["from"], seen["accepted"]["planId"]) == (w.buyer.account_address, w.plan))
    single = token(w.buyer, w.plan, w.delegation, w.agent, resource="/ask", http_verb="POST", token_version=3)
    check("one of version 3 has a nonce", bool(decode_access_token(single)["payload"]["authorization"]["nonce"]))
    refused("none without a delegation", "BCK.X402.0030", lambda: w.buyer.x402.get_x402_access_token(w.plan))
    refused("none of another's", "BCK.DELEGATION.0002", lambda: token(w.seller, w.plan, w.delegation))


@case("facilitator.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.seller.nvm_api_key, environment="custom")
    check("a facilitator by itself", type(w.seller.facilitator).get_instance(options).verify_permissions(w.required, w.token, "1").is_valid)


@case("facilitator.verify_permissions")
def _(w):
    before = w.held()
    seen = w.seller.facilitator.verify_permissions(w.required, w.token, "2")
    check("verify says who, where and for which request", (seen.is_valid, seen.payer, seen.network) == (True, w.buyer.account_address, "eip155:84532"), seen)
    check("describes the agent, and takes nothing", seen.agent_request["agentId"] == w.agent and w.held() == before, seen)


@case("facilitator.settle_permissions")
def _(w):
    w.buyer.plans.order_plan(w.plan)
    before = w.held()
    request = w.seller.facilitator.verify_permissions(w.required, w.token, "2").agent_request_id
    seen = w.seller.facilitator.settle_permissions(w.required, w.token, "2", request)
    check("settle takes what is asked", (seen.success, seen.credits_redeemed, seen.remaining_balance) == (True, "2", str(before - 2)), seen)
    single = token(w.buyer, w.plan, w.delegation, w.agent, token_version=3, resource="/ask", http_verb="POST")
    check("a single-use token is good", w.seller.facilitator.settle_permissions(w.required, single, "1").success)
    try:
        w.seller.facilitator.settle_permissions(w.required, single, "1")
        check("once", False)
    except AccessTokenAlreadyUsedError as error:
        check("once", error.code == "BCK.X402.0059", error)
    check("and the balance agrees", w.held() == before - 3)


# delegation


@case("delegation.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    check("delegations by itself", type(w.buyer.delegation).get_instance(options).list_payment_methods("erc4337"))


@case("delegation.list_payment_methods")
def _(w):
    seen = w.buyer.delegation.list_payment_methods()
    check("a card and a wallet", {method.provider for method in seen} == {"stripe", "erc4337"}, seen)
    check("or those of one provider", [method.brand for method in w.buyer.delegation.list_payment_methods("stripe")] == ["visa"])


@case("delegation.create_delegation")
def _(w):
    card = w.buyer.delegation.list_payment_methods("stripe")[0].id
    for provider, currency, more in (("erc4337", "usdc", {}), ("stripe", "usd", {"provider_payment_method_id": card, "plan_id": w.plan, "max_transactions": 2})):
        made = delegation(w.buyer, cents=500, provider=provider, currency=currency, **more)
        seen = call("GET", f"/api/v1/delegation/{made}", key=w.buyer.nvm_api_key)
        check(f"a delegation by {provider}", (seen["provider"], seen["spendingLimitCents"], seen["status"]) == (provider, "500", "Active"), seen)
    payload = CreateDelegationPayload(provider="erc4337", spending_limit_cents=0, duration_secs=60, currency="usdc")
    refused("one of nothing is none", "SANDBOX.BAD_REQUEST", lambda: w.buyer.delegation.create_delegation(payload))


@case("delegation.list_delegations")
def _(w):
    # The one method that cannot read its own contract: it iterates over the object that the platform answers with, as if
    # it were a list (contract section 4.6). The answer itself is as the contract has it.
    listing = call("GET", "/api/v1/delegation", key=w.buyer.nvm_api_key)
    check("delegations are listed", w.delegation in [item["delegationId"] for item in listing["delegations"]], listing)
    refused("which this client cannot parse", "internal", lambda: w.buyer.delegation.list_delegations(), "validation error for DelegationSummary")


# organizations


@case("organizations.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.admin.nvm_api_key, environment="custom")
    check("organizations by itself", len(type(w.admin.organizations).get_instance(options).get_my_memberships()) == 1)


@case("organizations.get_my_memberships")
def _(w):
    seen = w.admin.organizations.get_my_memberships()
    check("where one is a member", (seen[0].org_id, seen[0].role, seen[0].is_admin) == (w.organization["orgId"], OrganizationMemberRole.ADMIN, True), seen)
    check("and nowhere is nowhere", login("Nobody").organizations.get_my_memberships() == [])


@case("organizations.create_member")
def _(w):
    made = w.admin.organizations.create_member("user-1", "user-1@example.com", OrganizationMemberRole.MEMBER)
    member = using(made.nvm_api_key)
    check("a member gets a key that works", member.account_address == made.user_wallet and member.organizations.get_my_memberships()[0].role == OrganizationMemberRole.MEMBER, made)
    check("once", w.admin.organizations.create_member("user-1").already_member)
    refused("members make no members", "BCK.AUTH.0007", lambda: member.organizations.create_member("user-2"))


@case("organizations.onboard_customer")
def _(w):
    made = w.admin.organizations.onboard_customer("customer@example.com")
    check("a customer's key buys in its name", made.is_customer and using(made.nvm_api_key).plans.order_plan(w.plan)["success"], made)
    call("POST", "/sandbox/accounts", {"name": "Taken", "email": "taken@example.com"})
    asked = w.admin.organizations.onboard_customer("taken@example.com")
    check("who has an account is asked first", asked.consent_required and asked.nvm_api_key is None, asked)


@case("organizations.get_members")
def _(w):
    w.admin.organizations.create_member("user-3")
    seen = w.admin.organizations.get_members(role=OrganizationMemberRole.ADMIN, is_active=True, page=1, offset=10)
    check("members by role", (seen.total, seen.members[0].user_address) == (1, w.admin.account_address), seen)
    check("or all", w.admin.organizations.get_members().total > 1)


@case("organizations.get_organization_activity")
def _(w):
    w.admin.organizations.onboard_customer("active@example.com")
    filters = OrganizationActivityFilters(event_type=["customer.added", "member.removed"], page=1, limit=50, **{"from": "2020-01-01T00:00:00.000Z"})
    seen = w.admin.organizations.get_organization_activity(w.organization["orgId"], filters)
    check("what happened", seen.total > 0 and {item.event_type for item in seen.items} == {"customer.added"}, seen)
    refused("for its members", "BCK", lambda: w.buyer.organizations.get_organization_activity(w.organization["orgId"]))


@case("organizations.connect_stripe_account")
def _(w):
    seen = w.admin.organizations.connect_stripe_account("a@example.com", "es", "https://app.example/back")
    check("where to connect an account with Stripe", (seen.user_country_code, seen.stripe_account_link) == ("ES", "https://app.example/back"), seen)


# orders


@case("orders.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.admin.nvm_api_key, environment="custom")
    check("orders by itself", type(w.admin.orders).get_instance(options).create_order(100).status == "requires_payment")


@case("orders.create_order")
def _(w):
    order = {"description": "Cart", "buyer_ref": "b", "idempotency_key": "i-1", "line_items": [{"unit_price": 1}], "metadata": {"snake_case": 1}}
    made = w.admin.orders.create_order(3437, "usd", capture_mode="automatic", payment_provider="stripe", **order)
    check("an order waits for its payment", made.status == "requires_payment" and made.client_secret, made)
    check("made again, it is the same", w.admin.orders.create_order(3437, **order).order_id == made.order_id)
    refused("with another amount it is a conflict", "BCK.ORDER.0007", lambda: w.admin.orders.create_order(3438, **order))
    refused("and none for less than a dollar", "BCK.ORDER.0001", lambda: w.admin.orders.create_order(99))
    refused("nor for a key of no organization", "BCK.ORDER.0003", lambda: w.buyer.orders.create_order(100))


@case("orders.get_order")
def _(w):
    made = w.admin.orders.create_order(500, description="Cart")
    seen = w.buyer.orders.get_order(made.order_id)
    check("anyone who knows it may look", (seen.amount_minor, seen.status, seen.description) == (500, "requires_payment", "Cart"), seen)
    call("POST", f"/sandbox/orders/{made.order_id}", {"action": "pay"})
    check("paid is paid", w.buyer.orders.get_order(made.order_id).status == "paid")
    refused("an unknown order", "BCK.ORDER.0002", lambda: w.buyer.orders.get_order("none/?#"))


# mpp


@case("mpp.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.seller.nvm_api_key, environment="custom")
    params = IssueMppChallengeParams(plan_id=w.plan, credits=1, resource="/", http_verb="GET")
    check("MPP by itself", type(w.seller.mpp).get_instance(options).issue_challenge(params)["id"])


@case("mpp.issue_challenge")
def _(w):
    first, second = w.challenge(description="Ask"), w.challenge()
    seen = parse_challenge_header(first["challenge"])
    check("a challenge names plan, agent and price", (seen.request.plan_id, seen.request.agent_id, seen.request.credits) == (w.plan, w.agent, "2"), seen)
    check("no two are the same", seen.id == first["id"] != second["id"])


@case("mpp.get_mpp_access_token")
def _(w):
    minted = w.mpp_token()
    check("a token for MPP", decode_access_token(minted)["payload"]["authorization"]["from"] == w.buyer.account_address)
    refused("is none for x402", "BCK.X402.0005", lambda: w.seller.facilitator.verify_permissions(w.required, minted, "1"))


@case("mpp.verify_credential")
def _(w):
    credential = w.credential(w.challenge())
    before = w.held()
    seen = w.seller.mpp.verify_credential(RedeemMppParams(credential=credential, resource="/ask", http_verb="POST"))
    check("a credential is good, and takes nothing", seen["isValid"] and w.held() == before, seen)
    try:
        w.seller.mpp.verify_credential(RedeemMppParams(credential=credential, resource="/other", http_verb="POST"))
        check("only for what it was issued for", False)
    except MppCredentialRejectedError as error:
        check("only for what it was issued for", error.code == "BCK.MPP.0003", error)


@case("mpp.settle_credential")
def _(w):
    w.buyer.plans.order_plan(w.plan)
    before = w.held()
    digest = "sha-256=" + base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
    credential = w.credential(w.challenge(3, digest=digest))
    params = RedeemMppParams(credential=credential, resource="/ask", http_verb="POST", body_digest=digest)
    first, second = w.seller.mpp.settle_credential(params), w.seller.mpp.settle_credential(params)
    check("settled twice, burned once", w.held() == before - 3 and first["transaction"] == second["transaction"], (first, second))
    check("with a receipt to hand on", bool(first["paymentReceipt"]), first)


@case("mpp.fetch")
def _(w):
    w.buyer.plans.order_plan(w.plan)
    before = w.held()

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            credential = self.headers.get("authorization")
            if not credential:
                issued = w.seller.mpp.issue_challenge(IssueMppChallengeParams(plan_id=w.plan, credits=4, resource="/", http_verb="GET"))
                return self.answer(402, "www-authenticate", issued["challenge"])
            settled = w.seller.mpp.settle_credential(RedeemMppParams(credential=credential, resource="/", http_verb="GET"))
            self.answer(200, "payment-receipt", settled["paymentReceipt"])

        def answer(self, status, name, value):
            self.send_response(status)
            self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    options = MppFetchOptions(delegation_config=DelegationConfig(delegation_id=w.delegation), plan_id=w.plan, max_credits=4)
    try:
        url = f"http://127.0.0.1:{service.server_port}/"
        seen = w.buyer.mpp.fetch("GET", url, options)
        check("a challenge is paid", (seen.paid, seen.settled, seen.credits_presented, w.held()) == (True, True, "4", before - 4), seen)
        options.max_credits = 3
        refused("within a cap", "validation", lambda: w.buyer.mpp.fetch("GET", url, options))
        check("or not at all", w.held() == before - 4)
    finally:
        service.shutdown()


def main():
    world = World()
    found, kinds = find(world.seller)
    check("the API classes are there", EXPECTED <= kinds, kinds)
    wanted = {name for name in found if name.split(".")[0] not in NOT_RUN and name not in NOT_RUN}
    check("every public method has a case, or a reason to have none", wanted <= set(CASES), sorted(wanted - set(CASES)))
    check("every case has a method", set(CASES) <= wanted, sorted(set(CASES) - wanted))
    check("what has a reason is there", {name.split(".")[0] for name in NOT_RUN} <= {name.split(".")[0] for name in found}, sorted(found))
    for name, function in CASES.items():
        print(f"# {name}")
        try:
            ran = called_by(function, world)
            check(f"{name} was called", found.get(name) in ran)
        except Exception as error:  # noqa: BLE001
            check(f"{name} runs", False, error)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
