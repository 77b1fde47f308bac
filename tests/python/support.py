"""What the programs of this folder share: accounts of a sandbox, checks that are printed, servers that end in time.

The sandbox's address is SANDBOX_URL or NVM_BACKEND_URL; `payments_py` reads it when it is imported, so this comes first.
"""

import base64
import json
import os
import socket
import threading
import urllib.request

URL = (os.environ.get("SANDBOX_URL") or os.environ["NVM_BACKEND_URL"]).rstrip("/")
os.environ["NVM_BACKEND_URL"] = os.environ["NVM_FRONTEND_URL"] = URL

from payments_py import PaymentOptions, Payments  # noqa: E402
from payments_py.common.payments_error import PaymentsError  # noqa: E402
from payments_py.x402.types import CreateDelegationPayload, DelegationConfig, X402TokenOptions  # noqa: E402

USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
DOLLAR = 1_000_000
failures = 0


def check(name, condition, found=None):
    global failures
    if condition:
        print(f"ok - {name}")
    else:
        failures += 1
        print(f"not ok - {name}" + ("" if found is None else f" # {found!r}"))


def refused(name, code, action, contains=""):
    """The client raises, with the backend's code where it keeps one, else with it in the text."""
    try:
        answer = action()
    except PaymentsError as error:
        check(name, code in (error.code or "") or code in str(error), (error.code, str(error)))
        check(f"{name}: and says why", contains in str(error), str(error)) if contains else None
    else:
        check(name, False, answer)


def finish():
    """What the program ends with."""
    print(f"# {failures} failed")
    return 1 if failures else 0


def http(method, path, body=None, key=None):
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
        return json.loads(text) if text else None


def using(key):
    """A client of an account's key."""
    return Payments.get_instance(PaymentOptions(nvm_api_key=key, environment="custom"))


def login(name):
    return using(http("POST", "/sandbox/accounts", {"name": name})["nvmApiKey"])


def delegation(buyer, cents=10_000, seconds=3600, provider="erc4337", currency="usdc", **more):
    payload = CreateDelegationPayload(
        provider=provider, spending_limit_cents=cents, duration_secs=seconds, currency=currency, **more
    )
    return buyer.delegation.create_delegation(payload).delegation_id


def token(buyer, plan, delegation_id, agent=None, **more):
    options = X402TokenOptions(delegation_config=DelegationConfig(delegation_id=delegation_id), **more)
    return buyer.x402.get_x402_access_token(plan, agent, token_options=options)["accessToken"]


def balance(payments, plan, account):
    return payments.plans.get_plan_balance(plan, account).balance


def decoded(response, header):
    """A header's JSON, in standard base64."""
    value = response.headers.get(header)
    return None if value is None else json.loads(base64.b64decode(value, validate=True))


def bound():
    """A socket on a port of its own, and its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def end_with_parent():
    """Ends this process when whoever started it has: its standard input is a pipe that closes then."""

    def watch():
        while os.read(0, 1024):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def say(**facts):
    """Tells whoever started this program something, as a line of JSON."""
    print(json.dumps(facts), flush=True)
