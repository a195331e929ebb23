"""Mirrors to observers what ComfyUI tells only the client that submitted the prompt.

An observer is a client whose id begins with `comfyglow-`; with `comfyglow-previews-` it gets preview images, too. All
others get, byte for byte, what they get without this extension.
"""

import inspect
import logging
import struct
import sys

from .outbox import Message, Outbox

VERSION = "0.1.0"
OBSERVER = "comfyglow-"
PREVIEWS = "comfyglow-previews-"

_LOG = logging.getLogger("comfyglow")
# What ComfyUI tells a client about the client's own connection: nobody else's business.
_PRIVATE = ("status", "feature_flags", "logs")
# What ComfyUI does not send at all where the prompt has no client_id.
_UNSENT = ("execution_start", "execution_cached", "executing", "executed", "execution_success", "execution_error")
# The modules that ask whether there is a client_id before they send, as Python names them; main.py is usually the
# program itself.
_EXECUTOR = ("execution", "comfy_execution.asset_enrichment", "main", "__main__")
# So many submitters are remembered: those of the events that may still be in ComfyUI's queue.
_SUBMITTERS = 64


class _Nobody(str):
    """The client_id of prompts that have none, as told to the executor, which would else not send their events at all.

    It is empty, and ComfyUI gives no client an empty id: where it slips through, it means nobody to ComfyUI, too.
    """


NOBODY = _Nobody()


def obstacle(server):
    """Why this server can't be hooked, or None: all that is relied on is looked at before anything is changed."""
    for name in ("send_json", "send_bytes"):
        function = getattr(server, name, None)
        if not inspect.iscoroutinefunction(function):
            return f"PromptServer.{name} is no coroutine"
        try:
            inspect.signature(function).bind("event", {}, sid=None)
        except TypeError:
            return f"PromptServer.{name} takes other arguments"
        if name not in getattr(getattr(type(server).__dict__.get("send"), "__code__", None), "co_names", ()):
            return f"PromptServer.send does not use {name}"
    if not isinstance(getattr(server, "sockets", None), dict):
        return "PromptServer.sockets is no dictionary"
    for name in ("client_id", "last_node_id"):
        if name not in vars(server) or hasattr(type(server), name):
            return f"PromptServer.{name} is no plain attribute"
    return None


class Mirror:
    """Hooks into one server, from `hook` to `unhook`. All but the property runs on the server's event loop."""

    def __init__(self, server):
        self.outboxes = {}
        self._server = server
        self._submitters = ()
        self._originals = {}
        self._reported = set()

    def hook(self):
        """Begins. The server is one that `obstacle` has nothing to say against."""
        for name in ("send_json", "send_bytes"):
            self._originals[name] = (getattr(self._server, name), name in vars(self._server))
            setattr(self._server, name, self._wrapped(name))
        type(self._server).client_id = self._client_id()

    async def unhook(self):
        """Leaves the server as it was; what waits for observers is sent first."""
        del type(self._server).client_id
        for name, (original, was_own) in self._originals.items():
            if was_own:
                setattr(self._server, name, original)
            else:
                delattr(self._server, name)
        for sid in list(self.outboxes):
            await self._release(sid)

    def _client_id(self):
        """`PromptServer.client_id` as a property: notes who submits, and names those who submit without a name."""

        def get(server):
            sid = vars(server).get("client_id")
            if sid is None and sys._getframe(1).f_globals.get("__name__") in _EXECUTOR:
                # The executor sets it for prompts with a client_id only, and old versions write it into `progress`.
                server.last_node_id = None
                return NOBODY
            return sid

        def set(server, sid):
            vars(server)["client_id"] = sid
            if isinstance(sid, str):
                # Exchanged as a whole: this is the worker's thread, and the event loop misses nobody meanwhile.
                others = (other for other in self._submitters if other != sid)
                self._submitters = (*others, sid)[-_SUBMITTERS:]

        return property(get, set)

    def _wrapped(self, name):
        original = self._originals[name][0]

        async def send(event, data, sid=None):
            unsent = False
            if sid is NOBODY:
                # ComfyUI without us either broadcasts such an event or sends nothing.
                sid, unsent = None, _is_unsent(event, data)
            try:
                await self._tidy(sid)
            except Exception as error:
                self.report("an observer could not be let go (%s)", type(error).__name__)
            message = None
            try:
                # Now, as the submitter's is: it may be long until that is sent, and `data` another by then.
                if self.outboxes and self._is_mirrored(event, data, sid, unsent):
                    message = _message(event, data)
            except Exception as error:
                self.report("an event could not be mirrored (%s)", type(error).__name__)
            if not unsent:
                await original(event, data, sid)
            try:
                if message is not None:
                    for box in self.outboxes.values():
                        box.put(message)
                elif self._is_greeting(event, sid):
                    self._adopt(sid)
            except Exception as error:
                self.report("an event could not be mirrored (%s)", type(error).__name__)

        return send

    async def _tidy(self, sid):
        """Forgets who has gone, and lets go of who submits: a submitter's socket is ComfyUI's alone."""
        for gone in [sid for sid, box in self.outboxes.items() if self._has_left(sid, box)]:
            box = self.outboxes.pop(gone)
            box.close()
            if self._server.sockets.get(gone) is box:
                del self._server.sockets[gone]
        if self.outboxes and sid in self.outboxes and sid in self._submitters:
            await self._release(sid)

    def _has_left(self, sid, box):
        return box.gone or box.ws.closed or self._server.sockets.get(sid) is not box

    async def _release(self, sid):
        box = self.outboxes.pop(sid)
        # First, so that nothing is put into an outbox that has closed.
        if self._server.sockets.get(sid) is box:
            self._server.sockets[sid] = box.ws
        await box.release()

    def _is_mirrored(self, event, data, sid, unsent):
        # A broadcast is not: ComfyUI puts it into all outboxes itself.
        return unsent or (sid is not None and sid in self._submitters and not _is_private(event, data))

    def _is_greeting(self, event, sid):
        # Of a new connection, an observer's.
        return (
            event == "status" and isinstance(sid, str) and sid.startswith(OBSERVER) and sid not in self._submitters
        )

    def _adopt(self, sid):
        ws = self._server.sockets.get(sid)
        if ws is not None and not isinstance(ws, Outbox):
            self.outboxes[sid] = self._server.sockets[sid] = Outbox(ws, sid.startswith(PREVIEWS), self.report)

    def report(self, text, *args):
        """Logs what went wrong, each kind of it once. Nothing of a prompt may be among `args`."""
        if text not in self._reported:
            self._reported.add(text)
            _LOG.warning("[comfyglow] " + text, *args)


def _message(event, data):
    binary = isinstance(data, (bytes, bytearray))
    return Message.of(struct.pack(">I", event) + data if binary else {"type": event, "data": data})


def _is_unsent(event, data):
    # A blocked branch is told of as an error, and to all, though the prompt goes on.
    blocked = isinstance(data, dict) and data.get("exception_type") == "ExecutionBlocked"
    return event in _UNSENT and not (event == "execution_error" and blocked)


def _is_private(event, data):
    # `executing` without a prompt is a greeting: where the prompt is that ran when its submitter came back.
    return event in _PRIVATE or (event == "executing" and "prompt_id" not in data)


def install():
    """Hooks into the running ComfyUI and returns the mirror; where that can't be, logs one line and returns None."""
    try:
        from aiohttp import web
        from server import PromptServer

        server = PromptServer.instance
        reason = obstacle(server)
        if reason is None:
            mirror = Mirror(server)

            @server.routes.get("/comfyglow")
            async def about(_request):
                return web.json_response({"mirror": True, "version": VERSION, "observers": len(mirror.outboxes)})

            mirror.hook()
            _LOG.info("[comfyglow] observers are told of everybody's progress")
            return mirror
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    _LOG.warning("[comfyglow] nothing is mirrored, this ComfyUI is built in another way than those known: %s", reason)
    return None
