"""Attachments: the rows of files, and the files under them, kept in step.

Owns every change of an Attachment and where its file lies. Must not fetch anything, nor look at bytes
(channels_app/content/media.py does). A row's files have names made of its id: a worker that writes them again after
a crash overwrites what was begun, and nothing is left behind.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any, cast

from django.core.cache import cache
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from channels_app.content.forms import SHOWN_ANYWAY, SHOWN_AS, Form
from channels_app.content.media import Facts, kind_of, safe_name
from channels_app.content.types import Content, Media
from channels_app.contract import MediaRef
from conversations.files.media_links import attachment_id_linked, attachment_id_of, media_address
from conversations.models import Attachment, Message
from tenants.errors import Conflict, NotFound
from tenants.names import name_clean
from tenants.storage.db import StorageAway, new_id, now, on_commit
from tenants.work.leases import settle

NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # due_at of a file with which nothing is left to do
UPLOAD_S = 900  # an upload that was not finished by then is given up
UNUSED = timedelta(days=1)  # an upload that no message took by then is removed
NOT_SHOWN = "not_shown:"  # begins the reason on a stored file of which no form that browsers show can be made


@dataclass(frozen=True)
class Kept:
    """A file that passed its examination, and what is made of it."""

    facts: Facts
    size: int  # bytes
    sha256: str
    thumbnail: bytes | None = None


# -------------------------------------------------------------------------- with a message


def content_with_ids(content: Content, refs: Sequence[MediaRef]) -> tuple[Content, list[uuid.UUID]]:
    """The ids that the platform's files will have, and ``content`` with the first one's lasting address
    in place of the platform's."""
    ids = [new_id() for _ in refs]
    if content.media is None or not refs:
        return content, ids
    media = content.media.model_copy(update={"url": media_address(ids[0]), "size_bytes": 0, "thumbnail_url": None})
    return content.model_copy(update={"media": media}), ids


def attachments_expect(message: Message, refs: Sequence[MediaRef], ids: Sequence[uuid.UUID]) -> None:
    """A row for every file that still lies with the platform, in the transaction of its message."""
    Attachment.objects.bulk_create(
        Attachment(
            id=attachment_id,
            tenant_id=message.tenant_id,
            channel_id=message.channel_id,
            message=message,
            position=position,
            kind=ref.kind[:10],
            platform_media_id=ref.id[:255],
            url=ref.url if len(ref.url) <= 2048 else "",  # an address cut short leads nowhere
            mime=ref.mime[:127],
            name=name_clean(ref.name)[-255:],
        )
        for position, (attachment_id, ref) in enumerate(zip(ids, refs, strict=True))
    )


def attachment_of(content: Content) -> Attachment | None:
    """The stored file of ours that ``content`` names, by its address or by a link of ours; None when it names none of ours.

    Raises NotFound ``media_not_found``, for another tenant's as for none at all.
    """
    address = content.media.url if content.media else ""
    linked = attachment_id_linked(address)
    if not linked and not address.startswith("media:"):
        return None
    attachment_id = linked or attachment_id_of(address)
    stored = Attachment.objects.filter(id=attachment_id, state=Attachment.State.STORED).first()
    if stored is None:
        raise NotFound("There is no such file.", code="media_not_found")
    return stored


def upload_keep(content: Content, until: datetime) -> None:
    """An upload that ``content`` names stays until then, for a message that is to come. Raises NotFound
    ``media_not_found``, for one that is being removed, too."""
    file = attachment_of(content)
    if file is None or file.message_id or file.due_at >= until:
        return
    if not Attachment.objects.filter(id=file.id, claim=None, due_at=file.due_at).update(due_at=until):
        raise NotFound("There is no such file.", code="media_not_found")


def shown_form(attachment: Attachment) -> Form | None:
    """The form in which people see a file that browsers do not show as it is, made or still to be made; None where they
    see the file itself."""
    return None if attachment.reason.startswith(NOT_SHOWN) else SHOWN_AS.get(attachment.mime)


def content_with_facts(content: Content, attachment: Attachment, shown_size: int = 0) -> Content:
    """``content`` with what is certain of its file in place of what was said of it: of the form in which people see it.
    ``shown_size``: of that form in bytes, 0 while it is not known."""
    form, kind = shown_form(attachment), cast(Any, content.type)
    if kind in ("image", "audio", "video"):
        lost = attachment.mime in SHOWN_AS and form is None and attachment.mime not in SHOWN_ANYWAY
        kind = "file" if lost else kind_of(attachment.mime)
    assert content.media is not None  # its file was looked up by it
    media = Media(
        url=media_address(attachment.id), type=form.mime if form else attachment.mime,
        size_bytes=shown_size if form else attachment.size or 0,
        alt_text=content.media.alt_text, name=attachment.name or None,
    )  # fmt: skip
    return content.model_copy(update={"type": kind, "media": media})


def attachment_claim(attachment: Attachment, message: Message, *, due_at: datetime = NEVER) -> None:
    """Put an upload into the message of the person who uploaded it: once, in the message's transaction.

    Raises NotFound ``media_not_found`` for a file of another visitor, Conflict ``media_used`` for a spent one.
    """
    if attachment.identity_id not in (None, message.identity_id):
        raise NotFound("There is no such file.", code="media_not_found")
    if not _link(attachment, message, due_at):
        raise Conflict("This file is part of another message already.", code="media_used")


def attachment_share(attachment: Attachment, message: Message) -> bool:
    """Put a file into a message of ours: the tenant's own as often as they like, a person's only into
    their own conversation. Raises NotFound ``media_not_found``.

    Returns whether a worker has to be called: people see the file in a form that is to be made."""
    if attachment.identity_id not in (None, message.identity_id):
        raise NotFound("There is no such file.", code="media_not_found")
    due = shown_form(attachment) is not None
    return _link(attachment, message, now() if due else NEVER) and due


def _link(attachment: Attachment, message: Message, due_at: datetime) -> bool:
    free = Attachment.objects.filter(id=attachment.id, message=None)
    return bool(
        free.update(message=message, channel_id=message.channel_id, due_at=due_at, attempts=0, leases=0, claim=None)
    )


# ------------------------------------------------------------------------------ its life


def upload_begin(
    attachment_id: uuid.UUID, channel_id: uuid.UUID, tenant_id: uuid.UUID, identity_id: uuid.UUID | None, name: str
) -> Attachment:
    """The row of an upload whose file comes next; given up after UPLOAD_S. Raises IntegrityError when
    the id was used."""
    return Attachment.objects.create(
        id=attachment_id, tenant_id=tenant_id, channel_id=channel_id, identity_id=identity_id, kind="file",
        name=name_clean(name)[-255:], due_at=now() + timedelta(seconds=UPLOAD_S),
    )  # fmt: skip


def files_write(attachment: Attachment, file: IO[bytes], kept: Kept) -> dict[str, Any]:
    """Write the file and its thumbnail; what the row has to say of them then. Outside any transaction:
    the storage may be far away."""
    return {
        "state": Attachment.State.STORED,
        "reason": "",
        "kind": "sticker" if attachment.kind == "sticker" else kind_of(kept.facts.mime),
        "file": _write(f"{_folder(attachment)}/original", File(file)),
        "thumbnail": _write(_thumbnail(attachment), ContentFile(kept.thumbnail)) if kept.thumbnail else "",
        "mime": kept.facts.mime,
        "size": kept.size,
        "width": kept.facts.width,
        "height": kept.facts.height,
        "sha256": kept.sha256,
        "name": safe_name(attachment.name, kept.facts.mime),
        "attempts": 0,
    }


def attachment_settle(attachment: Attachment, changes: Mapping[str, Any]) -> bool:
    """A file that was on its way is here, or will not come (``state``, ``reason``). False when another
    worker has settled the row meanwhile."""
    if not settle(attachment, **changes):
        return False
    for name, value in changes.items():
        setattr(attachment, name, value)
    return True


def message_follow(attachment: Attachment, shown_size: int = 0) -> Message:
    """The file's message, its content brought up to what is certain of a stored file (`content_with_facts`). Call in
    the transaction that settled it, under the conversation's lock."""
    message = Message.objects.get(id=attachment.message_id)
    content = Content.model_validate(message.content)
    stored = attachment.state == Attachment.State.STORED
    if stored and content.media and content.media.url == media_address(attachment.id):
        content = content_with_facts(content, attachment, shown_size)
        message.content, message.content_type = content.to_json(), content.type
        message.save(update_fields=["content", "content_type"])
    return message


def attachments_delete(attachments: Iterable[Attachment]) -> int:
    """Remove rows and, once that is committed, their files. Call before messages are deleted: the database knows
    nothing of files. Returns how many rows went."""
    doomed = list(attachments)
    removed = Attachment.objects.filter(id__in=[attachment.id for attachment in doomed]).delete()[0]
    on_commit(lambda: _erase_all(doomed))
    return removed


def files_erase(tenant_id: uuid.UUID, attachment_ids: Iterable[uuid.UUID]) -> None:
    """Remove the files of rows that are deleted next: in this order, so that a crash in between leaves no file
    without its row."""
    _erase_all(Attachment(id=attachment_id, tenant_id=tenant_id) for attachment_id in attachment_ids)


def tenant_files_erase(tenant_id: uuid.UUID) -> int:
    """Remove whatever files of a tenant are left, with their folders; how many there were."""
    try:
        folders, _ = default_storage.listdir(tenant_id.hex)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    count = 0
    for folder in (f"{tenant_id.hex}/{name}" for name in folders):
        files = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
        _erase([*files, folder])
        count += len(files)
    _erase([tenant_id.hex])
    return count


def upload_discard(attachment: Attachment) -> bool:
    """Remove an upload that no message has taken, in the caller's transaction; False when one has, meanwhile."""
    if not Attachment.objects.filter(id=attachment.id, message=None).delete()[0]:
        return False
    on_commit(lambda: _erase_all([attachment]))
    return True


# ------------------------------------------------------------------------------- its files


@contextmanager
def storage_asked() -> Iterator[None]:
    """Whatever the storage answers in here but that a file is not there (FileNotFoundError) is StorageAway: a full disk
    and a bucket out of reach are trouble of our own servers."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise StorageAway(type(error).__name__) from error


def thumbnail_write(attachment: Attachment, content: bytes) -> str:
    """Returns the name it lies under."""
    return _write(_thumbnail(attachment), ContentFile(content))


def files_of_deleted_erase(attachment: Attachment) -> bool:
    """Remove what a worker has made of a file that was deleted meanwhile; whether it was."""
    if Attachment.objects.filter(id=attachment.id).exists():
        return False
    _erase_all([attachment])
    return True


def form_name(attachment: Attachment, form: Form) -> str:
    """Where a form of the file lies, if it was made."""
    name = "converted" if form.name == "jpeg" else form.name
    return f"{_folder(attachment)}/{name}{form.ending}"


def form_size(attachment: Attachment, form: Form) -> int:
    """Bytes of a form of the file; 0 where there is none. Raises StorageAway."""
    name = form_name(attachment, form)
    with storage_asked():
        return int(default_storage.size(name)) if default_storage.exists(name) else 0


def form_write(attachment: Attachment, form: Form, content: IO[bytes]) -> None:
    with storage_asked():
        _write(form_name(attachment, form), File(content))


def form_refusal(attachment: Attachment, form: Form) -> str:
    """Why a form of the file was found not to be makeable; "" where none has tried."""
    name = f"{form_name(attachment, form)}.none"
    with storage_asked():
        if not default_storage.exists(name):
            return ""
        with default_storage.open(name, "rb") as file:
            return bytes(file.read()).decode()


def form_refuse(attachment: Attachment, form: Form, code: str) -> None:
    with storage_asked():
        _write(f"{form_name(attachment, form)}.none", ContentFile(code.encode()))


def _folder(attachment: Attachment) -> str:
    return f"{attachment.tenant_id.hex}/{attachment.id.hex}"


def _thumbnail(attachment: Attachment) -> str:
    return f"{_folder(attachment)}/thumbnail.webp"


def _write(name: str, file: File[Any]) -> str:
    file.seek(0)
    return str(default_storage.save(name, file))


def platform_key(attachment_id: uuid.UUID) -> str:
    """Under this key of the cache stands what platforms call the file that was put there (messaging/media/platform_files)."""
    return f"platform-file:{attachment_id}"


def _erase_all(attachments: Iterable[Attachment]) -> None:
    """All that lies under their names: the files, and whatever was made of them; and what is remembered of where a platform
    keeps them."""
    doomed = list(attachments)
    cache.delete_many([platform_key(attachment.id) for attachment in doomed])
    for folder in map(_folder, doomed):
        try:
            files = default_storage.listdir(folder)[1]
        except (FileNotFoundError, NotADirectoryError):
            continue
        _erase(f"{folder}/{name}" for name in files)


def _erase(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
