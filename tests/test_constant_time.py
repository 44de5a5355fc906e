"""Secrets are compared in constant time: how long a refusal takes tells nothing about how much of a guess was right (TEN-4)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")
SECRET = re.compile(
    r"(?:^|_)(?:secret|token|signature|password|mac|proof|verifier|api_key|credential|otp)s?(?:_hash)?$"
)
#: comparisons of what is no secret to the caller
KNOWN = {
    "cleaned.get('again') != cleaned['password']",  # both were typed into the same form
    "given.get('token') == mask(row.token)",  # what is shown to all who may read it
    "changes.get('secret') == mask(row.secret)",
}


def named(part: ast.expr) -> Iterator[str]:
    """What a side of a comparison is called."""
    if isinstance(part, ast.Name):
        yield part.id
    elif isinstance(part, ast.Attribute):
        yield part.attr
    elif isinstance(part, ast.Subscript):
        yield from named(part.value)
        yield str(getattr(part.slice, "value", ""))
    elif isinstance(part, ast.Call):
        yield from named(part.func)
        yield from (str(one.value) for one in part.args if isinstance(one, ast.Constant))
    elif isinstance(part, ast.JoinedStr):
        for one in part.values:
            yield from named(one.value) if isinstance(one, ast.FormattedValue) else ()


def plain_comparisons(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            continue
        sides = [node.left, *node.comparators]
        secret = any(SECRET.search(name) for side in sides for name in named(side))
        if secret and not any(isinstance(side, ast.Constant) for side in sides):
            found.add(ast.unparse(node))
    return found


def test_no_secret_is_compared_with_an_operator() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert set().union(*(plain_comparisons(path.read_text(encoding="utf-8")) for path in files)) == KNOWN


def test_one_would_be_found() -> None:
    source = "a == b\nif form.get('client_secret') != settings['app_secret']: pass\nx.token == y\nkind == 'token'\n"
    assert plain_comparisons(source + "header != f'Bearer {token}'\n") == {
        "form.get('client_secret') != settings['app_secret']", "x.token == y", "header != f'Bearer {token}'",
    }  # fmt: skip
