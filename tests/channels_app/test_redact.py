from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.http.redact import Redactor, redact


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"access_token": "x", "id": 5}, {"access_token": "***", "id": 5}, id="secret field"),
        pytest.param({"Body": "hello", "To": "+1"}, {"Body": "<5 characters>", "To": "+1"}, id="form"),
        pytest.param({"text": {"body": "hi"}}, {"text": {"body": "<2 characters>"}}, id="nested text"),
        pytest.param({"text": ["one", "two"]}, {"text": ["<3 characters>", "<3 characters>"]}, id="list of texts"),
        pytest.param({"client-secret": {"a": 1}}, {"client-secret": "***"}, id="secret object"),
        pytest.param({"a": b"12345"}, {"a": "<5 bytes>"}, id="bytes"),
        pytest.param({"pin": 12345678}, {"pin": "***"}, id="number that is a secret"),
        pytest.param({"tok-en1": 1}, {"***": 1}, id="key that is a secret"),
        pytest.param({"a": None, "b": True, "token": ""}, {"a": None, "b": True, "token": ""}, id="empty values"),
        pytest.param("Bearer tok-en1", "Bearer ***", id="string"),
        pytest.param("x" * 300, "x" * 200 + "… (300 characters)", id="long string"),
    ],
)
def test_redact(value, expected):
    assert redact(value, {"tok-en1", "12345678"}) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://h/p?token=a&x=1", "https://h/p?token=***&x=1", id="token"),
        pytest.param("https://h/p?text=hello+you", "https://h/p?text=%3C9+characters%3E", id="words"),
        pytest.param("https://u:p@h:444/p", "https://h:444/p", id="user info"),
        pytest.param("https://hooks.slack.com/services/T/B/x", "https://hooks.slack.com/***", id="secret path"),
        pytest.param("https://h/botsecret1/send", "https://h/bot***/send", id="secret in path"),
        pytest.param("https://h/p?X-Amz-Signature=f&e=1", "https://h/p?X-Amz-Signature=***&e=1", id="signed address"),
        pytest.param("http://[::1]:80/", "http://[::1]:80/", id="ipv6"),
        pytest.param("http://[", "<unreadable address>", id="unreadable"),
    ],
)
def test_url(url, expected):
    assert Redactor({"secret1"}).url(url) == expected


@pytest.mark.parametrize(
    ("body", "content_type", "status", "expected"),
    [
        pytest.param(b'{"ok":1}', "application/json", 200, {"ok": 1}, id="json"),
        pytest.param(b"{broken", "application/json", 200, "<7 bytes application/json>", id="broken json"),
        pytest.param(b"<h1>hi</h1>", "text/html", 200, "<11 bytes text/html>", id="page"),
        pytest.param(b"down", "text/html; charset=x", 503, "<4 bytes text/html> down", id="error page"),
        pytest.param(b"", "", 204, "<0 bytes>", id="empty"),
    ],
)
def test_body(body, content_type, status, expected):
    assert Redactor().body(body, content_type, status) == expected


@given(
    secret=st.text(min_size=6, max_size=30),
    shape=st.sampled_from(["{}", "Bearer {}", "https://h/{}/x", "before{}after{}"]),
)
def test_a_secret_never_shows(secret, shape):
    value = {"note": shape.replace("{}", secret), "list": [{"deep": secret}], "id " + secret: 1}
    shown = json.dumps(redact(value, {secret}), ensure_ascii=False)
    assert secret not in json.loads(shown)["note"]
    assert json.loads(shown)["list"] == [{"deep": "***"}]
    assert json.loads(shown)["id ***"] == 1


def test_a_secret_shows_in_no_coded_form():
    secret = 'p"a/s+s wörd'
    basic = base64.b64encode(secret.encode()).decode()
    shown = redact({"a": f"x {basic}", "b": "p%22a%2Fs%2Bs%20w%C3%B6rd", "c": json.dumps({"k": secret})}, {secret})
    assert shown == {"a": "x ***", "b": "***", "c": '{"k": "***"}'}


def test_of_two_secrets_the_longer_goes_first():
    assert redact("abcdef", {"abc", "abcdef"}) == "***"
