"""The doorbell while its layer is away, and the many who come at once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from messaging.live import hub as hub_module
from messaging.live.hub import Hub


class Layer:
    """A channel layer of one process that can be away."""

    def __init__(self) -> None:
        self.away = False
        self.subscribed: dict[str, str] = {}
        self.queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    def _reach(self) -> None:
        if self.away:
            raise ConnectionError

    async def group_add(self, group: str, channel: str) -> None:
        self._reach()
        if channel not in self.queues:
            raise RuntimeError("no receiver there")
        await asyncio.sleep(0)
        self.subscribed[group] = channel

    async def group_discard(self, group: str, channel: str) -> None:
        self._reach()
        del self.subscribed[group]

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self._reach()
        if group in self.subscribed:
            self.queues[self.subscribed[group]].put_nowait(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self.queues.setdefault(channel, asyncio.Queue()).get()


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Layer:
    made = Layer()
    monkeypatch.setattr(hub_module, "get_channel_layer", lambda: made)
    monkeypatch.setattr(hub_module, "BEAT_S", 0.01)
    monkeypatch.setattr(hub_module, "SPREAD_S", 0.01)
    settings.REDIS_URL = "redis://nowhere"
    return made


@pytest.fixture
async def hub(layer: Layer) -> Any:
    made = Hub()
    yield made
    for task in made._tasks:
        task.cancel()


async def until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def test_many_who_come_at_once_all_hear(hub: Hub) -> None:
    heard: list[str] = []
    groups = [f"g{number}" for number in range(20)]
    listeners = {group: (lambda text, frame: heard.append(frame["g"])) for group in groups}
    await asyncio.gather(*(hub.join(group, listeners[group]) for group in groups))
    for _ in range(2):
        for group in groups:
            hub.push(group, {"g": group})
    await until(lambda: sorted(heard) == sorted(groups * 2))


async def test_who_comes_while_the_layer_is_away_hears_once_it_is_back(hub: Hub, layer: Layer) -> None:
    heard: list[str] = []
    layer.away = True
    await hub.join("late", lambda text, frame: heard.append(frame["t"]))
    hub.push("late", {"t": "lost"})
    await until(lambda: not hub._pending)
    layer.away = False
    await until(lambda: "late" in layer.subscribed)
    hub.push("late", {"t": "heard"})
    await until(lambda: heard == ["heard"])


async def test_who_leaves_while_the_layer_is_away_is_not_kept(hub: Hub, layer: Layer) -> None:
    await hub.join("g", print)
    layer.away = True
    await hub.leave("g", print)
    assert dict(hub.groups) == {}


async def test_a_listener_that_may_have_missed_a_push_is_told_when_the_layer_is_back(hub: Hub, layer: Layer) -> None:
    gaps: list[int] = []
    await hub.join("g", lambda text, frame: None)
    hub.gaps.add(lambda: gaps.append(1))
    await until(lambda: hub._heard >= 2)
    assert gaps == []
    layer.away = True
    sent = hub._beats
    await until(lambda: hub._beats > sent + 2)
    layer.away = False
    await until(lambda: gaps)


async def test_what_is_repeated_reaches_who_comes_later_and_ends_for_all(hub: Hub) -> None:
    heard: list[str] = []
    await hub.join("other", lambda text, frame: None)
    beat = hub.repeat("late", {"t": "dots"}, after_s=0, every_s=0.01)
    await hub.join("late", lambda text, frame: heard.append(frame["t"]))
    await until(lambda: len(heard) > 1)
    assert beat.stop() is True
    await asyncio.sleep(0)
    pushed = len(heard)
    hub.push("late", {"t": "end"})
    await until(lambda: heard[-1] == "end")
    assert len(heard) <= pushed + 2  # one that was on its way, and the end


async def test_what_is_stopped_in_time_is_never_pushed(hub: Hub) -> None:
    heard: list[str] = []
    await hub.join("group", lambda text, frame: heard.append(frame["t"]))
    beat = hub.repeat("group", {"t": "dots"}, after_s=0, every_s=1)
    assert beat.stop() is False
    hub.push("group", {"t": "end"})
    await until(lambda: heard == ["end"])


def test_threads_that_push_at_once_are_each_counted_and_uncounted() -> None:
    class Slow(Hub):
        """Lets the other threads run between reading the count and writing it."""

        @property
        def _pending(self) -> int:
            read = self.read
            threading.Event().wait(0.0005)
            return read

        @_pending.setter
        def _pending(self, count: int) -> None:
            self.read = count

    hub = Slow()

    def push() -> None:
        for _ in range(10):
            assert hub._begin()
            hub._end()

    threads = [threading.Thread(target=push) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert hub.read == 0


async def test_without_other_processes_a_push_is_encoded_once_and_needs_no_layer(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = ""
    monkeypatch.setattr(hub_module, "get_channel_layer", None)  # a call would fail
    hub, heard, frame = Hub(), [], {"t": "msg", "text": "Grüße"}
    listeners = [lambda text, frame: heard.append((text, frame)) for _ in range(3)]
    for listener in listeners:
        await hub.join("g", listener)
    thread = threading.Thread(target=lambda: [hub.push("g", frame), hub.push("g", {"t": "read"})])
    thread.start()
    thread.join()
    await until(lambda: len(heard) == 6)
    assert heard[0] == ('{"t":"msg","text":"Grüße"}', frame)
    assert len({id(text) for text, _ in heard[:3]}) == 1
    assert [said["t"] for _, said in heard] == ["msg"] * 3 + ["read"] * 3
    for listener in listeners:
        await hub.leave("g", listener)
    hub.push("g", frame)
    assert (hub.groups, hub._pending) == ({}, 0)


async def test_pushes_of_a_batch_wake_the_loop_once_and_come_in_their_order(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = ""
    hub, heard, woken = Hub(), [], []
    loop = asyncio.get_running_loop()
    call = loop.call_soon_threadsafe
    await hub.join("g", lambda text, frame: heard.append(frame["n"]))

    def batch(numbers: range) -> None:
        for number in numbers:
            hub.push("g", {"n": number})

    with monkeypatch.context() as patched:
        patched.setattr(loop, "call_soon_threadsafe", lambda *given: (woken.append(given[0]), call(*given)))
        batch(range(20))
        assert woken == [hub._take_pushed]
    await until(lambda: heard == list(range(20)))
    threads = [threading.Thread(target=batch, args=(range(200),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    await until(lambda: len(heard) == 820)
    assert not hub._pending


async def test_a_listener_that_fails_keeps_no_push_from_the_next(settings: Any) -> None:
    settings.REDIS_URL = ""
    hub, heard, told = Hub(), [], []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    await hub.join("bad", lambda text, frame: frame["missing"])
    await hub.join("good", lambda text, frame: heard.append(frame["n"]))
    for group in ("bad", "good"):
        hub.push(group, {"n": 1})
    await until(lambda: heard == [1])
    assert [type(one) for one in told] == [KeyError]
