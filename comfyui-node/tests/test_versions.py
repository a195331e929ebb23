"""Where the server's insides differ, nothing is touched and one line is logged."""

import sys

import pytest
from conftest import load_extension


async def plain_send(self, event, data, sid=None):
    await self.dispatch(event, data, sid)


def json_with_other_arguments(server):
    async def send_json(message):
        pass

    server.send_json = send_json


def json_that_does_not_wait(server):
    server.send_json = lambda event, data, sid=None: None


DIFFERENCES = {
    "send_json takes other arguments": json_with_other_arguments,
    "send_json is no coroutine": json_that_does_not_wait,
    "sockets is no dictionary": lambda server: setattr(server, "sockets", []),
    "client_id is no plain attribute": lambda server: delattr(server, "client_id"),
    "last_node_id is no plain attribute": lambda server: delattr(server, "last_node_id"),
    "AttributeError": lambda server: delattr(server, "routes"),
}


@pytest.mark.parametrize("line", DIFFERENCES)
async def test_a_server_of_another_shape_is_left_alone(make, caplog, line):
    comfy = make(False)
    DIFFERENCES[line](comfy.server)
    before = dict(vars(comfy.server))
    extension = load_extension()
    assert extension.MIRROR is None
    assert vars(comfy.server) == before
    assert "client_id" not in vars(type(comfy.server))
    assert [line in record.getMessage() for record in caplog.records] == [True]


async def test_a_send_that_goes_another_way(make, caplog, monkeypatch):
    comfy = make(False)
    monkeypatch.setattr(type(comfy.server), "send", plain_send)
    assert load_extension().MIRROR is None
    assert ["does not use send_json" in record.getMessage() for record in caplog.records] == [True]


async def test_a_missing_method(make, caplog, monkeypatch):
    comfy = make(False)
    monkeypatch.delattr(type(comfy.server), "send_bytes")
    assert load_extension().MIRROR is None
    assert ["send_bytes is no coroutine" in record.getMessage() for record in caplog.records] == [True]


async def test_installed_twice_it_is_hooked_once(make, caplog):
    comfy = make()
    assert comfy.mirror is not None
    assert load_extension().MIRROR is None
    assert len(caplog.records) == 1


def test_without_a_server(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "server", None)
    assert load_extension().MIRROR is None
    assert len(caplog.records) == 1


async def test_it_adds_no_nodes(make):
    make(False)
    extension = load_extension()
    assert extension.NODE_CLASS_MAPPINGS == {}
    assert extension.NODE_DISPLAY_NAME_MAPPINGS == {}
