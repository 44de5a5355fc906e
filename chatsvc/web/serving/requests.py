"""Django's handlers, made to read every request as UTF-8 whatever its ``Content-Type`` claims.

Owns the reading of headers, and of that one, which Django does before any middleware: a charset that Python knows but no
text has (``base64``), or parameters it cannot read, would end the request with an error of the server, and long
ones cost the square of their length. Must not judge media types: views do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import django
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.http.request import HttpHeaders
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters

LONGEST = 500  # characters of a Content-Type; boundaries have 70 at most (RFC 2046, 5.1.1)

# Most requests have the same few; what callers make up goes again.
_key_of = lru_cache(200)(HttpHeaders.to_wsgi_name)
_name_of = lru_cache(200)(HttpHeaders.parse_header_name)


def content_type_of(header: str) -> tuple[str, dict[str, str]]:
    """Media type and parameters; no parameters where they cannot be read or the header is too long."""
    try:
        if len(header) <= LONGEST:
            return parse_header_parameters(header)
    except (ValueError, LookupError, TypeError):
        pass
    return header[:LONGEST].partition(";")[0].strip().lower(), {}


class Headers(Mapping[str, str]):
    """What Django's ``request.headers`` has, looked up where the server has put it: a request is asked for a few of them,
    and Django writes all names anew first."""

    def __init__(self, meta: Mapping[str, Any]):
        self._meta = meta

    def __getitem__(self, name: str) -> str:
        value: str = self._meta[_key_of(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        return self._meta.get(_key_of(name), default)

    def __iter__(self) -> Iterator[str]:
        return (name for key in self._meta if (name := _name_of(key)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Utf8(HttpRequest):
    @cached_property
    def headers(self) -> Headers:  # type: ignore[override]
        return Headers(self.META)

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        self.content_type, self.content_params = content_type_of(meta.get("CONTENT_TYPE", ""))
        if not self.content_params:  # what could not be read is not read again by the parser of multipart bodies
            self.META["CONTENT_TYPE"] = self.content_type


class WsgiRequest(_Utf8, WSGIRequest):
    pass


class AsgiRequest(_Utf8, ASGIRequest):
    pass


class Wsgi(WSGIHandler):
    request_class = WsgiRequest


class Asgi(ASGIHandler):
    request_class = AsgiRequest


def wsgi() -> Wsgi:
    """The WSGI application of all views."""
    django.setup(set_prefix=False)
    return Wsgi()


def asgi() -> Asgi:
    """The ASGI application of all views."""
    django.setup(set_prefix=False)
    return Asgi()
