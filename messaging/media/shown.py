"""Files as people see them: what browsers do not show, in a form that they do (HEIC as JPEG, an AMR recording as M4A).

Owns which of a file's forms lies behind a link. Must not convert anything itself (messaging/media/convert).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import default_storage

from channels_app.content.forms import FORMS, SHOWN_ANYWAY, SHOWN_AS
from channels_app.content.media import ENDINGS, Refused, safe_name, thumbnail
from conversations.files.attachments import (
    NEVER,
    NOT_SHOWN,
    form_name,
    form_size,
    shown_form,
    storage_asked,
    thumbnail_write,
)
from conversations.models import Attachment
from messaging.media.convert.make import original
from messaging.media.thumbnails import thumbnail_order
from tenants.errors import NotFound, Unavailable
from tenants.work.child import NotConverted

THERE_IS_NONE = NotFound("There is no such form of this file.", code="media_not_found")


@dataclass(frozen=True)
class Served:
    """One of the files under an attachment's name."""

    name: str  # in the storage
    mime: str
    title: str  # to save it under


def form_shown(attachment: Attachment, mime: str, source: IO[bytes] | None = None) -> tuple[dict[str, Any], int]:
    """Make the form in which people see a file of type ``mime``, if they do not see the file itself: what its row has to
    say of it then, and the form's size in bytes. ``source`` has the file where the row does not yet. Raises StorageAway."""
    form = SHOWN_AS.get(mime)
    if form is None:
        return {}, 0
    try:
        with original(attachment, mime, source) as file:
            size = file.form(form)
        small = _thumbnail_of(attachment, form_name(attachment, form), form.mime)
    except NotConverted as error:
        return {"reason": f"{NOT_SHOWN}{error.code}"}, 0
    return ({"thumbnail": thumbnail_write(attachment, small)} if small else {}), size


def _thumbnail_of(attachment: Attachment, name: str, mime: str) -> bytes | None:
    if not mime.startswith("image/"):
        return None
    with storage_asked(), default_storage.open(name, "rb") as file:
        picture = io.BytesIO(File(file).read())
    try:
        return thumbnail(picture, mime)
    except Refused:
        return None


def served(attachment: Attachment, form: str, size: str) -> Served:
    """The file that a link to ``attachment`` opens. ``form``: "shown" (as people see it), "original" or one of FORMS;
    ``size``: "full" or "thumb". Raises NotFound ``media_not_found``, Unavailable ``media_pending``."""
    if form not in ("shown", "original"):
        return _form(attachment, form)
    shown = shown_form(attachment)
    picture = (shown.mime if shown else attachment.mime).startswith("image/")
    if size == "thumb":
        if not picture:
            raise THERE_IS_NONE
        if attachment.thumbnail.name:
            return Served(attachment.thumbnail.name, "image/webp", "thumbnail.webp")
        thumbnail_order(attachment)  # the call of its upload was lost, or it is still being made
    if form == "shown" and shown and form_size(attachment, shown):
        return _form(attachment, shown.name)
    on_its_way = attachment.message_id and attachment.due_at < NEVER and attachment.mime not in SHOWN_ANYWAY
    if form == "shown" and shown and on_its_way:
        raise Unavailable("The file is still being converted.", code="media_pending", retry_after=5)
    title = attachment.name or f"file{ENDINGS.get(attachment.mime, ('',))[0]}"
    return Served(str(attachment.file.name), attachment.mime, title)


def _form(attachment: Attachment, name: str) -> Served:
    form = FORMS[name]
    if not form_size(attachment, form):
        raise THERE_IS_NONE
    stem = PurePath(attachment.name).stem or form.mime.split("/")[0]
    return Served(form_name(attachment, form), form.mime, safe_name(f"{stem}{form.ending}", form.mime))
