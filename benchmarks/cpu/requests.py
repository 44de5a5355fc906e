"""HTTP requests made by calling the WSGI application in this thread.

Owns the environment of a request. Must not know what it is answered with, beyond that the status is 200.
"""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.load import as_json
from benchmarks.rest import body

PAGE = 50


def post(application: Any, path: str, said: bytes, headers: Mapping[str, str]) -> bytes:
    """The body of the answer; AssertionError when it is not 200."""
    return _asked(application, "POST", path, said, headers)


def get(application: Any, path: str, headers: Mapping[str, str]) -> bytes:
    """As `post`. ``path`` may have a query."""
    return _asked(application, "GET", path, b"", headers)


def _asked(application: Any, method: str, path: str, said: bytes, headers: Mapping[str, str]) -> bytes:
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": "application/json",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.errors": io.StringIO(), "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "HTTP_HOST": "localhost",
        "wsgi.input": io.BytesIO(said), "CONTENT_LENGTH": str(len(said)),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }  # fmt: skip
    told: list[str] = []
    answer = application(environ, lambda status, *_: told.append(status))
    whole = b"".join(answer)
    answer.close()
    assert told == ["200 OK"], (told, whole[:300])
    return whole


class Requests:
    """Lines of so many REST messages a slice; no message has the number of another."""

    def __init__(self, application: Any, count: int):
        self._application, self._count, self._numbers = application, count, itertools.count()

    def line(self, name: str, path: str, key: str = "") -> Callable[[], dict[str, float]]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}

        def spent() -> dict[str, float]:
            bodies = [body(number) for number in itertools.islice(self._numbers, self._count)]
            began = time.thread_time()
            for said in bodies:
                post(self._application, path, said, headers)
            return {name: (time.thread_time() - began) / self._count * 1e6}

        return spent

    def page_line(self, name: str, path: str, key: str) -> Callable[[], dict[str, float]]:
        """Of reading the last ``PAGE`` entries of a conversation, which are written at ``path`` before."""
        headers = {"Authorization": f"Bearer {key}"}
        said = as_json(
            {"user_id": "reader", "channel": "web", "content": {"type": "text", "text": "Where is my order?"}}
        )
        answers = [json.loads(post(self._application, path, said, headers)) for _ in range(PAGE // 2)]
        conversation = answers[-1]["data"]["conversation_id"]
        page = f"/api/v2/chat/conversations/{conversation}/messages?limit={PAGE}&before={PAGE + 1}"

        def spent() -> dict[str, float]:
            began = time.thread_time()
            for _ in range(self._count):
                found = get(self._application, page, headers)
            took = (time.thread_time() - began) / self._count * 1e6
            assert len(json.loads(found)["data"]["items"]) == PAGE
            return {name: took}

        return spent
