"""A socket of a test ends with its fixture, also after a fault: what stays of it would fail the tests behind it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from tests.messaging.webchat.clients import Socket, all_end


async def silent(scope, receive, send):
    await asyncio.Event().wait()


async def broken(scope, receive, send):
    raise ZeroDivisionError


async def polite(scope, receive, send):
    while (await receive())["type"] != "websocket.disconnect":
        pass


def socket_of(application):
    socket = Socket(SimpleNamespace(key="ch_1"))
    socket.application = application
    return socket


async def timed_out(application):
    socket = socket_of(application)
    with pytest.raises(TimeoutError):
        await socket.receive_output(timeout=0)
    return socket


async def test_one_that_timed_out_ends_without_raising():
    await (await timed_out(silent)).disconnect()


async def test_all_end_before_what_one_raised_is_raised():
    sockets = [socket_of(broken), await timed_out(silent), socket_of(polite)]
    assert not any(socket.future.done() for socket in sockets[::2])
    with pytest.raises(ZeroDivisionError):
        await all_end(sockets)
    assert all(socket.future.done() for socket in sockets)
