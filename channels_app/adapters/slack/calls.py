"""The calls behind one send: to a method, to a response_url, and a file's way to Slack.

Must not decide what is sent or what an error means (outbound.py, errors.py).
https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels_app.adapters.base import require_no_page
from channels_app.adapters.slack.errors import raise_error
from channels_app.adapters.wire import identifier, obj, string
from channels_app.content.types import MAX_MEDIA_BYTES
from channels_app.contract import Http, HttpAnswer, OutcomeUnknown, Rejected, SendResult, Unreachable

FILE_ID = re.compile(r"[A-Z0-9]{2,40}")

if TYPE_CHECKING:
    from channels_app.adapters.slack import SlackConfig


def call(path: str, body: Mapping[str, Any], config: SlackConfig, http: Http) -> dict[str, Any]:
    """The answer to one method of the Web API. Raises a SendError."""
    headers = {**config.bearer, "Content-Type": "application/json; charset=utf-8"}
    answer = http.request("POST", f"{config.root}{path}", headers=headers, json=body)
    raise_error(answer)
    return obj(answer.json())


def respond(url: str, body: Mapping[str, Any], refused: Rejected, http: Http) -> SendResult:
    """Through the address that came with the command or click; it wants no token and gives no id."""
    shown = {name: body[name] for name in ("text", "blocks", "mrkdwn", "unfurl_links", "thread_ts") if name in body}
    kind = "ephemeral" if "user" in body else "in_channel"
    answer = http.request("POST", url, json={"response_type": kind, "replace_original": False, **shown})
    if not 200 <= answer.status < 300:
        raise refused  # it has expired
    require_no_page(answer)
    return SendResult()


def uploaded(body: dict[str, Any], config: SlackConfig, http: Http) -> dict[str, Any]:
    """``body`` with the file it names as ``source`` taken over to Slack, not yet shown in the conversation: what
    goes wrong here may be done again."""
    source = obj(body.pop("source"))
    try:
        if body["channel_id"][:1] in ("U", "W"):  # files take no user ids
            opened = call("/api/conversations.open", {"users": body["channel_id"]}, config, http)
            body["channel_id"] = identifier(opened, "channel", "id")
        file = http.fetch(string(source, "url"), max_bytes=MAX_MEDIA_BYTES)
        _require_file(file)
        file_id = handed_over(file.body, string(source, "name"), string(source, "alt_text"), config, http)
    except OutcomeUnknown as error:
        raise Unreachable(error.code, error.detail) from error
    return {**body, "files": [{"id": file_id, "title": string(source, "name")}]}


def handed_over(content: bytes, name: str, alt_text: str, config: SlackConfig, http: Http) -> str:
    """The id of a file that Slack has, and shows to no person before it is told where. Raises a SendError."""
    wanted = {"filename": name, "length": str(len(content)), **({"alt_txt": alt_text} if alt_text else {})}
    granted = http.request("POST", f"{config.root}/api/files.getUploadURLExternal", headers=config.bearer, data=wanted)
    raise_error(granted)
    address, file_id = string(granted.json(), "upload_url"), identifier(granted.json(), "file_id")
    if not config.trusts(address) or not FILE_ID.fullmatch(file_id):
        raise Rejected("no_upload_url", "the platform names no address of its own for the upload, or no file")
    stored = http.request("POST", address, content=content)
    if not 200 <= stored.status < 300:
        raise Unreachable("upload_failed", status=stored.status)
    return file_id


def _require_file(file: HttpAnswer) -> None:
    """The store that holds the file may be down for a moment; a file that is not there stays away."""
    if file.status >= 500 or file.status == 429:
        raise Unreachable("media_unavailable", status=file.status)
    if not 200 <= file.status < 300 or not file.body:
        raise Rejected("media_unavailable", "the file cannot be fetched", status=file.status)
