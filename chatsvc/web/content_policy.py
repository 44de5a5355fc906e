"""What pages of the console may load, run and send (Content-Security-Policy). https://www.w3.org/TR/CSP3/

Owns the policy; docs/decisions/0046-what-console-pages-may-run.md says why. Must not be weakened by a page: those that do
without the theme's Alpine ask for less.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

EVAL = "'unsafe-eval'"  # Alpine evaluates the attributes of the theme's pages


def content_policy(public_url: str, env: Mapping[str, Any]) -> dict[str, Any]:
    """For CONTENT_SECURITY_POLICY. Files come from us and from the bucket; what people's messages name elsewhere is a
    link, and no browser of staff fetches it."""
    files = [SELF, "blob:", _origin(public_url), *_bucket(env)]
    return {
        "DIRECTIVES": {
            "default-src": [SELF],
            "script-src": [SELF, EVAL],
            "style-src": [SELF, "'unsafe-inline'"],  # the theme's colours
            "img-src": [*files, "data:"],
            "media-src": files,
            "font-src": [SELF, "data:"],
            "object-src": [NONE],
            "base-uri": [NONE],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
        }
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _bucket(env: Mapping[str, Any]) -> list[str]:
    """Where links to files lead."""
    if not env["MEDIA_S3_BUCKET"]:
        return []
    if env["MEDIA_S3_ENDPOINT"]:
        return [_origin(env["MEDIA_S3_ENDPOINT"])]
    hosts = {"s3", f"s3.{env['MEDIA_S3_REGION']}".rstrip(".")}
    return sorted(f"https://{env['MEDIA_S3_BUCKET']}.{host}.amazonaws.com" for host in hosts)


class ContentPolicy(CSPMiddleware):
    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        of_the_console = request.path.startswith("/admin/")
        return super().__call__(request) if of_the_console else self.get_response(request)  # type: ignore[return-value]
