"""Agents, and the requests that they get."""

import json

import requests
from cases.world import case
from support import check, login, refused, token
from payments_py.common.types import (
    AgentAPIAttributes,
    AgentMetadata,
    AgentTaskStatus,
    PaginationOptions,
    PaymentOptions,
    PlanMetadata,
    TrackAgentSubTaskDto,
)


@case("agents.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    check("agents by itself", type(w.buyer.agents).get_instance(options).get_agent(w.agent)["id"] == w.agent)


@case("agents.register_agent")
def _(w):
    made = w.seller.agents.register_agent(AgentMetadata(name="Agent", tags=["a"]), AgentAPIAttributes(token="secret"), [w.plan])
    answer = w.buyer.agents.get_agent(made["agentId"])
    check("an agent is registered, on its plans", answer["registry"]["plans"] == [w.plan] and "secret" not in json.dumps(answer), answer)
    refused("on plans that are there", "BCK.PROTOCOL", lambda: w.new_agent(["7"]))


@case("agents.register_agent_and_plan")
def _(w):
    made = w.seller.agents.register_agent_and_plan(
        AgentMetadata(name="A"), AgentAPIAttributes(), PlanMetadata(name="P"), w.price, w.credits, access_limit="credits"
    )
    check("both at once, the one on the other", w.buyer.agents.get_agent(made["agentId"])["registry"]["plans"] == [made["planId"]], made)


@case("agents.get_agent")
def _(w):
    answer = w.buyer.agents.get_agent(w.agent)
    check("an agent", answer["id"] == w.agent and answer["metadata"]["main"]["name"] == "Oracle", answer)
    refused("an unknown agent is none", "BCK.PROTOCOL.0004", lambda: w.buyer.agents.get_agent("7"))


@case("agents.get_user_agents")
def _(w):
    other = login("Another seller")
    agent = other.agents.register_agent(AgentMetadata(name="Mine"), AgentAPIAttributes(), [w.plan])["agentId"]
    answer = other.agents.get_user_agents(pagination=PaginationOptions(page=1, offset=1))
    check("one's own agents", [item["id"] for item in answer["agents"]] == [agent] and answer["total"] == 1, answer)


@case("agents.get_agent_plans")
def _(w):
    plans = [w.new_plan("One"), w.new_plan("Two")]
    agent = w.new_agent(plans)
    answer = w.buyer.agents.get_agent_plans(agent, PaginationOptions(page=1, offset=10))
    check("the plans of an agent", {item["planId"] for item in answer["plans"]} == set(plans) and all(item["name"] for item in answer["plans"]), answer)


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
    answer = w.seller.requests.start_simulation_request(price_per_credit=0.02, batch=True, agent_name="Sim", plan_name="Plan")
    check("a simulation says what it was asked to be", (answer.agent_name, answer.balance.plan_name, answer.batch) == ("Sim", "Plan", True), answer)
    check("and at what price", answer.balance.price_per_credit == 0.02, answer)


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
