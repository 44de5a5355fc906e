"""The page of error codes tells every code that the service can give (API-5)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("error_codes", ROOT / "tools" / "error_codes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_that_of_the_code(tool):
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(), "run: python tools/error_codes.py"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("conversation_not_found", 404),  # named where it is raised
        ("malformed_json", 400),  # a class's own
        ("assistant_off", 409),  # chosen at run time
        ("contact_stopped", 409),  # a constant of its module
        ("too_many_visitors", 429),  # raised by a function for its caller
        ("unexpected_hello", 400),  # one of two
        ("infected", 422),  # looked up in a table of messages
        ("too_large", 413),
        ("provider_exists", 409),
    ],
)
def test_codes_are_found_wherever_they_are_named(tool, code, status):
    assert (code, status) in {(one.code, one.status) for one in tool.codes()}


def test_every_code_says_something(tool):
    assert [one.code for one in tool.codes() if len(one.message) < 5] == []


def test_no_code_is_known_at_run_time_alone(tool):
    """But in the functions of RAISERS, whose callers name it."""
    tool.codes()
    assert sorted(tool.UNREAD) == [
        "Invalid(message, code=code, details=[{'field': field, 'message': message, 'code': code}])",
        "TooMany(message, code=code, retry_after=wait)",
    ]
