"""Forms of a stored file: made once by a worker, kept beside the file, given up where they cannot be made.

Owns what is remembered of both. Must not choose a form (channels_app/content/forms.py has the tables), nor be called by
a web process: it takes seconds.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import structlog

from channels_app.content.forms import CONTAINERS, Form
from channels_app.content.media import FORMATS, Refused, as_jpeg
from channels_app.content.types import MAX_MEDIA_BYTES
from conversations.files.attachments import (
    files_of_deleted_erase,
    form_refusal,
    form_refuse,
    form_size,
    form_write,
    storage_asked,
)
from conversations.models import Attachment
from messaging.media.convert import programs
from tenants.storage.db import StorageAway
from tenants.work.child import WAIT_S, NotConverted

log = structlog.get_logger(__name__)

CONVERT_S = 60  # seconds that one form may take
PICTURE_S = 20
#: the longest that all of it takes for one delivery or file: looking into it, two forms, and as long a wait for each
MOST_S = 2 * (CONVERT_S + programs.PROBE_S + WAIT_S) * 2
LASTING = frozenset({"conversion_failed", "conversion_too_long"})  # the file's own fault: no other try helps


@dataclass
class Original:
    """A stored file in a folder of a child's own."""

    attachment: Attachment
    mime: str
    folder: str
    _source: IO[bytes] | None

    @cached_property
    def path(self) -> Path:
        path = Path(self.folder, programs.IN)
        with path.open("wb") as copy:
            if self._source is not None:
                self._source.seek(0)
                shutil.copyfileobj(self._source, copy)
            else:
                with storage_asked(), self.attachment.file.open("rb") as file:
                    shutil.copyfileobj(file, copy)
        return path

    @cached_property
    def recording(self) -> programs.Recording | None:
        """What a sound or film consists of; None where that cannot be told."""
        if self.mime not in CONTAINERS:
            return None
        try:
            return programs.recording(str(self.path.parent), self.mime)
        except NotConverted as error:
            _raise_if_busy(error)
            return None

    def form(self, form: Form) -> int:
        """Bytes of the file in this form, made now unless it was before. Raises NotConverted, StorageAway."""
        size = form_size(self.attachment, form)
        if size:
            return size
        if refusal := form_refusal(self.attachment, form):
            raise NotConverted(refusal)
        try:
            made = self._made(form)
        except NotConverted as error:
            _raise_if_busy(error)
            log.info("file_not_converted", attachment=str(self.attachment.id), form=form.name, code=error.code)
            if error.code in LASTING:
                form_refuse(self.attachment, form, error.code)
            raise
        with made:
            size = made.seek(0, io.SEEK_END)
            form_write(self.attachment, form, made)
        if files_of_deleted_erase(self.attachment):
            raise NotConverted("conversion_failed")
        log.info("file_converted", attachment=str(self.attachment.id), form=form.name, size=size)
        return size

    def _made(self, form: Form) -> IO[bytes]:
        if self.mime in FORMATS:
            return self._picture(form)
        known = self.recording
        if known and known.seconds > programs.MOST_SECONDS:
            raise NotConverted("conversion_too_long")
        seconds = CONVERT_S if self.mime in CONTAINERS else PICTURE_S
        folder = str(self.path.parent)
        return programs.convert(folder, self.mime, form, seconds=seconds, most_bytes=MAX_MEDIA_BYTES).open("rb")

    def _picture(self, form: Form) -> IO[bytes]:
        try:
            with self.path.open("rb") as file:
                made = as_jpeg(file, self.mime, form.side)
        except Refused as refused:
            raise NotConverted("conversion_failed") from refused
        if made is None:
            raise NotConverted("conversion_failed")
        return io.BytesIO(made)


@contextmanager
def original(attachment: Attachment, mime: str = "", source: IO[bytes] | None = None) -> Iterator[Original]:
    """The file to make forms of; ``mime`` and ``source`` where its row does not say yet what it is."""
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        yield Original(attachment, mime or attachment.mime, folder, source)


def _raise_if_busy(error: NotConverted) -> None:
    if error.code == "conversion_busy":
        raise StorageAway("conversion_busy") from error
