"""A web chat client that is no browser: what you type is sent, what is said is printed.

    pip install websockets
    python client.py https://chat.example.com web_key state.json [https://shop.example.com]

The last argument is one of the channel's allowed origins; a channel with `without_origin` needs none. The file keeps
who you are, how far you have read and what is not sent yet: the same command goes on where the last one ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from websockets import ClientConnection, ConnectionClosed, InvalidHandshake, connect

BEGIN_ANEW, STOP, TOO_FAST = (4401, 4404), (4400, 4403), 4429
NOTHING = {"token": "", "fresh": False, "socket": "", "conversation": None, "seq": 0, "unsent": []}


class Unwanted(Exception):
    """The service says no, and will again."""


class Client:
    def __init__(self, host: str, key: str, file: Path, origin: str | None):
        self.host, self.key, self.file, self.origin = host, key, file, origin
        self.state: dict[str, Any] = json.loads(file.read_text()) if file.exists() else dict(NOTHING)
        self.socket: ClientConnection | None = None
        self.ready = self.syncing = False
        self.under_way = ""  # cid of the message whose ack is awaited
        self.failures, self.pause_s = 0, 0.0  # since the last `ready`; what the service asked for

    def keep(self, **state: Any) -> None:
        self.state.update(state)
        written = self.file.with_suffix(".new")
        written.write_text(json.dumps(self.state))
        written.replace(self.file)

    # -- coming and going

    async def run(self) -> None:
        while True:
            code = 0
            with contextlib.suppress(OSError, InvalidHandshake):  # not there, or not now
                if not self.state["fresh"]:
                    await asyncio.to_thread(self.begin)
                code = await self.talk()
            if code in STOP:
                raise Unwanted(code)
            if code in BEGIN_ANEW:
                self.keep(fresh=False)
            growing = min(30, 2**self.failures) * random.random()
            await asyncio.sleep(60 if code == TOO_FAST else self.pause_s or growing)
            self.failures, self.pause_s = self.failures + 1, 0.0

    def begin(self) -> None:
        """A session: who we are, and where the socket is. Raises OSError: try again."""
        body = json.dumps({"visitor_token": self.state["token"] or None}).encode()
        headers = {"Content-Type": "application/json"} | ({"Origin": self.origin} if self.origin else {})
        asked = urllib.request.Request(f"{self.host}/api/v2/webchat/{self.key}/session", body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 401:
                self.keep(token="")  # too old: from now on we are another visitor
            elif error.code != 429 and error.code < 500:
                raise Unwanted(json.load(error)["error"]["code"]) from None
            self.pause_s = float(error.headers.get("Retry-After") or 0)
            raise
        self.keep(token=data["visitor_token"], fresh=True, socket=data["socket_url"])

    async def talk(self) -> int:
        """One connection, until it ends. Returns the close code."""
        address = self.host.replace("http", "ws", 1) + self.state["socket"]
        beat = {"ping_interval": 25, "ping_timeout": 10}  # the library pings, and notices a line that is dead
        async with connect(address, subprotocols=["desk-chat.v1"], origin=self.origin, **beat) as self.socket:
            hello = {name: self.state[name] for name in ("token", "conversation")}
            self.ready, self.under_way = False, ""
            with contextlib.suppress(ConnectionClosed):
                await self.put(t="hello", after=self.state["seq"], **hello)
                async for line in self.socket:
                    await self.told(json.loads(line))
            self.ready = False
            return self.socket.close_code or 1006

    async def put(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    # -- what the service says

    async def told(self, frame: dict[str, Any]) -> None:
        kind = frame["t"]
        if kind == "ready":
            self.ready, self.syncing, self.failures = True, False, 0
            if frame.get("reset") or frame["conversation"] != self.state["conversation"]:
                self.keep(conversation=frame["conversation"], seq=0)
            if self.state["seq"] < frame["last_seq"]:
                await self.sync()
            await self.send_next()
        elif kind == "ack":
            if not frame["duplicate"] and frame["conversation"] != self.state["conversation"]:
                self.keep(conversation=frame["conversation"], seq=0)  # this message began it
            await self.settle(frame["cid"])
        elif kind == "error" and frame.get("retry_after_s"):  # too fast, or too busy: the same once more
            await asyncio.sleep(frame["retry_after_s"])
            self.under_way = ""
            await self.send_next()
        elif kind == "error" and frame.get("cid"):
            await self.settle(frame["cid"])
            print(f"not sent: {frame['code']}", flush=True)
        elif kind == "bye":
            self.pause_s = frame["after_s"] + random.random()
        elif kind == "typing" and frame["on"]:
            print(f"{frame['from']['role']} is typing", flush=True)
        elif kind in ("msg", "edit", "del", "state"):  # an entry of the transcript
            if frame["conversation"] != self.state["conversation"]:
                return  # `ready` names another conversation before its entries come
            if frame["seq"] == self.state["seq"] + 1:
                words = frame.get("state") or frame.get("text") or "(no text)"
                print(f"{frame.get('from', {}).get('role', kind)}: {words}", flush=True)
                self.keep(seq=frame["seq"])
            elif frame["seq"] > self.state["seq"]:
                await self.sync()  # one is missing: this one comes again behind it

    async def sync(self) -> None:
        if self.ready and not self.syncing:
            self.syncing = True  # until `ready` comes again
            await self.put(t="sync", after=self.state["seq"])

    # -- what we say: one message at a time is under way, so that they stay in order

    async def say(self, text: str) -> None:
        self.keep(unsent=[*self.state["unsent"], {"cid": uuid.uuid4().hex, "text": text}])
        with contextlib.suppress(ConnectionClosed):  # then it goes with the next one
            await self.send_next()

    async def send_next(self) -> None:
        if self.ready and self.state["unsent"] and not self.under_way:
            message = self.state["unsent"][0]
            self.under_way = message["cid"]
            await self.put(t="send", **message)

    async def settle(self, cid: str) -> None:
        self.keep(unsent=[message for message in self.state["unsent"] if message["cid"] != cid])
        self.under_way = ""
        await self.send_next()


async def main(host: str, key: str, file: str, origin: str | None = None) -> None:
    client = Client(host, key, Path(file), origin)
    await asyncio.gather(client.run(), typed(client))  # answers come on when nothing is typed any more


async def typed(client: Client) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        await client.say(line.decode().strip())


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
    except Unwanted as refusal:
        sys.exit(f"The service does not want us: {refusal}")
