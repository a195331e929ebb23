"""With aiohttp's server and sockets, as ComfyUI uses them, over TCP."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

SUBMITTER = "browser"


@asynccontextmanager
async def listening(comfy):
    app = web.Application()
    app.add_routes(comfy.server.routes)
    async with TestClient(TestServer(app)) as client:
        yield client


async def connect(client, sid):
    ws = await client.ws_connect(f"/ws?clientId={sid}")
    greeting = await ws.receive_json()
    assert greeting["data"]["sid"] == sid
    return ws


async def until_ended(ws, prompt_id):
    """All messages up to the prompt's end, as they are."""
    last = json.dumps({"type": "executing", "data": {"node": None, "prompt_id": prompt_id}})
    seen = []
    while not seen or seen[-1] != last:
        message = await ws.receive()
        assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
        seen.append(message.data)
    return seen


async def test_observers_and_submitter_see_the_same(make, shape):
    comfy = make(**shape)
    async with listening(comfy) as client:
        submitter = await connect(client, SUBMITTER)
        await submitter.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
        assert (await submitter.receive_json())["type"] == "feature_flags"
        observers = [await connect(client, sid) for sid in ("comfyglow-1", "comfyglow-2")]
        await observers[0].send_json({"type": "feature_flags", "data": {}})
        assert (await observers[0].receive_json())["type"] == "feature_flags"
        about = await (await client.get("/comfyglow")).json()
        assert about == {"mirror": True, "version": "0.1.0", "observers": 2}
        for prompt_id, client_id in (("a", SUBMITTER), ("b", SUBMITTER)):
            await comfy.run(prompt_id, client_id)
            texts = [data for data in await until_ended(submitter, prompt_id) if isinstance(data, str)]
            for observer in observers:
                assert await until_ended(observer, prompt_id) == texts
        await comfy.run("c")
        assert '"execution_success"' in "".join(await until_ended(observers[0], "c"))


async def test_an_observer_that_reads_nothing(make):
    comfy = make()
    async with listening(comfy) as client:
        submitter, healthy = await connect(client, SUBMITTER), await connect(client, "comfyglow-1")
        loop = asyncio.get_running_loop()
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.setblocking(False)
        await loop.sock_connect(stalled, ("127.0.0.1", client.port))
        await loop.sock_sendall(
            stalled,
            b"GET /ws?clientId=comfyglow-stalled HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        )
        assert await loop.sock_recv(stalled, 12) == b"HTTP/1.1 101"
        comfy.server.queue_updated()
        await comfy.published()
        outbox = comfy.mirror.outboxes["comfyglow-stalled"]
        # Far more than all the buffers on the way hold: 20 MB.
        comfy.server.client_id = SUBMITTER
        output = {"text": ["x" * 100_000]}
        for _ in range(200):
            comfy.server.send_sync("executed", {"node": "1", "output": output, "prompt_id": "a"}, SUBMITTER)
        comfy.server.send_sync("execution_success", {"prompt_id": "a"}, SUBMITTER)
        comfy.server.send_sync("executing", {"node": None, "prompt_id": "a"}, SUBMITTER)
        seen = await until_ended(submitter, "a")
        assert len(seen) == 1 + 200 + 2
        assert 0 < len(outbox) <= 256
        await until_ended(healthy, "a")
        # Then so many ends that it has to be disconnected: it reads what there is, and the end of the stream.
        for number in range(150):
            await comfy.run(str(number), SUBMITTER, steps=1)
            await until_ended(submitter, str(number))
        assert outbox.gone
        while await loop.sock_recv(stalled, 1 << 20):
            pass
        stalled.close()
        await comfy.run("z", SUBMITTER)
        assert '"execution_success"' in (await until_ended(submitter, "z"))[-3]
        assert list(comfy.mirror.outboxes) == ["comfyglow-1"]


async def test_an_observer_that_leaves_and_comes_back(make):
    comfy = make()
    async with listening(comfy) as client:
        submitter, observer = await connect(client, SUBMITTER), await connect(client, "comfyglow-1")
        await comfy.run("a", SUBMITTER)
        await until_ended(observer, "a")
        await observer.close()
        await comfy.run("b", SUBMITTER)
        again = await connect(client, "comfyglow-1")
        await comfy.run("c", SUBMITTER)
        await until_ended(again, "c")
        await until_ended(submitter, "c")
        assert len(comfy.mirror.outboxes) == 1
