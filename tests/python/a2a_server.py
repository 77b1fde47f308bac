"""An A2A agent as the official documentation has it: `a2a_requires_payment`. Started by a2a.test.mjs.

A message costs as many credits as it has words, three at the most; one that says "fail" costs nothing, as nothing comes
of it.
"""

import os

from support import bound, end_with_parent, say, using
from payments_py.a2a.agent_card import build_payment_agent_card
from payments_py.a2a.decorator import AgentResponse, a2a_requires_payment

end_with_parent()
listener, url = bound()
card = build_payment_agent_card(
    {
        "name": "Loud",
        "description": "Says it louder",
        "url": f"{url}/",
        "version": "1.0.0",
        "protocolVersion": "0.3.0",
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "capabilities": {"streaming": True},
        "skills": [{"id": "shout", "name": "Shout", "description": "Louder", "tags": ["text"]}],
    },
    {"paymentType": "dynamic", "credits": 1, "planId": os.environ["PLAN"], "agentId": os.environ["AGENT"], "costDescription": "A credit for a word"},
)
runs = []


@a2a_requires_payment(payments=using(os.environ["NVM_API_KEY"]), agent_card=card)
async def shout(context):
    text = context.get_user_input()
    runs.append(text)
    if text == "fail":
        raise ValueError("no voice")
    return AgentResponse(text=f"{text.upper()} ({len(runs)})", credits_used=min(len(text.split()), 3))


agent = shout.create_server()
say(url=url)
agent.server.run(sockets=[listener])
