"""The official A2A client: sends messages that it pays for by itself. Started by a2a.test.mjs.

Prints what came of each way, and the balance after it.
"""

import asyncio
import os
from uuid import uuid4

from a2a.types import Message, MessageSendParams
from support import balance, delegation, say, using
from payments_py.x402.types import DelegationConfig

payments = using(os.environ["NVM_API_KEY"])
service, plan, agent = os.environ["SERVICE"], os.environ["PLAN"], os.environ["AGENT"]
payments.plans.order_plan(plan)
allowance = DelegationConfig(delegation_id=delegation(payments))
saw = {}


def message(text):
    return MessageSendParams(message=Message(message_id=str(uuid4()), role="user", parts=[{"kind": "text", "text": text}]))


def text(event):
    """What an event says: the client gives a task with its last update, or a task alone."""
    task, update = event if isinstance(event, tuple) else (event, None)
    said = (update or task).status.message
    return task.status.state.value, said.parts[0].root.text if said else None


async def last(client, words):
    """Sends a message and follows it to its end: a settlement is before it."""
    event = None
    async for event in client.send_message_stream(message(words)):
        pass
    return event


async def main():
    for name, options, words in [
        ("a message", {}, "two words"),
        ("another with the same token", {}, "one"),
        ("single-use tokens", {"token_version": 3}, "two words"),
        ("and one more", {"token_version": 3}, "three more words"),
        ("what fails", {}, "fail"),
    ]:
        client = payments.a2a["get_client"](
            agent_base_url=f"{service}/", agent_id=agent, plan_id=plan, delegation_config=allowance, **options
        )
        state, said = text(await last(client, words))
        saw[name] = {"state": state, "text": said, "balance": balance(payments, plan, payments.account_address)}
    say(**saw)


asyncio.run(main())
