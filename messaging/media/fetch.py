"""Files of messages: fetched from the platform in the background, examined, kept; unused uploads removed.

Owns what happens to an Attachment whose ``due_at`` has come, crash-safe like everything else: a lease on
the row, a task that is only a wake-up call, a sweep. Must not know any platform (the adapter locates the
bytes), nor believe what a platform or person says of a file (channels_app/content/media.py looks).
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import IO, Any, cast

import structlog
from django.conf import settings
from django.db.models import QuerySet

from channels_app.content.media import Refused, essence, examine, thumbnail
from channels_app.content.types import MAX_MEDIA_BYTES
from channels_app.contract import MediaRef, Rejected, SendError, Unreachable
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.services import http_for
from conversations.files.attachments import (
    NEVER,
    Kept,
    attachment_settle,
    files_write,
    message_follow,
    shown_form,
    storage_asked,
    upload_discard,
)
from conversations.models import Attachment, Message
from conversations.timeline import NewEvent, conversation_advance, events_append, work_given_up
from messaging import wake
from messaging.live.push import push_media
from messaging.media.convert.make import MOST_S
from messaging.media.scanning import scan
from messaging.media.shown import form_shown
from messaging.media.transcribe import let_answer, listens, transcribe, transcription_end
from tenants.storage.db import StorageAway, atomic, now, on_commit, retried, server_trouble
from tenants.work.leases import WORKER_LOST, Pauses, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=180 + MOST_S)  # a download may take 60 s, twice; decoding, converting and storing come on top
TRIES = Pauses(
    (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600), tries=9, jitter=0.2
)  # platforms keep media for days
STORAGE_BACK = timedelta(seconds=60)  # how soon a file is fetched again that our own storage did not take
IN_MEMORY = 1 << 20  # bytes; larger files are spooled to disk while they come
EXPIRED = frozenset({401, 403, 404, 410})  # what hosts answer to an address that has run out


def file_process(attachment_id: uuid.UUID) -> Attachment | None:
    """Do what is due for a file: fetch it, transcribe it, or remove an unused upload.
    None when nothing is due or another worker is at it."""
    attachment = claim_by_id(Attachment, attachment_id, LEASE)
    if attachment is None:
        return None
    try:
        _do(attachment)
    except Exception as error:
        if not server_trouble(error):
            raise  # a bug: the lease ends, and after MOST_LEASES of them the file is given up
        log.warning("media_interrupted", attachment=str(attachment.id), error=type(error).__name__)
        until = now() + STORAGE_BACK if isinstance(error, StorageAway) else server_back()
        put_off(attachment, until, counts=False)
    return attachment


def _do(attachment: Attachment) -> None:
    if attachment.worn_out:
        _give_up(attachment, WORKER_LOST)
    elif attachment.message is None:
        with atomic():
            upload_discard(attachment)
    elif attachment.state == Attachment.State.REMOTE and attachment.message.deleted_at:
        _refuse(attachment, "message_deleted")
    elif attachment.state == Attachment.State.REMOTE:
        _fetch(attachment)
    elif shown_form(attachment) and not (attachment.message.content.get("media") or {}).get("size_bytes"):
        _show(attachment)
    elif listens(attachment.mime):
        transcribe(attachment)
    else:
        transcription_end(attachment)


def received(chunks: Iterable[bytes], limit: int, declared: str = "", decode: bool = False) -> tuple[IO[bytes], Kept]:
    """A file that comes in pieces, and what is certain of it. The caller closes it. ``decode``: with a
    thumbnail, which takes time and memory: for workers only.

    Raises Refused, with ``too_large`` as soon as more than ``limit`` bytes have come, and as `scan`.
    """
    file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  the caller closes it
    try:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise Refused("too_large")
            digest.update(chunk)
            file.write(chunk)
        facts = examine(file, declared)
        scan(file)
        small = thumbnail(file, facts.mime) if decode else None
    except BaseException:
        file.close()
        raise
    return file, Kept(facts, size, digest.hexdigest(), small)


def most_bytes() -> int:
    """The largest file that is kept."""
    return min(settings.ENV["MEDIA_MAX_BYTES"], MAX_MEDIA_BYTES)


# ------------------------------------------------------------------------------- fetching


def _fetch(attachment: Attachment) -> None:
    channel = channel_for_id(attachment.channel_id)
    try:
        if channel is None:
            raise Rejected("channel_gone")
        file, kept = _download(channel, attachment)
    except Refused as refused:
        _refuse(attachment, refused.code)
    except SendError as error:
        _again(attachment, error)
    except Exception as error:  # an adapter's or decoder's bug is a file with a reason, not a lost one
        if server_trouble(error):
            raise
        log.error("media_failed", attachment=str(attachment.id), error=type(error).__name__)
        _again(attachment, Unreachable("internal_error"))
    else:
        with file:
            _store(attachment, file, kept)


def _download(channel: Channel, attachment: Attachment) -> tuple[IO[bytes], Kept]:
    """Locate and fetch; an address that has run out meanwhile is asked for once more."""
    http, config = http_for(channel), channel.adapter_config()
    ref = MediaRef(
        kind=attachment.kind, id=attachment.platform_media_id, url=attachment.url, mime=attachment.mime,
        name=attachment.name,
    )  # fmt: skip
    for last in (False, True) if ref.id else (True,):
        address, headers = channel.adapter.locate(ref, config, http)
        with http.download(address, max_bytes=most_bytes(), headers=headers) as answer:
            if answer.status in EXPIRED and not last:
                continue
            _raise_for(answer.status, answer.headers, ref)
            return received(answer.chunks, most_bytes(), ref.mime, True)
    raise AssertionError("the second round returns or raises")


def _raise_for(status: int, headers: Any, ref: MediaRef) -> None:
    if status in EXPIRED and not ref.id:
        raise Rejected("gone", status=status)  # the address was all we had
    if not 200 <= status < 300:
        raise Unreachable(f"http_{status}", status=status)
    if essence(headers.get("content-type", "")) == "text/html" and essence(ref.mime) != "text/html":
        raise Unreachable("login_page", status=status)  # so do some platforms answer a token they do not like


def _store(attachment: Attachment, file: IO[bytes], kept: Kept) -> None:
    with storage_asked():
        changes = files_write(attachment, file, kept)
    shown, shown_size = form_shown(attachment, kept.facts.mime, file)
    _settle_stored(attachment, {**changes, **shown}, kept.facts.mime, shown_size)


def _show(attachment: Attachment) -> None:
    """An upload that browsers do not show as it is, in the form in which they do."""
    shown, shown_size = form_shown(attachment, attachment.mime)
    _settle_stored(attachment, {"state": Attachment.State.STORED, **shown}, attachment.mime, shown_size)


def _settle_stored(attachment: Attachment, changes: dict[str, Any], mime: str, shown_size: int) -> None:
    heard = listens(mime)
    changes["due_at"] = now() if heard else NEVER
    file_settle(attachment, changes, "chat.attachment.stored", shown_size=shown_size)
    if heard:
        wake.media(attachment.id)


def _again(attachment: Attachment, error: SendError) -> None:
    """Later, with growing pauses; never when it cannot help."""
    code = error.code or type(error).__name__.lower()
    log.info("media_not_fetched", attachment=str(attachment.id), code=code, attempts=attachment.attempts)
    if not error.retryable:
        _refuse(attachment, code)
    elif TRIES.over(attachment.attempts):
        _give_up(attachment, code)
    else:
        until = TRIES.next(attachment.attempts, error.retry_after or 0.0)
        if put_off(attachment, until, reason=code[:60]):
            wake.media(attachment.id, delay_s=(until - now()).total_seconds())


def _refuse(attachment: Attachment, reason: str) -> None:
    changes = {"state": Attachment.State.REFUSED, "reason": reason[:60], "due_at": NEVER}
    file_settle(attachment, changes, "chat.attachment.refused")


def _give_up(attachment: Attachment, reason: str) -> None:
    """A recording that could not be transcribed stays without words; a file that could not be had may be asked for again."""
    if attachment.state == Attachment.State.STORED:
        transcription_end(attachment)
    elif attachment.message is None:
        settle(attachment, state=Attachment.State.REFUSED, reason=reason[:60], due_at=NEVER)
    else:
        changes = {"state": Attachment.State.FAILED, "reason": reason[:60], "due_at": NEVER}
        file_settle(attachment, changes, "chat.attachment.refused", given_up=True)


def files_replay(attachments: QuerySet[Attachment]) -> int:
    """Fetch files of a queryset that were given up, with fresh tries. Returns how many."""
    ids = list(attachments.filter(state=Attachment.State.FAILED).order_by("created_at").values_list("id", flat=True))
    count = 0
    for attachment_id in ids:
        again = Attachment.objects.filter(id=attachment_id, state=Attachment.State.FAILED)
        count += again.update(
            state=Attachment.State.REMOTE, attempts=0, leases=0, claim=None, due_at=now(), reason=""
        )  # fmt: skip
        on_commit(partial(wake.media, attachment_id))
    return count


@retried
def file_settle(
    attachment: Attachment, changes: Mapping[str, Any], event: str, *, given_up: bool = False, shown_size: int = 0
) -> None:
    """The file's fate in one transaction with its message's content and the event; told at commit. ``given_up``: staff
    are told, too. ``shown_size``: bytes of the form in which people see it."""
    where = {"id": Message.objects.values_list("conversation_id", flat=True).get(id=attachment.message_id)}
    spoken = attachment.kind == "audio"  # so the platform says
    with atomic():
        conversation_advance(where)  # the lock: no other worker writes this message's content meanwhile
        if not attachment_settle(attachment, changes):
            return
        message = message_follow(attachment, shown_size)
        conversation = conversation_advance(where, events=1)
        assert conversation is not None  # locked above
        events_append(conversation, [NewEvent(event, _facts(attachment, message))])
        if given_up:
            work_given_up("files", attachment, attachment.reason)
        on_commit(lambda: push_media(message, attachment))
    if spoken and not (attachment.state == Attachment.State.STORED and listens(attachment.mime)):
        let_answer(message)  # there will be no words to wait for


def _facts(attachment: Attachment, message: Message) -> dict[str, Any]:
    return {
        "attachment_id": str(attachment.id),
        "message_id": str(message.id),
        "seq": message.seq,
        "kind": attachment.kind,
        "mime": attachment.mime,
        "size": attachment.size,
        "reason": attachment.reason,
    }
