"""Who is told what."""

import asyncio

import pytest

SUBMITTER = "9d3c0d0a5b6e4f21a7c8e90112233445"
OUTCOMES = ["success", "error", "interrupted", "blocked"]
OWN = ("feature_flags", "logs")


def of_prompts(ws):
    """The texts that are about prompts, in their order."""
    return [text for text in ws.texts if text["type"] != "status"]


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_an_observer_sees_what_the_submitter_sees(make, shape, outcome):
    comfy = make(**shape)
    submitter, observer = await comfy.connect(SUBMITTER), await comfy.connect("comfyglow-1")
    await comfy.run("a", SUBMITTER, outcome=outcome)
    await observer.until(lambda ws: ws.ended("a"))
    assert of_prompts(observer) == of_prompts(submitter)
    assert observer.types == submitter.types
    assert observer.texts[0]["data"]["sid"] == "comfyglow-1"
    assert not observer.binaries
    assert len(submitter.binaries) == 3


async def test_it_sees_prompts_whose_submitter_is_not_connected(make, shape):
    comfy = make(**shape)
    observer = await comfy.connect("comfyglow-1")
    await comfy.run("a", "gone")
    await observer.until(lambda ws: ws.ended("a"))
    assert {"execution_start", "progress", "executed", "execution_success"} <= set(observer.types)


async def test_two_observers_see_each_event_once(make, shape):
    comfy = make(**shape)
    submitter = await comfy.connect(SUBMITTER)
    observers = [await comfy.connect(f"comfyglow-{number}") for number in range(2)]
    comfy.server.send_sync("crystools.monitor", {"cpu_utilization": 1})
    await comfy.run("a", SUBMITTER)
    for observer in observers:
        await observer.until(lambda ws: ws.ended("a"))
        assert observer.types == submitter.types
        assert observer.types.count("crystools.monitor") == 1


async def test_previews_come_by_choice_only(make, shape):
    comfy = make(**shape)
    submitter = await comfy.connect(SUBMITTER)
    if shape["metadata"]:
        comfy.server.sockets_metadata[SUBMITTER]["feature_flags"] = {"supports_preview_metadata": True}
    plain, curious = await comfy.connect("comfyglow-1"), await comfy.connect("comfyglow-previews-1")
    await comfy.run("a", SUBMITTER)
    for observer in (plain, curious):
        await observer.until(lambda ws: ws.ended("a"))
    # One may be outdated by the next before it goes out, but the last arrives.
    assert curious.binaries[-1] == submitter.binaries[-1]
    assert set(curious.binaries) <= set(submitter.binaries)
    assert not plain.binaries
    # Broadcast ones, too; a node's text is no preview.
    await comfy.run("b")
    comfy.server.send_sync(3, b"\0\0\0\x012text")
    await comfy.published()
    for observer in (plain, curious):
        await observer.until(lambda ws: ws.ended("b") and b"text" in ws.sent[-1])
    assert [message[3] for message in curious.binaries[-2:]] == [1, 3]
    assert [message[3] for message in plain.binaries] == [3]


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_prompts_without_client_id_are_seen_whole(make, shape, outcome):
    comfy = make(**shape)
    observer = await comfy.connect("comfyglow-1")
    await comfy.run("a", SUBMITTER, outcome=outcome)
    await observer.until(lambda ws: ws.ended("a"))
    named = [text["type"] for text in of_prompts(observer)]
    await comfy.run("b", outcome=outcome)
    await observer.until(lambda ws: ws.ended("b"))
    assert [text["type"] for text in of_prompts(observer)] == 2 * named


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("client_id", [SUBMITTER, "", "gone", "comfyglow-submits", None])
async def test_all_others_get_what_they_get_without_the_extension(make, shape, client_id, outcome):
    seen = []
    for extension in (False, True):
        comfy = make(extension, **shape)
        others = [await comfy.connect(sid) for sid in (SUBMITTER, "another", "comfyglow-submits")]
        if extension:
            await comfy.connect("comfyglow-1")
            (await comfy.connect("comfyglow-previews-1")).reads.clear()
        if client_id != "comfyglow-submits":
            others.pop()
        for prompt_id in "ab":
            await comfy.run(prompt_id, client_id, outcome=outcome)
        assert comfy.server.last_node_id is None
        # Back while its prompt runs: greeted with the node, and only it.
        comfy.server.last_node_id = "2"
        others.append(await comfy.connect(SUBMITTER))
        seen.append([ws.sent for ws in others])
    assert seen[0] == seen[1]


async def test_a_submitter_of_that_name_gets_its_socket_back(make, shape):
    comfy = make(**shape)
    ws = await comfy.connect("comfyglow-1")
    assert comfy.server.sockets["comfyglow-1"] is not ws
    await comfy.run("a", "comfyglow-1")
    assert comfy.server.sockets["comfyglow-1"] is ws
    assert ws.ended("a")
    assert len(ws.binaries) == 3
    # And is no observer when it comes back.
    again = await comfy.connect("comfyglow-1")
    assert comfy.server.sockets["comfyglow-1"] is again


async def test_what_is_about_a_connection_is_not_mirrored(make):
    comfy = make()
    observer = await comfy.connect("comfyglow-1")
    await comfy.run("a", SUBMITTER)
    await observer.until(lambda ws: ws.ended("a"))
    count = len(observer.sent)
    comfy.server.last_node_id = "2"
    await comfy.connect(SUBMITTER)
    for event in OWN:
        comfy.server.send_sync(event, {}, SUBMITTER)
    # Nor what is for a client that submitted nothing.
    comfy.server.send_sync("chat", {"text": "secret"}, "another")
    comfy.server.send_sync("custom", [1], SUBMITTER)
    await comfy.published()
    await observer.until(lambda ws: "custom" in ws.types)
    assert observer.texts[count:] == [{"type": "custom", "data": [1]}]


async def test_what_is_for_an_observer_reaches_it_alone(make):
    comfy = make()
    one, other = await comfy.connect("comfyglow-1"), await comfy.connect("comfyglow-2")
    comfy.server.send_sync("logs", {"entries": []}, "comfyglow-1")
    comfy.server.send_sync("feature_flags", {}, "comfyglow-1")
    comfy.server.queue_updated()
    await comfy.published()
    for ws in (one, other):
        await ws.until(lambda ws: ws.types.count("status") == 2)
    assert one.types == ["status", "logs", "feature_flags", "status"]
    assert other.types == ["status", "status"]


async def test_the_end_is_mirrored_though_the_next_prompt_has_begun(make):
    comfy = make()
    submitter, observer = await comfy.connect(SUBMITTER), await comfy.connect("comfyglow-1")
    submitter.reads.clear()

    def both():
        import main

        main.prompt_worker(comfy.server, "a", {"client_id": SUBMITTER})
        main.prompt_worker(comfy.server, "b", {"client_id": "another"})

    await asyncio.to_thread(both)
    submitter.reads.set()
    await observer.until(lambda ws: ws.ended("a") and ws.ended("b"))


async def test_other_extensions_still_see_that_there_is_no_client_id(make):
    comfy = make()
    await comfy.run("a")
    assert comfy.server.client_id is None


async def test_unhooked_the_server_is_as_before(make, shape):
    comfy = make(**shape)
    before = vars(make(False, **shape).server).keys()
    observer = await comfy.connect("comfyglow-1")
    comfy.server.queue_updated()
    await comfy.published()
    await comfy.mirror.unhook()
    assert vars(comfy.server).keys() == before
    assert not hasattr(type(comfy.server), "client_id")
    assert comfy.server.sockets["comfyglow-1"] is observer
    assert observer.types == ["status", "status"]
    await comfy.run("a", SUBMITTER)
    assert "execution_start" not in observer.types


async def test_another_extensions_hook_below_stays(make):
    comfy = make(False)
    below = []
    original = comfy.server.send_json

    async def send_json(*args, **kwargs):
        below.append(args[0])
        await original(*args, **kwargs)

    comfy.server.send_json = send_json
    from conftest import load_extension

    mirror = load_extension().MIRROR
    await comfy.run("a", SUBMITTER)
    assert "execution_success" in below
    await mirror.unhook()
    assert comfy.server.send_json is send_json
