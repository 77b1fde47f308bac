"""Every public method of the official Python client's API classes, each in a case of its own, against the sandbox.

The methods are found by looking at the client as it runs: one that has no case in cases/, and no reason in NOT_RUN, fails.
So does a case that does not come to call its method.
"""

import inspect
import sys

import cases  # noqa: F401
from cases.world import CASES, World
from support import check, finish, login
from payments_py.api.base_payments import BasePaymentsAPI

# Public methods without a case, by class or by method, and the reason.
NOT_RUN = {
    "query": "speaks to an agent, or to Nevermined's proxy in front of one; to no route of the platform",
    "observability": "writes language model calls to Helicone; no route of the platform",
}
# The classes that must be there: a client that has lost one is not the client this is about.
EXPECTED = {"plans", "agents", "x402", "facilitator", "delegation", "requests", "organizations", "orders", "mpp"}


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
    called = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return called


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
