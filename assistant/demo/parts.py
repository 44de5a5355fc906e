"""Contents from which the demo's replies are made. Owns their form."""

from __future__ import annotations

from typing import Any


def replies(text: str, *options: tuple[str, str]) -> dict[str, Any]:
    """A text with quick replies, each (title, payload)."""
    return {"type": "text", "text": text, "quick_replies": [{"title": t, "payload": p} for t, p in options]}


def place(name: str, address: str, latitude: float, longitude: float) -> dict[str, Any]:
    return {
        "type": "location",
        "location": {"name": name, "address": address, "latitude": latitude, "longitude": longitude},
    }


def article(answer: str, *questions: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"questions": list(questions), "answer": answer, "tags": list(tags)}


def card(title: str, subtitle: str, product: str, asked: str = "Check stock") -> dict[str, Any]:
    ask = {"type": "postback", "title": asked, "payload": f"intent:stock?product={product}"}
    return {"title": title, "subtitle": subtitle, "buttons": [ask]}
