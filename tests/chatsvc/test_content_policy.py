"""What the console's pages may load and run (TEN-4): scripts of ours alone, and nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from chatsvc.web.content_policy import content_policy
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
NO_BUCKET = {"MEDIA_S3_BUCKET": "", "MEDIA_S3_ENDPOINT": "", "MEDIA_S3_REGION": ""}


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(MembershipFactory(role__permissions=["*"]).user)
    return client


def policy_of(client: Client, path: str) -> dict[str, str]:
    parts = client.get(path).headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize(
    ("path", "scripts"),
    [("/admin/login/", "'self' 'unsafe-eval'"), ("/admin/", "'self' 'unsafe-eval'"), ("/admin/inbox/", "'self'"),
     ("/admin/conversations/conversation/", "'self' 'unsafe-eval'"), ("/admin/none/", "'self' 'unsafe-eval'")],
)  # fmt: skip
def test_a_page_runs_scripts_of_ours_alone(staff: Client, path: str, scripts: str) -> None:
    policy = policy_of(staff, path)
    assert policy["script-src"] == scripts
    assert (policy["default-src"], policy["object-src"], policy["frame-ancestors"]) == ("'self'", "'none'", "'none'")
    assert (policy["form-action"], policy["base-uri"], "connect-src" in policy) == ("'self'", "'none'", False)


#: what the policy would stop in browsers, or would have to be weakened for
INLINE = re.compile(
    r"<script(?![^>]*\b(?:src=|type=[\"']application/json))[^>]*>|<[^>]*\son[a-z]+=|javascript:"
    r"|\b(?:src|action|data)=[\"'](?:https?:)?//|<link[^>]*href=[\"'](?:https?:)?//|@import|url\((?:[\"']?)https?:",
    re.IGNORECASE,
)


def test_no_template_has_a_script_in_it_or_loads_from_elsewhere() -> None:
    pages = [
        *ROOT.glob("templates/**/*.html"),
        *ROOT.glob("static/console/**/*.css"),
        *ROOT.glob("static/admin/**/*.css"),
    ]
    assert len(pages) > 40
    assert {str(page.relative_to(ROOT)): found[0] for page in pages if (found := INLINE.search(page.read_text()))} == {}


@pytest.mark.parametrize(
    "text",
    ["<script>go()</script>", '<script nonce="x">', '<a onclick="go()">', '<img src="https://cdn.example/x.png">',
     '<script src="//cdn.example/x.js">', "<a href='javascript:go()'>", "background: url(https://cdn.example/x.png)"],
)  # fmt: skip
def test_such_a_template_would_be_found(text: str) -> None:
    assert INLINE.search(text)


@pytest.mark.parametrize("path", ["/health", "/info", "/api/v2/channels"])
def test_what_is_no_page_of_the_console_has_none(client: Client, path: str) -> None:
    assert "Content-Security-Policy" not in client.get(path).headers


@pytest.mark.parametrize(
    ("bucket", "hosts"),
    [
        ({}, []),
        ({"MEDIA_S3_BUCKET": "files"}, ["https://files.s3.amazonaws.com"]),
        (
            {"MEDIA_S3_BUCKET": "files", "MEDIA_S3_REGION": "eu-west-1"},
            ["https://files.s3.amazonaws.com", "https://files.s3.eu-west-1.amazonaws.com"],
        ),
        ({"MEDIA_S3_BUCKET": "files", "MEDIA_S3_ENDPOINT": "http://minio:9000/x"}, ["http://minio:9000"]),
    ],
    ids=["a folder", "Amazon's", "of a region", "another service"],
)
def test_files_come_from_us_and_from_the_bucket(bucket: dict[str, str], hosts: list[str]) -> None:
    policy = content_policy("https://chat.example.com/base", {**NO_BUCKET, **bucket})["DIRECTIVES"]
    assert policy["media-src"] == ["'self'", "blob:", "https://chat.example.com", *hosts]
    assert policy["img-src"] == [*policy["media-src"], "data:"]
