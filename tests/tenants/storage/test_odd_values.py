"""Odd values at smaller entrances: each is an ordinary case, none an exception of Python's."""

from __future__ import annotations

import json

import pytest
from django import forms

from channels_app.adapters.base import retry_after
from channels_app.adapters.whatsapp.outbound import _parameters
from channels_app.contract import RawRequest
from messaging.media.upload_views import check_length
from tenants.console.pages.fields import LinesField
from tenants.errors import PayloadTooLarge
from tenants.storage.json_values import unstorable


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("nan", None),
        ("NaN", None),
        ("-nan", None),
        ("inf", 3600.0),
        ("-inf", 0.0),
        ("1e999", 3600.0),
        ("7", 7.0),
        ("", None),
    ],
)
def test_a_pause_is_a_number_of_seconds(told, seconds):
    assert retry_after({"retry-after": told}) == seconds


@pytest.mark.parametrize("name", ["²", "٣", "9" * 5000, "1_0"])
def test_a_name_that_is_no_number_is_a_name(name):
    assert _parameters({name: "x"}) == [{"type": "text", "parameter_name": name, "text": "x"}]


def test_numbered_places_stand_in_their_order():
    assert [one["text"] for one in _parameters({"10": "c", "2": "b", "1": "a"})] == ["a", "b", "c"]


def test_a_receipt_can_be_stored_whatever_its_query_says():
    raw = RawRequest("POST", "/x", query={"a\0": "b\0\ud83d"}, body=b"{}")
    stored = raw.to_stored()
    assert unstorable(stored) is None
    assert RawRequest.from_stored(json.loads(json.dumps(stored))).query == {"a": "b?"}


def test_lines_hold_no_nul():
    field = LinesField(required=False)
    with pytest.raises(forms.ValidationError) as raised:
        field.clean("one\ntw\0o")
    assert raised.value.code == "nul_character"
    assert field.has_changed(["one"], "one\ntw\0o")
    assert field.clean(" one \n\ntwo") == ["one", "two"]


class Coming:
    def __init__(self, length):
        self.META = {"CONTENT_LENGTH": length}


@pytest.mark.parametrize("length", ["²", "", "-1", "x", "10"])
def test_a_length_that_says_nothing_is_not_judged(length):
    check_length(Coming(length), 10)


@pytest.mark.parametrize("length", ["11", "9" * 5000])
def test_what_says_that_it_is_too_long_is_refused(length):
    with pytest.raises(PayloadTooLarge):
        check_length(Coming(length), 10)
