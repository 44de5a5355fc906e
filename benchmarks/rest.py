"""``POST /api/v2/chat/message`` beside bare DRF views: ``python -m benchmarks.rest``."""

from __future__ import annotations

from benchmarks.ground import ground
from benchmarks.load import Line, Request, arguments, as_json, measure, show

WORDS = ("What are your opening hours?", "Do you ship to Spain?", "Where is my order?", "Thank you!")
PEOPLE = 50
BARE = "bare view, two rows"
BARE_ONE = "bare view, two rows, one commit"


def body(n: int) -> bytes:
    content = {"type": "text", "text": WORDS[n % len(WORDS)]}
    return as_json({"user_id": f"user{n % PEOPLE}", "channel": "web", "message_id": f"m{n}", "content": content})


def line(name: str, path: str, key: str = "", beside: str = "") -> Line:
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    def make(n: int) -> Request:
        return path, body(n), headers

    return Line(name, make, beside)


def main() -> None:
    given = arguments(__doc__ or "", servers=("granian", "serve"))
    with ground(given.server) as on:
        path = "/api/v2/chat/message"
        lines = [
            line("floor: JSON in, JSON out", "/bench/floor"),
            line(BARE, "/bench/bare"),
            line(BARE_ONE, "/bench/bare-one-commit", beside=BARE),
            line("message, echo engine", path, on.echo_key, beside=BARE),
            line("message, built-in assistant", path, on.key, beside=BARE),
        ]
        measure(on.port, lines, given)
    show(lines)


if __name__ == "__main__":
    main()
