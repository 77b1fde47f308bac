"""What every API class has, the client itself, and its contracts."""

import requests
from cases.world import case
from support import URL, check, refused, using
from payments_py.common.types import AgentAPIAttributes, AgentMetadata, PaymentOptions, PlanMetadata, PlanRedemptionType


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
    answer = w.buyer.plans.pydantic_to_dict({"a": PlanRedemptionType.ONLY_OWNER, "b": None, "c": [w.price]})
    check("models become what is sent", answer["a"] == 1 and "b" not in answer and answer["c"][0]["is_crypto"], answer)


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
