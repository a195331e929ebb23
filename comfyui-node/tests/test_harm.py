"""Observers that do not read, leave or break, and faults of our own: nobody else notices."""

import asyncio
import logging
import sys

from conftest import Socket

SUBMITTER = "browser"
MANY = 10_000


def progress(step, prompt_id="a"):
    return {"value": step, "max": MANY, "prompt_id": prompt_id, "node": "2"}


def steps_of(coroutine):
    """How often the coroutine waits for something: it is driven by hand, and fails where it waits in earnest."""
    try:
        coroutine.send(None)
    except StopIteration:
        return 0
    coroutine.close()
    return 1


async def stalled(comfy, sid):
    """An observer that takes no message but its greeting, and is in the middle of the next."""
    ws = await comfy.connect(sid)
    ws.reads.clear()
    ws.began.clear()
    comfy.server.queue_updated()
    await ws.began.wait()
    return ws


async def test_a_stalled_observer_delays_nobody(make):
    comfy = make()
    submitter, healthy = await comfy.connect(SUBMITTER), await comfy.connect("comfyglow-healthy")
    observer = await stalled(comfy, "comfyglow-stalled")
    await comfy.published()
    comfy.server.client_id = SUBMITTER
    box = comfy.mirror.outboxes["comfyglow-stalled"]
    submitter.sent.clear()
    server, most = comfy.server, 0
    # Not a single wait in all that, so there is no delay, however slow the machine.
    for step in range(MANY):
        assert steps_of(server.send("progress", progress(step), SUBMITTER)) == 0
        assert steps_of(server.send(2, b"image", SUBMITTER)) == 0
        if step % 100 == 0:
            assert steps_of(server.send("executing", {"node": str(step), "prompt_id": "a"}, SUBMITTER)) == 0
            assert steps_of(server.send("status", {"status": {}})) == 0
        most = max(most, len(box))
    assert steps_of(server.send("execution_success", {"prompt_id": "a"}, SUBMITTER)) == 0
    assert steps_of(server.send("executing", {"node": None, "prompt_id": "a"}, SUBMITTER)) == 0
    assert len(submitter.binaries) == MANY
    assert len(submitter.texts) == MANY + 2 * MANY // 100 + 2
    assert most <= 256
    assert len(observer.sent) == 1
    # It reads again, and finds the newest progress and the ends.
    observer.reads.set()
    for ws in (observer, healthy):
        await ws.until(lambda ws: ws.ended("a"))
        assert ws.types[-2:] == ["execution_success", "executing"]
        assert {"type": "progress", "data": progress(MANY - 1)} in ws.texts
        values = [text["data"]["value"] for text in ws.texts if text["type"] == "progress"]
        assert values == sorted(values)


async def test_the_submitters_stream_is_the_same_beside_a_stalled_observer(make, shape):
    streams = []
    for extension in (False, True):
        comfy = make(extension, **shape)
        submitter = await comfy.connect(SUBMITTER)
        if extension:
            await stalled(comfy, "comfyglow-previews-1")
            await comfy.published()
        else:
            comfy.server.queue_updated()
        await comfy.run("a", SUBMITTER, steps=MANY // 4)
        streams.append(submitter.sent)
    assert streams[0] == streams[1]


async def test_outdated_news_goes_first(make):
    comfy = make()
    observer = await stalled(comfy, "comfyglow-1")
    for number in range(20):
        comfy.server.send_sync("custom", {"number": number})
    for step in range(300):
        comfy.server.send_sync("progress", progress(step))
        comfy.server.send_sync("progress_state", {"prompt_id": "a", "nodes": {"2": {"value": step}}})
        comfy.server.queue_updated()
    comfy.server.send_sync("last", {})
    await comfy.published()
    observer.reads.set()
    await observer.until(lambda ws: "last" in ws.types)
    assert [text["data"]["number"] for text in observer.texts if text["type"] == "custom"] == list(range(20))
    assert observer.types[-4:] == ["progress", "progress_state", "status", "last"]
    assert len(observer.sent) <= 256 + 2


async def test_submitters_are_not_kept_for_ever(make):
    comfy = make()
    for number in range(1000):
        comfy.server.client_id = str(number)
    assert list(comfy.mirror._submitters) == [str(number) for number in range(936, 1000)]


async def test_of_previews_only_the_newest_waits(make, shape):
    comfy = make(**shape)
    submitter, observer = await comfy.connect(SUBMITTER), await stalled(comfy, "comfyglow-previews-1")
    await comfy.run("a", SUBMITTER, steps=50)
    observer.reads.set()
    await observer.until(lambda ws: ws.ended("a"))
    assert len(submitter.binaries) == 50
    assert observer.binaries == submitter.binaries[-1:]


async def test_ends_are_kept_in_their_order(make):
    comfy = make()
    observer = await stalled(comfy, "comfyglow-1")
    ids = [f"prompt {number}" for number in range(100)]
    for prompt_id in ids:
        await comfy.run(prompt_id, SUBMITTER, steps=5)
    assert len(comfy.mirror.outboxes["comfyglow-1"]) <= 256
    observer.reads.set()
    await observer.until(lambda ws: ws.ended(ids[-1]))
    ends = [text for text in observer.texts if text["type"] == "execution_success"]
    assert [end["data"]["prompt_id"] for end in ends] == ids
    assert all(observer.ended(prompt_id) for prompt_id in ids)


async def test_where_even_the_ends_are_too_many_it_is_disconnected(make, caplog):
    comfy = make()
    observer, other = await stalled(comfy, "comfyglow-1"), await comfy.connect("comfyglow-2")
    for number in range(130):
        await comfy.run(str(number), SUBMITTER, steps=1)
    assert observer.connection.is_shut_down
    assert list(comfy.mirror.outboxes) == ["comfyglow-2"]
    assert [record.levelno for record in caplog.records if "disconnected" in record.message] == [logging.WARNING]
    await other.until(lambda ws: ws.ended("129"))


def large(number, event="executed"):
    """An event of a megabyte, told to the submitter."""
    return event, {"prompt_id": "a", "number": number, "output": "x" * 1_000_000}, SUBMITTER


async def test_a_stalled_observer_holds_no_more_than_so_many_bytes(make):
    comfy = make()
    observer = await stalled(comfy, "comfyglow-1")
    await comfy.published()
    comfy.server.client_id = SUBMITTER
    box, most = comfy.mirror.outboxes["comfyglow-1"], 0
    assert steps_of(comfy.server.send("execution_error", {"prompt_id": "a"}, SUBMITTER)) == 0
    for number in range(100):
        assert steps_of(comfy.server.send(*large(number))) == 0
        # Broadcasts, too.
        assert steps_of(comfy.server.send("custom", {"text": "y" * 500_000})) == 0
        held = sum(len(message.frame) for message in box._waiting)
        assert held == box._bytes
        most = max(most, held)
    assert 4_000_000 < most <= 8_000_000
    assert steps_of(comfy.server.send("executing", {"node": None, "prompt_id": "a"}, SUBMITTER)) == 0
    observer.reads.set()
    await observer.until(lambda ws: ws.ended("a"))
    assert "execution_error" in observer.types
    numbers = [text["data"]["number"] for text in observer.texts if text["type"] == "executed"]
    assert numbers and numbers == list(range(100 - len(numbers), 100))
    assert box._bytes == 0


async def test_where_the_ends_alone_are_too_many_bytes_it_is_disconnected(make):
    comfy = make()
    observer = await stalled(comfy, "comfyglow-1")
    await comfy.published()
    comfy.server.client_id = SUBMITTER
    for number in range(8):
        assert not observer.connection.is_shut_down
        await comfy.server.send(*large(number, "execution_error"))
    assert observer.connection.is_shut_down
    await comfy.published()
    assert not comfy.mirror.outboxes


async def test_who_reads_gets_a_single_message_of_any_size(make):
    comfy = make()
    observer = await comfy.connect("comfyglow-1")
    comfy.server.client_id = SUBMITTER
    output = "x" * 9_000_000
    await comfy.server.send("execution_error", {"prompt_id": "a", "text": output}, SUBMITTER)
    await observer.until(lambda ws: "execution_error" in ws.types)
    assert observer.texts[-1]["data"]["text"] == output


async def test_an_observer_that_takes_nothing_is_disconnected_in_time(make, monkeypatch, caplog):
    comfy = make()
    assert sys.modules["custom_nodes_comfyglow.outbox"].PATIENCE == 60
    monkeypatch.setattr(sys.modules["custom_nodes_comfyglow.outbox"], "PATIENCE", 0.01)
    other, observer = await comfy.connect("comfyglow-2"), await stalled(comfy, "comfyglow-1")
    await observer.connection.shut_down.wait()
    await comfy.run("a", SUBMITTER)
    await other.until(lambda ws: ws.ended("a"))
    assert list(comfy.mirror.outboxes) == ["comfyglow-2"]
    assert not other.connection.is_shut_down
    assert ["disconnected" in record.getMessage() for record in caplog.records] == [True]


async def test_what_a_submitter_did_not_take_as_an_observer_is_waited_for_in_time_only(make, monkeypatch):
    # Nothing is held up for ever by letting it go.
    comfy = make()
    monkeypatch.setattr(sys.modules["custom_nodes_comfyglow.outbox"], "PATIENCE", 0.01)
    ws = await stalled(comfy, "comfyglow-1")
    comfy.server.client_id = "comfyglow-1"
    release = asyncio.create_task(comfy.server.send("execution_start", {"prompt_id": "a"}, "comfyglow-1"))
    await ws.connection.shut_down.wait()
    ws.reads.set()
    await release


async def test_an_event_is_told_as_it_was_when_it_was_sent(make):
    comfy = make()
    observer, submitter = await stalled(comfy, "comfyglow-1"), await comfy.connect(SUBMITTER)
    comfy.server.client_id = SUBMITTER
    await comfy.published()
    submitter.reads.clear()
    submitter.began.clear()
    named, broadcast = {"number": 1, "text": "\u00e9"}, {"number": 1}
    comfy.server.send_sync("custom", broadcast)
    comfy.server.send_sync("custom", named, SUBMITTER)
    # The submitter does not read either: each event has been sent, but not yet taken.
    await submitter.began.wait()
    broadcast["number"] = 2
    submitter.reads.set()
    submitter.began.clear()
    submitter.reads.clear()
    await submitter.began.wait()
    named["number"] = 2
    for ws in (submitter, observer):
        ws.reads.set()
        await ws.until(lambda ws: ws.types.count("custom") == 2)
    assert submitter.sent[-2:] == observer.sent[-2:]
    assert [text["data"]["number"] for text in observer.texts[-2:]] == [1, 1]


async def test_an_event_is_spelled_once_for_all_observers(make):
    comfy = make()
    for number in range(3):
        await stalled(comfy, f"comfyglow-{number}")
    await comfy.published()
    comfy.server.client_id = SUBMITTER
    await comfy.server.send("custom", {}, SUBMITTER)
    assert len({id(box._waiting[-1].frame) for box in comfy.mirror.outboxes.values()}) == 1


async def test_a_submitter_is_known_while_it_is_noted_again(make):
    comfy = make()
    for sid in (SUBMITTER, "another"):
        comfy.server.client_id = sid
    known = []

    def look(_frame, _event, _argument):
        known.append(SUBMITTER in comfy.mirror._submitters)
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        comfy.server.client_id = SUBMITTER
        comfy.server.client_id = SUBMITTER
    finally:
        sys.settrace(before)
    assert len(known) > 4
    assert all(known)


async def test_an_observer_leaves_midway(make, caplog):
    comfy = make()
    submitter, observer = await comfy.connect(SUBMITTER), await stalled(comfy, "comfyglow-1")
    await comfy.run("a", SUBMITTER)
    observer.closed = True
    observer.reads.set()
    comfy.server.disconnect("comfyglow-1")
    await comfy.run("b", SUBMITTER)
    assert not comfy.mirror.outboxes
    assert submitter.ended("b")
    assert not caplog.records


async def test_an_entry_that_the_server_left_behind_is_removed(make):
    # A server that removes a socket only where it is its own does not find it behind the outbox.
    comfy = make()
    observer = await comfy.connect("comfyglow-1")
    observer.closed = True
    await comfy.server.send("status", {"status": {}})
    assert not comfy.mirror.outboxes
    assert "comfyglow-1" not in comfy.server.sockets


async def test_a_second_connection_of_the_same_id_takes_over(make):
    comfy = make()
    first, second = await comfy.connect("comfyglow-1"), await comfy.connect("comfyglow-1")
    await comfy.run("a", SUBMITTER)
    await second.until(lambda ws: ws.ended("a"))
    assert first.types == ["status"]
    assert len(comfy.mirror.outboxes) == 1


async def test_no_task_is_left(make):
    comfy = make()
    tasks = len(asyncio.all_tasks())
    for number in range(20):
        await comfy.connect(f"comfyglow-{number}")
        comfy.server.disconnect(f"comfyglow-{number}")
    await comfy.server.send("status", {"status": {}})
    assert not comfy.mirror.outboxes
    await comfy.published()
    assert len(asyncio.all_tasks()) == tasks


class Broken(Socket):
    async def send_str(self, message, compress=None):
        if '"execution_start"' in message:
            raise RuntimeError("this prompt is secret")
        await super().send_str(message)


async def test_a_fault_in_delivery_costs_one_message_and_one_line(make, caplog):
    comfy = make()
    observer = Broken()
    await comfy.server.connect("comfyglow-1", observer)
    for prompt_id in "ab":
        await comfy.run(prompt_id, SUBMITTER)
    await observer.until(lambda ws: ws.ended("b"))
    assert "execution_start" not in observer.types
    assert [record.getMessage() for record in caplog.records] == [
        "[comfyglow] a message could not be sent to an observer (RuntimeError)"
    ]


async def test_our_own_faults_reach_nobody(make, caplog):
    comfy = make()
    submitter = await comfy.connect(SUBMITTER)
    await comfy.connect("comfyglow-1")
    comfy.mirror.outboxes["comfyglow-1"]._waiting = None
    for prompt_id in "ab":
        await comfy.run(prompt_id, SUBMITTER)
    assert submitter.ended("b")
    comfy.mirror.outboxes["comfyglow-1"] = None
    await comfy.run("c", SUBMITTER)
    assert submitter.ended("c")
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "[comfyglow] a message could not be kept for an observer (AttributeError)",
        "[comfyglow] an observer could not be let go (AttributeError)",
        "[comfyglow] an event could not be mirrored (AttributeError)",
    ]


async def test_nothing_is_lost_while_a_submitter_gets_its_socket_back(make):
    comfy = make()
    ws = await stalled(comfy, "comfyglow-1")
    await comfy.published()
    comfy.server.client_id = "comfyglow-1"
    comfy.server.send_sync("execution_start", {"prompt_id": "a"}, "comfyglow-1")
    # The publish loop waits for the socket now, as it would without us; the handler answers meanwhile.
    answer = asyncio.create_task(comfy.server.send("feature_flags", {}, "comfyglow-1"))
    ws.reads.set()
    await answer
    await comfy.published()
    assert sorted(ws.types) == ["execution_start", "feature_flags", "status", "status"]
    assert comfy.server.sockets["comfyglow-1"] is ws


async def test_odd_events_and_ids(make, caplog):
    comfy = make()
    submitter, observer = await comfy.connect(SUBMITTER), await comfy.connect("comfyglow-1")
    comfy.server.client_id = 5
    comfy.server.client_id = ["no", "id"]
    comfy.server.client_id = SUBMITTER
    odd = [("progress", None), ("executing", {}), ("", [1]), ("status", None), ("execution_error", "text")]
    for event, data in odd:
        comfy.server.send_sync(event, data, SUBMITTER)
        comfy.server.send_sync(event, data)
    comfy.server.send_sync("executing", {"node": None, "prompt_id": "a"}, SUBMITTER)
    await comfy.published()
    await observer.until(lambda ws: ws.ended("a"))
    assert len(submitter.texts) == 2 + 2 * len(odd)
    # All of the broadcasts, of the others not what looks like a greeting.
    assert observer.types == ["status", "progress", "progress", "executing", "", "", "status"] + 2 * [
        "execution_error"
    ] + ["executing"]
    assert not caplog.records
