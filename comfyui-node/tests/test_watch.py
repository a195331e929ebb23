"""`comfyglow watch` beside a submitter, over TCP: the command that COMFYGLOW names, which `cargo xtask ci` builds."""

import asyncio
import json
import os

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

COMMAND = os.environ.get("COMFYGLOW")
ERROR = 1


@pytest.mark.skipif(COMMAND is None, reason="COMFYGLOW names no command")
@pytest.mark.parametrize("client_id", ["browser", None])
@pytest.mark.parametrize(("outcome", "status"), [("success", 0), ("error", ERROR)])
async def test_it_shows_a_prompt_that_another_submitted(make, client_id, outcome, status):
    comfy = make()
    app = web.Application()
    app.add_routes(comfy.server.routes)
    adopt, adopted = comfy.mirror._adopt, asyncio.Event()
    comfy.mirror._adopt = lambda sid: (adopt(sid), adopted.set())
    async with TestServer(app) as server:
        arguments = ["watch", str(server.make_url("")), "--once", "--json", "--no-learn"]
        watch = await asyncio.create_subprocess_exec(COMMAND, *arguments, stdout=asyncio.subprocess.PIPE)
        await adopted.wait()
        await comfy.run("2f6d2a52-8d4c-4f0e-9c43-0a4f6a5c8a11", client_id, outcome=outcome)
        lines, _ = await watch.communicate()
    assert watch.returncode == status
    last = json.loads(lines.splitlines()[-1])["prompt"]
    assert last["state"] == outcome
