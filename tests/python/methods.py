"""The public methods of the official client, as JSON: what `Payments` has, what each of its parts has, and the functions that its
packages of x402, MPP and plans export; and its fixed values. Looks at classes only, and calls nothing."""

import inspect
import json
import os
import sys

import payments_py.mpp
import payments_py.plans
import payments_py.x402
from payments_py import PaymentOptions, Payments
from payments_py.common import types

payments = Payments.get_instance(PaymentOptions(nvm_api_key=os.environ["NVM_API_KEY"], environment="custom"))


def public(kind):
    """Names of a class that are methods or properties, those that every part inherits from the base left out."""
    own = [one for one in kind.__mro__ if one.__module__.startswith("payments_py") and one.__name__ != "BasePaymentsAPI"]
    for one in own:
        for name, value in vars(one).items():
            if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, (property, classmethod, staticmethod))):
                yield name


names = set()
for name in public(type(payments)):
    names.add(f"Payments.{name}")
for name in vars(payments.__class__.__mro__[1]):
    if not name.startswith("_") and inspect.isroutine(vars(payments.__class__.__mro__[1])[name]):
        names.add(f"Payments.{name}")

parts = {name: value for name, value in vars(payments).items() if type(value).__module__.startswith("payments_py") and not name.startswith("_")}
parts.update({name: getattr(payments, name) for name in ("delegation", "mcp", "agentcore")})
for part, value in parts.items():
    for name in public(type(value)):
        if name != "get_instance":
            names.add(f"{part}.{name}")
for part in ("a2a", "a2a_helpers"):
    for name in getattr(payments, part, None) or {}:
        names.add(f"{part}.{name}")

for module in (payments_py.x402, payments_py.mpp, payments_py.plans):
    exported = getattr(module, "__all__", [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__])
    for name in exported:
        if inspect.isfunction(getattr(module, name, None)):
            names.add(f"{module.__name__.replace('payments_py.', '')}.{name}")

kinds = ["PlanRedemptionType", "PlanPriceType", "PlanCreditsType", "Currency", "AgentTaskStatus", "OrganizationMemberRole", "OrganizationType",
         "OrganizationActivityEventType"]
values = {kind: [one.value for one in getattr(types, kind)] for kind in kinds}
for name in ("ONE_DAY_DURATION", "ONE_WEEK_DURATION", "ONE_MONTH_DURATION", "ONE_YEAR_DURATION", "EURC_TOKEN_ADDRESS", "ZeroAddress"):
    values[name] = str(getattr(payments_py.plans, name))

json.dump({"methods": sorted(names), "values": values}, sys.stdout)
