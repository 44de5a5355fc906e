"""docs/tokens.md says what is issued and accepted: each claim, its type, and every code (OPS-9)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jwt
import pytest

from chatsvc.env import VARIABLES
from tenants.access import api_keys, tokens
from tenants.access.auth import Principal, principal_for, token_pair
from tenants.access.grants.clients import client_create
from tenants.access.signing.keys import headers_of, segment
from tenants.errors import NotAuthenticated
from tenants.models import Tenant
from tests.factories import MembershipFactory

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/tokens.md").read_text()
CLAIM = re.compile(
    r"^\| `(\w+)` \| (string|integer|array of strings|object of strings) \| (.+?) \| .+ \|$", re.MULTILINE
)
TYPES = {name: kind for name, kind, _ in CLAIM.findall(PAGE)}
ALWAYS = [name for name, _, there in CLAIM.findall(PAGE) if there == "always"]
EXAMPLE = json.loads(PAGE.partition("```json")[2].partition("```")[0])
#: of each type: a value of it, and one that is not
VALUES: dict[str, tuple[Any, Any]] = {
    "string": ("x", 7),
    "integer": (7, "x"),
    "array of strings": (["x"], "x"),
    "object of strings": ({"x": "y"}, {"x": 1}),
}


@pytest.fixture
def issued(scope: Tenant, make_key: Any) -> dict[str, Any]:
    """A token with every claim that there is."""
    key, _ = make_key(scope, "messages:send")
    client, _ = client_create(scope, "App", ["messages:send"])
    holder = Principal(
        scope.id, "user-42", "token", frozenset({"messages:send"}), key_prefix=key.prefix, extra={"plan": "gold"},
        client_id=client.client_id, user_id=str(MembershipFactory(tenant=scope).user_id), learners=frozenset({"learner-7"}),
    )  # fmt: skip
    access, _ = token_pair(holder, ttl=900)
    return tokens.token_read(access, "access")


def test_a_token_has_the_claims_of_the_page_and_no_other(issued: dict[str, Any]) -> None:
    assert sorted(issued) == sorted(TYPES)
    assert ALWAYS == tokens.REQUIRED


@pytest.mark.parametrize("claim", sorted(TYPES))
def test_each_claim_is_of_its_type(issued: dict[str, Any], claim: str) -> None:
    right, _ = VALUES[TYPES[claim]]
    assert isinstance(issued[claim], type(right))


@pytest.mark.parametrize("claim", sorted(TYPES.keys() - {"iss"}))  # which PyJWT itself signs as a text only
def test_another_type_is_refused(issued: dict[str, Any], claim: str, settings: Any) -> None:
    _, wrong = VALUES[TYPES[claim]]
    forged = jwt.encode({**issued, claim: wrong}, settings.JWT_SECRET_KEY)
    with pytest.raises(NotAuthenticated, match="not valid"):
        principal_for(forged)


def test_the_example_is_what_is_issued(issued: dict[str, Any]) -> None:
    assert list(EXAMPLE) == [name for name in TYPES if name not in ("cid", "usr", "learners", "ext")]
    assert {name: type(value) for name, value in EXAMPLE.items()} == {name: type(issued[name]) for name in EXAMPLE}
    fixed = ("iss", "aud", "use", "sub", "kind", "perms")
    assert [EXAMPLE[name] for name in fixed] == [issued[name] for name in fixed]
    assert EXAMPLE["exp"] - EXAMPLE["iat"] == issued["exp"] - issued["iat"] == 900


def test_lives_and_limits_are_those_of_the_code() -> None:
    for name in ("ACCESS_TOKEN_TTL", "REFRESH_TOKEN_TTL"):
        assert re.search(rf"`{name}` \(([\d,]+) s\)", PAGE)[1].replace(",", "") == VARIABLES[name].default
    assert f"at most {tokens.LONGEST:,} characters" in PAGE
    headers = re.findall(r"`(\{\"alg\":.+?\})`", PAGE)
    assert {segment(header) for header in headers} < {*headers_of("HS256")}
    assert len(headers_of("HS256")) == 3  # as the page says, and of a key:
    assert api_keys.FORM.pattern == "csk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})"


def test_every_code_of_the_page_is_one_of_the_code() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "tenants").rglob("*.py"))
    codes = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| 4\d\d (.+?) \|", PAGE, re.MULTILINE)))
    assert len(codes) == 14
    assert [code for code in codes if f'"{code}"' not in source] == []
