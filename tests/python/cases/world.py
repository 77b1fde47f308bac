"""Where the cases of the methods are kept, and the world that they run in: a seller, a buyer, and what they have."""

from functools import cached_property

from support import DOLLAR, USDC, balance, delegation, login, token, using, http as call
from payments_py.common.types import AgentAPIAttributes, AgentMetadata, PlanMetadata
from payments_py.mpp.codec import build_credential_header, parse_challenge_header
from payments_py.mpp.mpp_api import IssueMppChallengeParams
from payments_py.x402.helpers import build_payment_required
from payments_py.x402.types import DelegationConfig, MppTokenOptions

DAY = 86_400
CASES = {}


def case(name):
    """Registers the case of a method, named like `plans.get_plan`."""

    def keep(function):
        assert name not in CASES, name
        CASES[name] = function
        return function

    return keep


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
