"""What Slack has to say against a message and its blocks, by its documented limits.

Owns these rules. Must not import the adapter.
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LIMITS = {"section": 3000, "option value": 150, "label": 75, "value": 2000, "blocks": 50, "all": 13_200}


def complaints(body: Mapping[str, Any], member_of: Sequence[str]) -> Iterator[str]:
    """What the platform would say against a message, by its documented limits."""
    channel, blocks = str(body.get("channel", "")), body.get("blocks") or []
    if channel[:1] not in ("C", "D", "G"):
        yield "channel_not_found"
    if channel[:1] in ("C", "G") and channel not in member_of:
        yield "not_in_channel"
    if not body.get("text") and not blocks:
        yield "no_text"
    if len(str(body.get("text", ""))) > 40_000:
        yield "msg_too_long"
    if len(blocks) > LIMITS["blocks"] or not all(_block_is_valid(block) for block in blocks):
        yield "invalid_blocks"
    ids = [element.get("action_id") for block in blocks for element in elements(block)]
    if len(ids) != len(set(ids)):
        yield "invalid_blocks"
    if sum(len(words) for words in _words(blocks)) > LIMITS["all"]:
        yield "msg_blocks_too_long"
    metadata = body.get("metadata")
    if metadata is not None and not (metadata.get("event_type") and isinstance(metadata.get("event_payload"), dict)):
        yield "invalid_metadata_format"


def _block_is_valid(block: Mapping[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "section":
        words = 0 < len(block["text"]["text"]) <= LIMITS["section"] and block["text"]["type"] in (
            "mrkdwn",
            "plain_text",
        )
        return words and all(_element_is_valid(element) for element in elements(block))
    if kind == "image":
        public, own = str(block.get("image_url", "")), block.get("slack_file") or {}
        return bool(block.get("alt_text")) and (public.startswith("http") != bool(own.get("id")))
    if kind == "actions":
        return 1 <= len(elements(block)) <= 25 and all(_element_is_valid(element) for element in elements(block))
    return kind in ("divider", "rich_text", "context", "header")


def _element_is_valid(element: Mapping[str, Any]) -> bool:
    if element.get("type") == "button":
        value = element.get("value", "")
        return 0 < len(element["text"]["text"]) <= LIMITS["label"] and len(value) <= LIMITS["value"]
    found = options(element)
    return (
        element.get("type") == "static_select"
        and ("options" in element) != ("option_groups" in element)
        and 1 <= len(found) <= 100
        and all(0 < len(one["text"]["text"]) <= LIMITS["label"] for one in found)
        and all(0 < len(one["value"]) <= LIMITS["option value"] for one in found)
    )


def elements(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be pressed in a block."""
    if block.get("type") == "actions":
        return list(block.get("elements") or ())
    accessory = block.get("accessory") or {}
    return [accessory] if accessory.get("type") not in (None, "image") else []


def options(element: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options of a menu; none of a button."""
    return [*element.get("options", ()), *(o for group in element.get("option_groups", ()) for o in group["options"])]


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["text"]] if isinstance(value.get("text"), str) else []
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(member)
