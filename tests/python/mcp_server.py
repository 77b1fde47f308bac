"""An MCP server as the official documentation has it: `payments.mcp`, with what it sells. Started by mcp.test.mjs.

PLAN is what is sold; AGENT may be empty, as a plan is enough.
"""

import asyncio
import os

from support import bound, end_with_parent, say, using

end_with_parent()
payments = using(os.environ["NVM_API_KEY"])
runs = {"shout": 0}


async def shout(arguments, context=None, paywall=None):
    runs["shout"] += 1
    return {"content": [{"type": "text", "text": arguments["text"].upper()}]}


async def count(arguments, context=None, paywall=None):
    return {"content": [{"type": "text", "text": f"run {runs['shout']} times"}]}


async def greet(arguments, context=None):
    return {"messages": [{"role": "user", "content": {"type": "text", "text": f"Greet {arguments['name']}"}}]}


TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
NAME = [{"name": "name", "required": True}]
payments.mcp.register_tool("shout", {"description": "Says it louder", "inputSchema": TEXT}, shout, {"credits": 2})
payments.mcp.register_tool("count", {"description": "How often it was said"}, count, {"credits": 0})
payments.mcp.register_prompt("greet", {"name": "greet", "description": "A greeting", "arguments": NAME}, greet, {"credits": 1})


async def main():
    # The server has to be told its port: one that is free a moment before.
    listener, url = bound()
    listener.close()
    config = {
        "planId": os.environ["PLAN"],
        "agentId": os.environ.get("AGENT") or None,
        "serverName": "loud",
        "host": "127.0.0.1",
        "port": int(url.rsplit(":", 1)[1]),
        "baseUrl": url,
        # The inputs of its OAuth metadata.
        "environment": "custom",
    }
    server = await payments.mcp.start(config)
    say(url=server["info"]["baseUrl"], tools=server["info"]["tools"])
    await asyncio.Event().wait()


asyncio.run(main())
