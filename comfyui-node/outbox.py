"""An observer's outbox: ComfyUI puts messages in and never waits; they go out as fast as the observer reads."""

import asyncio
import json
import socket
from collections import deque
from typing import NamedTuple, Optional, Union

import aiohttp

LIMIT = 256
"""How many messages may wait for one observer."""

BYTES = 8_000_000
"""How large they may be together, if they are more than one."""

PATIENCE = 60
"""How many seconds one message may take to go out."""

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


class Message(NamedTuple):
    """A message as it was when it was sent: whatever it was made of may change before it goes out."""

    kind: Optional[str]
    frame: Union[str, bytes, bytearray]

    @classmethod
    def of(cls, message, dumps=json.dumps):
        """Of the dictionary that becomes JSON, spelled as aiohttp spells it, or the bytes of a binary frame."""
        binary = isinstance(message, (bytes, bytearray))
        return cls(kind_of(message), message if binary else dumps(message))


class Outbox:
    """Stands in an observer's place in `PromptServer.sockets`.

    ComfyUI writes to one socket after the other and waits for each: one that does not read stalls all of them. What is
    written here waits in a queue of its own instead. Once more than `LIMIT` messages wait, or more than `BYTES`, only the
    newest progress, status and other news stay, and all ends; where even the ends are too many, or nothing goes out for
    `PATIENCE`, the observer is disconnected, so that it knows that it missed something. Of previews only the newest
    waits at any time.
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
        self._bytes = 0
        self._news = asyncio.Event()
        self._leaving = False
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._deliver())

    def __getattr__(self, name):
        # Whatever else somebody wants of a socket.
        return getattr(self.ws, name)

    def __len__(self):
        return len(self._waiting)

    def __bool__(self):
        return True

    async def send_json(self, message, _compress=None, *, dumps=json.dumps):
        """As the socket's, but never waits."""
        self._guarded(lambda: self._put(Message.of(message, dumps)))

    async def send_bytes(self, message, *_args, **_options):
        """As the socket's, but never waits."""
        self._guarded(lambda: self._put(Message.of(message)))

    def put(self, message):
        """Takes a `Message`. Raises nothing."""
        self._guarded(lambda: self._put(message))

    def _guarded(self, work):
        try:
            work()
        except Exception as error:
            self._report("a message could not be kept for an observer (%s)", type(error).__name__)

    def _put(self, message):
        if self.gone or (message.kind == PREVIEW and not self._previews):
            return
        if message.kind == PREVIEW:
            self._keep(deque(other for other in self._waiting if other.kind != PREVIEW))
        self._waiting.append(message)
        self._bytes += len(message.frame)
        # A single message may be of any size: who reads gets it, and who does not has no more than that waiting.
        if len(self._waiting) > LIMIT or (self._bytes > BYTES and len(self._waiting) > 1):
            self._thin_out()
        self._news.set()

    def _keep(self, messages):
        self._waiting = messages
        self._bytes = _size(messages)

    def _thin_out(self):
        ends = [message for message in self._waiting if message.kind == END]
        if len(ends) > LIMIT or _size(ends) > BYTES:
            self._disconnect()
            return
        # Half of what the ends leave, so that it is not to be done for each message.
        room, room_bytes = (LIMIT - len(ends)) // 2, (BYTES - _size(ends)) // 2
        outdated, kept = set(), deque()
        for message in reversed(self._waiting):
            kind, size = message.kind, len(message.frame)
            if kind == END:
                kept.appendleft(message)
            elif room > 0 and size <= room_bytes and kind not in outdated:
                kept.appendleft(message)
                room -= 1
                room_bytes -= size
            if kind is not None:
                outdated.add(kind)
        self._keep(kept)

    def _disconnect(self):
        self._report("an observer reads nothing any more and was disconnected")
        self.close()
        connection = self.ws.get_extra_info("socket")
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)

    async def _deliver(self):
        try:
            while True:
                while self._waiting:
                    message = self._waiting.popleft()
                    self._bytes -= len(message.frame)
                    await self._send(message.frame)
                if self._leaving:
                    return
                self._news.clear()
                await self._news.wait()
        except (ConnectionError, aiohttp.ClientError):
            # Disconnected: ComfyUI's handler of the socket clears up.
            pass
        finally:
            self.gone = True
            self._keep(deque())

    async def _send(self, frame):
        patience = self._loop.call_later(PATIENCE, self._guarded, self._disconnect)
        try:
            if isinstance(frame, str):
                await self.ws.send_str(frame)
            else:
                await self.ws.send_bytes(frame)
        except (ConnectionError, aiohttp.ClientError):
            raise
        except Exception as error:
            self._report("a message could not be sent to an observer (%s)", type(error).__name__)
        finally:
            patience.cancel()

    async def release(self):
        """Ends once all that waits is sent, or the observer is disconnected."""
        self._leaving = True
        self._news.set()
        await asyncio.wait([self._task])

    def close(self):
        """Ends at once."""
        self.gone = True
        self._keep(deque())
        self._task.cancel()


def _size(messages):
    # JSON is spelled in ASCII.
    return sum(len(message.frame) for message in messages)
