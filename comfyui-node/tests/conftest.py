"""A ComfyUI made of its send path alone, sockets whose reading the test decides on, and the extension, loaded as
ComfyUI loads extensions."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "stub"))

import main  # noqa: E402
from server import PromptServer  # noqa: E402


class Connection:
    """The socket below a `Socket`."""

    def __init__(self):
        self.is_shut_down = False
        self.shut_down = asyncio.Event()

    def shutdown(self, _how):
        self.is_shut_down = True
        self.shut_down.set()


class Socket:
    """A client's WebSocket: takes messages only while `reads` is set."""

    def __init__(self):
        self.sent = []
        self.closed = False
        self.connection = Connection()
        self.reads = asyncio.Event()
        self.reads.set()
        self.began = asyncio.Event()
        self._changed = asyncio.Event()

    async def send_json(self, message, compress=None, *, dumps=json.dumps):
        await self._send(dumps(message))

    async def send_str(self, message, compress=None):
        await self._send(message)

    async def send_bytes(self, message, compress=None):
        await self._send(bytes(message))

    async def _send(self, message):
        self.began.set()
        if not self.reads.is_set():
            await self.reads.wait()
        if self.closed:
            raise ConnectionResetError("Cannot write to closing transport")
        self.sent.append(message)
        self._changed.set()

    def get_extra_info(self, name, default=None):
        return self.connection if name == "socket" else default

    async def until(self, condition):
        """Waits until `condition` holds for this socket."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()

    @property
    def texts(self):
        return [json.loads(message) for message in self.sent if isinstance(message, str)]

    @property
    def types(self):
        return [message["type"] for message in self.texts]

    @property
    def binaries(self):
        return [message for message in self.sent if isinstance(message, bytes)]

    def ended(self, prompt_id):
        """It was told that the prompt is over."""
        last = {"type": "executing", "data": {"node": None, "prompt_id": prompt_id}}
        return last in self.texts


class Comfy:
    """The stub, its publish loop running."""

    def __init__(self, **shape):
        self.server = PromptServer(asyncio.get_running_loop(), **shape)
        self.publishing = asyncio.get_running_loop().create_task(self.server.publish_loop())

    async def connect(self, sid):
        ws = Socket()
        await self.server.connect(sid, ws)
        return ws

    async def run(self, prompt_id, client_id=None, **how):
        """Has the worker thread run a prompt, and waits until all of it is published."""
        extra_data = {} if client_id is None else {"client_id": client_id}
        await asyncio.to_thread(main.prompt_worker, self.server, prompt_id, extra_data, **how)
        await self.published()

    async def published(self):
        probe = Socket()
        self.server.sockets["probe"] = probe
        self.server.send_sync("probe", {}, "probe")
        await probe.until(lambda probe: "probe" in probe.types)
        del self.server.sockets["probe"]


def load_extension():
    """As ComfyUI loads a folder of custom_nodes, afresh each time."""
    name = "custom_nodes_comfyglow"
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]
    folder = HERE.parent
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=[True, False], ids=["0.38", "0.3.10"])
def shape(request):
    """What the server of a newer and of an older ComfyUI looks like."""
    return {"metadata": request.param}


@pytest.fixture
def make(request):
    """Makes a ComfyUI, with the extension or without."""
    made = []

    def make(extension=True, **shape):
        comfy = Comfy(**shape)
        comfy.mirror = load_extension().MIRROR if extension else None
        made.append(comfy)
        return comfy

    yield make
    # The property is the class's, and outlives its server.
    if "client_id" in vars(PromptServer):
        del PromptServer.client_id
