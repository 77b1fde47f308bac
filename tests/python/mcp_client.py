"""The official MCP client, as a buyer brings it: calls the server's tools with tokens. Started by mcp.test.mjs.

STEPS is a list: each names a step, and has a `token` for the header (`own` is one that the official client mints), `inBand`
to put it in the call instead, and a `tool` or a `prompt` with `arguments`; without either the tools are listed. Prints what
each came to, and the balance of PLAN that HOLDER has after it.
"""

import asyncio
import json
import os

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.exceptions import McpError
from support import balance, delegation, say, token, using
from payments_py.x402.token import decode_access_token

payments = using(os.environ["NVM_API_KEY"])
plan, agent = os.environ["PLAN"], os.environ.get("AGENT") or None
holder = os.environ.get("HOLDER") or payments.account_address


def own():
    """A token that the official client mints."""
    return token(payments, plan, delegation(payments), agent)


async def call(session, step, paying):
    if "tool" in step:
        meta = {"x402/payment": decode_access_token(paying)} if step.get("inBand") else None
        result = await session.call_tool(step["tool"], step.get("arguments"), meta=meta)
        return {"text": result.content[0].text, "isError": result.isError, "structured": result.structuredContent, "meta": result.meta}
    if "prompt" in step:
        return {"text": (await session.get_prompt(step["prompt"], step.get("arguments"))).messages[0].content.text}
    return {"tools": [tool.name for tool in (await session.list_tools()).tools]}


async def main():
    saw = {}
    for step in json.loads(os.environ["STEPS"]):
        paying = own() if step["token"] == "own" else step["token"]
        header = "nothing-that-pays" if step.get("inBand") else paying
        async with streamablehttp_client(f"{os.environ['SERVICE']}/mcp", headers={"authorization": f"Bearer {header}"}) as (read, write, _):
            async with ClientSession(read, write) as session:
                await session.initialize()
                try:
                    answer = await call(session, step, paying)
                except McpError as error:
                    answer = {"error": {"code": error.error.code, "message": error.error.message}}
        saw[step["name"]] = {**answer, "balance": balance(payments, plan, holder)}
    say(**saw)


asyncio.run(main())
