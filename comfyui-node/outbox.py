"""An observer's outbox: ComfyUI puts messages in and never waits; they go out as fast as the observer reads."""

import asyncio
import socket
from collections import deque

import aiohttp

LIMIT = 256
"""How many messages may wait for one observer."""

END = "end"
PREVIEW = "preview"
_ENDS = ("execution_success", "execution_error", "execution_interrupted")
_PREVIEW_TYPES = (b"\0\0\0\1", b"\0\0\0\4")


def kind_of(message):
    """END for what must arrive; a name where only the newest message of that name counts; None for everything else."""
    if isinstance(message, (bytes, bytearray)):
        return PREVIEW if bytes(message[:4]) in _PREVIEW_TYPES else None
    event, data = message["type"], message["data"]
    if event in _ENDS:
        return END
    if not isinstance(data, dict):
        return None
    if event == "executing" and data.get("node") is None:
        return END
    if event == "progress":
        return f"progress of {data.get('prompt_id')} {data.get('node')}"
    if event == "progress_state":
        return f"progress_state of {data.get('prompt_id')}"
    return "status" if event == "status" else None


class Outbox:
    """Stands in an observer's place in `PromptServer.sockets`.

    ComfyUI writes to one socket after the other and waits for each: one that does not read stalls all of them. What is
    written here waits in a queue of its own instead. Once more than `LIMIT` messages wait, only the newest progress,
    status and other news stay, and all ends; where even the ends are too many, the observer is disconnected, so that it
    knows that it missed something. Of previews only the newest waits at any time.
    """

    def __init__(self, ws, previews, report):
        """For the socket `ws`, of an observer that wants `previews` or not; `report(text, *args)` logs.

        Needs a running event loop.
        """
        self.ws = ws
        self.gone = False
        self._previews = previews
        self._report = report
        self._waiting = deque()
        self._news = asyncio.Event()
        self._leaving = False
        self._task = asyncio.get_running_loop().create_task(self._deliver())

    def __getattr__(self, name):
        # Whatever else somebody wants of a socket.
        return getattr(self.ws, name)

    def __len__(self):
        return len(self._waiting)

    def __bool__(self):
        return True

    async def send_json(self, message, *_args, **_options):
        """As the socket's, but never waits."""
        self.put(message)

    async def send_bytes(self, message, *_args, **_options):
        """As the socket's, but never waits."""
        self.put(message)

    def put(self, message):
        """Takes a message: the dictionary that becomes JSON, or the bytes of a binary frame. Raises nothing."""
        try:
            self._put(message)
        except Exception as error:
            self._report("a message could not be kept for an observer (%s)", type(error).__name__)

    def _put(self, message):
        kind = kind_of(message)
        if self.gone or (kind == PREVIEW and not self._previews):
            return
        if kind == PREVIEW:
            self._waiting = deque(entry for entry in self._waiting if entry[0] != PREVIEW)
        self._waiting.append((kind, message))
        if len(self._waiting) > LIMIT:
            self._thin_out()
        self._news.set()

    def _thin_out(self):
        ends = sum(kind == END for kind, _ in self._waiting)
        # Half of what the ends leave, so that it is not to be done for each message.
        room = (LIMIT - ends) // 2
        outdated, kept = set(), deque()
        for kind, message in reversed(self._waiting):
            if kind == END:
                kept.appendleft((kind, message))
            elif room > 0 and kind not in outdated:
                kept.appendleft((kind, message))
                room -= 1
            if kind is not None:
                outdated.add(kind)
        self._waiting = kept
        if ends > LIMIT:
            self._report("an observer reads nothing any more and was disconnected")
            self.close()
            connection = self.ws.get_extra_info("socket")
            if connection is not None:
                connection.shutdown(socket.SHUT_RDWR)

    async def _deliver(self):
        try:
            while True:
                while self._waiting:
                    await self._send(self._waiting.popleft()[1])
                if self._leaving:
                    return
                self._news.clear()
                await self._news.wait()
        except (ConnectionError, aiohttp.ClientError):
            # Disconnected: ComfyUI's handler of the socket clears up.
            pass
        finally:
            self.gone = True
            self._waiting.clear()

    async def _send(self, message):
        try:
            if isinstance(message, dict):
                await self.ws.send_json(message)
            else:
                await self.ws.send_bytes(message)
        except (ConnectionError, aiohttp.ClientError):
            raise
        except Exception as error:
            self._report("a message could not be sent to an observer (%s)", type(error).__name__)

    async def release(self):
        """Ends once all that waits is sent."""
        self._leaving = True
        self._news.set()
        await asyncio.wait([self._task])

    def close(self):
        """Ends at once."""
        self.gone = True
        self._waiting.clear()
        self._task.cancel()
