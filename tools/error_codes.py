"""docs/api/errors.md from the code: every stable code that an answer or a socket's ``error`` frame can carry (API-5).

``python tools/error_codes.py`` writes the page; tests/api/test_error_codes.py holds it to the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api" / "errors.md"
ROOMS = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")

HEAD = """# Error codes

An answer of status 400 and above has an `error` with a `code`, a `message`, `details` and the `request_id`. Decide by the `code`: it stays. The message is for people and may change; words in braces stand for what the message names. The web chat's and the agents' sockets give the same codes in their `error` frames. Where a proxy or the server of `deploy/run web` cannot read a request's head, the answer is a 4xx without a body; `serve` and `ws` tell it as here.

**What to do by status:** 400, 414, 422 and 431: the request is wrong, do not send it again as it is. 401: get a new token. 403: the credential may not do this. 404: no such thing for this tenant. 409: look at the present state first. 408: send it again, the body came too slowly. 413: send less. 429 and 503: send again after `Retry-After` seconds. 500: tell the operator the `request_id`; sending again is safe with an `Idempotency-Key`.

| code | status | message |
|---|---|---|
"""


class Code(NamedTuple):
    code: str
    status: int
    message: str


#: functions that raise an error for their caller: the name → the class that they raise
RAISERS = {"draw": "TooMany", "_invalid": "Invalid"}
#: what a variable that holds a code can hold: its name → the codes
VARIABLES = {"off": ("assistant_off", "bot_off")}


#: calls of the code, filled by `codes`, of whose ``code`` nothing is known: each has to be in the page by another way
UNREAD: list[str] = []


def trees() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def classes(modules: list[ast.Module]) -> dict[str, Code]:
    """Each error class by name, with the code, status and message that it has of itself or from its base."""
    found = {"ServiceError": Code("bad_request", 400, "The request could not be carried out.")}
    waiting = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    while ready := [node for node in waiting if _base(node) in found and node.name not in found]:
        for node in ready:
            own = {name: value for line in node.body if isinstance(line, ast.Assign) for name, value in _values(line)}
            found[node.name] = found[_base(node)]._replace(**{k: v for k, v in own.items() if k in Code._fields})
    return found


def _base(node: ast.ClassDef) -> str:
    return next((base.id for base in node.bases if isinstance(base, ast.Name)), "")


def _values(line: ast.Assign) -> Iterator[tuple[str, object]]:
    target = line.targets[0]
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    values = line.value.elts if isinstance(target, ast.Tuple) and isinstance(line.value, ast.Tuple) else [line.value]
    for name, value in zip(names, values, strict=False):
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant):
            yield name.id, value.value


@cache
def codes() -> tuple[Code, ...]:
    """Every code once with each status that it comes with, in order of the alphabet."""
    modules = list(trees())
    errors = classes(modules)
    found = {(error.code, error.status): error for error in errors.values()}
    UNREAD.clear()
    for module in modules:
        constants = {
            name: (value,)
            for line in module.body
            if isinstance(line, ast.Assign)
            for name, value in _values(line)
            if isinstance(value, str)
        }
        tables = {name: table for line in module.body for name, table in _table(line)}
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and (error := errors.get(RAISERS.get(_called(node), _called(node)))):
                message = _words(node.args[0], constants) if node.args and _called(node) not in RAISERS else ""
                said = dict.fromkeys(_named(node, constants | VARIABLES), message or error.message)
                said |= _looked_up(node, tables) if not said else {}
                for code, words in said.items():
                    known = found.get((code, error.status))
                    if known is None or len(known.message) < len(words):
                        found[code, error.status] = Code(code, error.status, words)
                if not said and any(word.arg == "code" for word in node.keywords):
                    UNREAD.append(ast.unparse(node))
    return tuple(sorted(found.values()))


def _table(line: ast.stmt) -> Iterator[tuple[str, dict[str, str]]]:
    """A module's dict of texts: its name, and what it holds."""
    target = (
        line.targets[0] if isinstance(line, ast.Assign) else line.target if isinstance(line, ast.AnnAssign) else None
    )
    value = getattr(line, "value", None)
    if isinstance(target, ast.Name) and isinstance(value, ast.Dict):
        texts = zip(value.keys, value.values, strict=True)
        yield (
            target.id,
            {
                str(k.value): str(v.value)
                for k, v in texts
                if isinstance(k, ast.Constant) and isinstance(v, ast.Constant)
            },
        )


def _looked_up(node: ast.Call, tables: dict[str, dict[str, str]]) -> dict[str, str]:
    """Of ``Error(TABLE[code], code=code)``: each code of the table with its message."""
    first = node.args[0] if node.args and any(word.arg == "code" for word in node.keywords) else None
    named = first.value.id if isinstance(first, ast.Subscript) and isinstance(first.value, ast.Name) else ""
    return tables.get(named, {})


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _named(node: ast.Call, constants: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """The codes that a call names."""
    values = [word.value for word in node.keywords if word.arg == "code"]
    if _called(node) == "_invalid":
        values += node.args[2:3]
    while values:
        value = values.pop()
        if isinstance(value, ast.IfExp):
            values += [value.body, value.orelse]
        elif isinstance(value, ast.Constant):
            yield str(value.value)
        elif isinstance(value, ast.Name):
            yield from constants.get(value.id, ())


def _words(value: ast.expr, constants: dict[str, tuple[str, ...]]) -> str:
    """A message as the code has it, with names in braces for what is filled in at run time; "" if all of it is."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return _words(value.left, constants) + _words(value.right, constants)
    if isinstance(value, ast.JoinedStr):
        return "".join(
            f"{{{_name(one.value)}}}" if isinstance(one, ast.FormattedValue) else _words(one, constants)
            for one in value.values
        )
    return constants.get(value.id, ("",))[0] if isinstance(value, ast.Name) else ""


def _name(value: ast.expr) -> str:
    """The first name in an expression."""
    names = (getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(value))
    return next((name for name in names if name), "…").lower()


def page() -> str:
    rows = (f"| `{one.code}` | {one.status} | {one.message.replace('|', chr(92) + '|')} |" for one in codes())
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
