"""How a file comes to the twin's Slack, is shown, and is fetched from there.

Owns these calls. Must not import the adapter.
https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from urllib.parse import parse_qs
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, Refused, json_answer
from channels_app.twin.platforms.slack_base import KIND, authorised, error, new_id
from channels_app.twin.platforms.slack_blocks import complaints
from channels_app.twin.world import World


def get_upload_url(twin: World, call: Call) -> Answer:
    """Takes a form, never JSON."""
    authorised(twin, call)
    form = parse_qs(call.body.decode())
    if not form.get("filename") or not form.get("length", ["0"])[0].strip("0"):
        return error("missing_argument")
    file_id = f"F{uuid4().hex[:9].upper()}"
    twin.media[file_id] = (form["length"][0], b"")  # until the bytes come
    return json_answer({"ok": True, "upload_url": f"{call.base}/slack/upload/{file_id}", "file_id": file_id})


def upload(twin: World, call: Call) -> Answer:
    length, _ = twin.media.get(call.parts["file"], ("", b""))
    if length != str(len(call.body)):
        return Answer(400, b"length mismatch", "text/plain")
    twin.media[call.parts["file"]] = ("application/octet-stream", call.body)
    return Answer(200, f"OK - {length}".encode(), "text/plain")


def complete_upload(twin: World, call: Call) -> Answer:
    body = authorised(twin, call)
    channel, files = str(body.get("channel_id", "")), body.get("files") or []
    if not files or any(not twin.media.get(file["id"], ("", b""))[1] for file in files):
        return error("file_not_found")
    if not channel:  # it stays with who has put it there
        return json_answer({"ok": True, "files": files})
    for complaint in complaints({"channel": channel, "text": "file"}, twin.settings[KIND]["member_of"]):
        return error("invalid_channel" if complaint == "channel_not_found" else complaint)
    twin.journal.send(KIND, new_id(channel), channel, body, "", False)
    return json_answer({"ok": True, "files": files})


def file_info(twin: World, call: Call) -> Answer:
    authorised(twin, call)
    file_id = call.query.get("file", "")
    if file_id not in twin.media:
        return error("file_not_found")
    address = f"{call.base}/slack/files/{file_id}"
    mime, content = twin.media[file_id]
    facts = {"id": file_id, "mimetype": mime, "size": len(content), "url_private": address}
    return json_answer({"ok": True, "file": {**facts, "url_private_download": address}})


def download(twin: World, call: Call) -> Answer:
    """Without a good token the platform answers a login page, with 200."""
    try:
        authorised(twin, call)
    except Refused:
        return Answer(200, b"<html>Sign in</html>", "text/html")
    mime, content = twin.media[call.parts["file"]]
    return Answer(200, content, mime)
