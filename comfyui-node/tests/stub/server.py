"""The send path of ComfyUI's server.py, in the shape that it has from 0.3.10 to 0.38."""

import asyncio
import contextlib
import json
import struct

from aiohttp import ClientError, web


async def _send_and_survive(function, message):
    with contextlib.suppress(ClientError, ConnectionError):
        await function(message)


class PromptServer:
    instance = None

    def __init__(self, loop, metadata=True):
        PromptServer.instance = self
        self.loop = loop
        self.messages = asyncio.Queue()
        self.sockets = {}
        if metadata:
            # Since 0.3.44.
            self.sockets_metadata = {}
        self.routes = web.RouteTableDef()
        self.client_id = None
        self.last_node_id = None
        self.last_prompt_id = None
        self.routes.get("/ws")(self.websocket_handler)

    async def connect(self, sid, ws):
        """What a new socket is told, as the first half of ComfyUI's handler tells it."""
        self.sockets.pop(sid, None)
        self.sockets[sid] = ws
        if hasattr(self, "sockets_metadata"):
            self.sockets_metadata[sid] = {"feature_flags": {}}
        await self.send("status", {"status": self.get_queue_info(), "sid": sid}, sid)
        if self.client_id == sid and self.last_node_id is not None:
            await self.send("executing", {"node": self.last_node_id}, sid)

    def disconnect(self, sid):
        self.sockets.pop(sid, None)

    async def websocket_handler(self, request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sid = request.rel_url.query["clientId"]
        try:
            await self.connect(sid, ws)
            async for message in ws:
                if json.loads(message.data)["type"] == "feature_flags":
                    await self.send("feature_flags", {"supports_preview_metadata": True}, sid)
        finally:
            self.disconnect(sid)
        return ws

    def get_queue_info(self):
        return {"exec_info": {"queue_remaining": 0}}

    async def send(self, event, data, sid=None):
        if event == 2:
            # An image that has yet to be encoded.
            await self.send_bytes(1, struct.pack(">I", 1) + data, sid)
        elif event == 4:
            image, metadata = data
            metadata = json.dumps(metadata).encode()
            await self.send_bytes(4, struct.pack(">I", len(metadata)) + metadata + image, sid)
        elif isinstance(data, (bytes, bytearray)):
            await self.send_bytes(event, data, sid)
        else:
            await self.send_json(event, data, sid)

    async def send_bytes(self, event, data, sid=None):
        message = bytearray(struct.pack(">I", event)) + data
        for ws in self._addressed(sid):
            await _send_and_survive(ws.send_bytes, message)

    async def send_json(self, event, data, sid=None):
        message = {"type": event, "data": data}
        for ws in self._addressed(sid):
            await _send_and_survive(ws.send_json, message)

    def _addressed(self, sid):
        if sid is None:
            return list(self.sockets.values())
        return [self.sockets[sid]] if sid in self.sockets else []

    def send_sync(self, event, data, sid=None):
        self.loop.call_soon_threadsafe(self.messages.put_nowait, (event, data, sid))

    def queue_updated(self):
        self.send_sync("status", {"status": self.get_queue_info()})

    async def publish_loop(self):
        while True:
            await self.send(*await self.messages.get())
