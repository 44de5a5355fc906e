"""What a request calls itself is read before anything else of ours runs: no form of it may end in an error."""

from __future__ import annotations

import asyncio
import time

import pytest
from django.test import RequestFactory

from chatsvc.web.serving.requests import LONGEST, asgi, content_type_of, wsgi
from tests.conftest import Api

#: codecs that Python knows and no text has, codecs that make other letters of it, parameters that cannot be read
ODD = [
    "text/plain; charset=base64",
    "text/plain; charset=undefined",
    "text/plain; charset=unicode_escape",
    "text/plain; charset=utf-16",
    "text/plain; charset*=no-such-codec''utf-8",
    "text/plain; x*=no-such-codec''%41",
    "text/plain; x*=base64''%41",
    "text/plain; x*0*=utf-8''%41; x*1=\"",
    "application/json; charset=rot13",
    "multipart/form-data; boundary*=no-such-codec''x",
    'multipart/form-data; boundary=x; charset="hex"',
    ";",
    "é; charset=\udcff",
]
PATHS = ["/nothing?x=%ff", "/api/v2/nothing?x=%ff"]


def by_wsgi(method: str, path: str, content_type: str) -> int:
    environ = RequestFactory().generic(method, path).environ
    environ["CONTENT_TYPE"] = content_type.encode("utf-8", "surrogateescape").decode("latin-1")
    statuses: list[str] = []
    b"".join(wsgi()(environ, lambda status, headers, *rest: statuses.append(status)))
    return int(statuses[0][:3])


def by_asgi(method: str, path: str, content_type: str) -> int:
    name, _, query = path.partition("?")
    headers = [(b"content-type", content_type.encode("utf-8", "surrogateescape")), (b"host", b"testserver")]
    scope = {
        "type": "http", "method": method, "path": name, "raw_path": name.encode(), "query_string": query.encode(),
        "headers": headers, "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    sent: list[dict] = []
    comes = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict:
        return next(comes, None) or await asyncio.sleep(3600)

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(asgi()(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("serve", [by_wsgi, by_asgi])
def test_no_content_type_is_an_error_of_the_server(serve):
    tries = [(method, path, odd) for odd in ODD for path in PATHS for method in ("GET", "POST")]
    assert {one: answer for one in tries if (answer := serve(*one)) != 404} == {}


def test_a_query_is_utf_8_whatever_the_body_claims_to_be():
    environ = RequestFactory().get("/?x=%C3%A9").environ | {"CONTENT_TYPE": "text/plain; charset=latin-1"}
    assert wsgi().request_class(environ).GET["x"] == "é"


def test_a_boundary_is_read():
    assert content_type_of('Multipart/Form-Data; boundary="a b"') == ("multipart/form-data", {"boundary": "a b"})


@pytest.mark.parametrize("tail", ['; x="' + ";" * 400_000, "; a=b" * 80_000], ids=["quote", "many"])
def test_a_long_one_costs_nothing(tail):
    began = time.thread_time()
    assert content_type_of("text/plain" + tail) == ("text/plain", {})
    assert time.thread_time() - began < 0.1


def test_a_long_one_is_the_media_type_alone():
    environ = RequestFactory().get("/").environ | {"CONTENT_TYPE": "application/json" + "; a=b" * LONGEST}
    request = wsgi().request_class(environ)
    assert (request.content_type, request.META["CONTENT_TYPE"]) == ("application/json", "application/json")


def test_a_part_of_an_upload_that_cannot_be_read_is_a_client_s_error(api, tenant):
    part = b"content-disposition: form-data; name=file; filename*=no-such-codec''x\r\n\r\nabc"
    body = b"--x\r\n" + part + b"\r\n--x--\r\n"
    answer = api(tenant).generic("POST", "/api/v2/media", body, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, Api.error_of(answer)["code"]) == (400, "validation_error")
