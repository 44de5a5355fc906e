"""The socket: who gets none, and which frames are refused or end it."""

from __future__ import annotations

import json

import pytest
from channels.db import database_sync_to_async

from messaging.sockets import connection
from messaging.webchat import rules as webchat
from tests.factories import ChannelFactory, TenantFactory
from tests.messaging.webchat.clients import Socket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", ""], ids=["foreign", "null", "none"])
async def test_a_foreign_page_gets_no_socket(channel, origin):
    assert (await Socket(channel, origin).connect())[0] is False


async def test_an_app_gets_a_socket_without_an_origin_where_the_channel_lets_it(tenant):
    channel = await database_sync_to_async(ChannelFactory)(tenant=tenant, config={"without_origin": True})
    socket = Socket(channel, "")
    assert await socket.connect() == (True, "desk-chat.v1")
    await socket.disconnect()
    assert (await Socket(channel, "https://evil.example.com").connect())[0] is False


async def test_another_sub_protocol_gets_no_socket(channel):
    assert (await Socket(channel, subprotocols=["graphql-ws"]).connect())[0] is False


async def test_a_channel_that_is_switched_off_gets_no_socket(channel):
    channel.enabled = False
    await channel.asave()
    assert (await Socket(channel).connect())[0] is False


async def test_a_wrong_token_is_refused(sockets_of):
    socket = await sockets_of()
    assert (await socket.ask("error", t="hello", token="wrong"))["code"] == "invalid_token"
    assert await socket.closed_with() == 4401


async def test_the_token_of_another_tenants_channel_is_refused(sockets_of, visitor, said):
    await said("secret")
    other = await database_sync_to_async(ChannelFactory)(tenant=await database_sync_to_async(TenantFactory)())
    socket = await sockets_of()
    await socket.send_json_to({"t": "hello", "token": webchat.token_issue(other, visitor)})
    assert await socket.closed_with() == 4401


async def test_another_visitor_sees_nothing(sockets_of, channel, said):
    conversation = await said("secret")
    socket = await sockets_of()
    token = webchat.token_issue(channel, webchat.Visitor("visitor-2"))
    await socket.send_json_to({"t": "hello", "token": token, "conversation": str(conversation.id), "after": 0})
    (frame,) = await socket.until("ready")
    assert (frame["conversation"], frame["reset"], frame["last_seq"]) == (None, True, 0)


async def test_no_hello(sockets_of, monkeypatch):
    monkeypatch.setattr(connection, "HELLO_WAIT_S", 0.01)
    assert await (await sockets_of()).closed_with() == 4408


async def test_hello_comes_first(sockets_of):
    socket = await sockets_of()
    await socket.send_json_to({"t": "ping"})
    assert await socket.closed_with() == 4400


@pytest.mark.parametrize(
    ("frame", "named"),
    [({"cid": "a b"}, "cid"), ({"kind": "file", "files": ["1", "2"]}, "files"), ({"kind": "file"}, "a file frame, and no other, needs its file")],
    ids=["one member", "two files", "the whole"],
)  # fmt: skip
async def test_a_refusal_names_what_is_wrong(ready, frame, named):
    socket, _ = await ready()
    error = await socket.ask("error", t="send", **{"cid": "c1", "text": "mine", **frame})
    assert (error["code"], error["message"]) == ("validation_error", f"The frame is not valid: {named}.")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        *((bad, "malformed_json") for bad in ("{", "[]", "7", '{"a":NaN}')),
        *(('{"t": "ping", "x": ' + "[" * deep + "]" * deep + "}", "too_deep") for deep in (101, 500, 10_000)),
    ],
    ids=["cut", "list", "number", "NaN", "deep", "deeper", "bottomless"],
)
async def test_the_third_malformed_frame_ends_it(ready, bad, code):
    socket, _ = await ready()
    for fatal in (False, False, True):
        await socket.send_to(text_data=bad)
        error = (await socket.until("error"))[-1]
        assert (error["code"], error["fatal"]) == (code, fatal)
    assert await socket.closed_with() == 4400


async def test_binary_frames_are_not_spoken(ready):
    socket, _ = await ready()
    await socket.send_to(bytes_data=b"\x00")
    assert await socket.closed_with() == 1003


async def test_a_frame_may_have_32_kib(ready):
    socket, _ = await ready()
    frame = json.dumps({"t": "ping", "n": 1, "x": ""})
    room = 32 * 1024 - len(frame)
    await socket.send_to(text_data=json.dumps({"t": "ping", "n": 1, "x": "a" * room}))
    await socket.until("pong")
    await socket.send_to(text_data=json.dumps({"t": "ping", "n": 1, "x": "a" * (room + 1)}))
    assert await socket.closed_with() == 1009


async def test_a_flood_is_told_to_wait_and_then_ended(ready):
    socket, _ = await ready()
    for _ in range(70):
        await socket.send_json_to({"t": "ping", "n": 1})
    assert (await socket.until("error"))[-1]["code"] == "rate_limited"
    assert await socket.closed_with() == 4429


@pytest.mark.parametrize("kind", [{}, [], None, 7, True, "", "unknown", ["send"], {"t": "send"}])
async def test_a_type_that_is_none_is_told(ready, kind):
    socket, _ = await ready()
    await socket.send_json_to({"t": kind, "cid": "c1"})
    error = (await socket.until("error"))[-1]
    assert (error["code"], error["fatal"], error["cid"]) == ("unknown_type", False, "c1")
    assert (await socket.ask("pong", t="ping", n=1))["n"] == 1


async def test_sockets_of_one_address_that_never_say_hello_are_bounded(channel, monkeypatch):
    monkeypatch.setattr(connection, "MOST_UNNAMED", 2)
    monkeypatch.setattr(connection, "socket_ip", lambda scope: dict(scope["headers"])[b"address"].decode())

    async def opened(address):
        socket = Socket(channel)
        socket.scope["headers"].append((b"address", address.encode()))
        return socket, (await socket.connect())[0]

    first, second, third = [await opened("203.0.113.7") for _ in range(3)]
    other = await opened("203.0.113.8")
    assert [admitted for _, admitted in (first, second, third, other)] == [True, True, False, True]
    await first[0].disconnect()
    again = await opened("203.0.113.7")
    assert again[1] is True
    for socket, _ in (second, other, again):
        await socket.disconnect()


async def test_sockets_that_have_said_hello_do_not_count(ready, sockets_of, monkeypatch):
    monkeypatch.setattr(connection, "MOST_UNNAMED", 1)
    monkeypatch.setattr(connection, "socket_ip", lambda scope: "203.0.113.7")
    await ready()
    await ready()
    await sockets_of()
