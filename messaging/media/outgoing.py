"""Files of ours on their way out: an address that platforms can open, in a form that the channel's people can use.

Owns the choice among a file's forms for a channel. Must not send. What is made is made from the same bytes in the same
way every time and kept beside the original, so that every try of a delivery says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.core.files.storage import default_storage

from channels_app.content.forms import FORMS, SHOWN_AS, Form, convertible, ladder_for, plays
from channels_app.content.forms import takes as _takes
from channels_app.content.media import kind_of, safe_name
from channels_app.content.types import Capabilities, Content
from channels_app.contract import Rejected
from conversations.files.attachments import attachment_of, form_name, form_size, shown_form, storage_asked
from conversations.files.media_links import PATH, attachment_id_for, media_link
from conversations.models import Attachment
from messaging.media.convert.make import Original, original
from tenants.errors import NotFound
from tenants.work.child import NotConverted

NOT_CONVERTED = (
    "not_converted:"  # begins the reason on a file that a channel got as a link, for want of a form it takes
)
MOST_FORMS = 2  # that are tried for one delivery


def content_public(
    content: Content, caps: Capabilities, *, make: bool = True, notes: list[str] | None = None
) -> Content:
    """``content`` with a signed public link in place of ``media:…``, good for MEDIA_PUBLIC_LINK_TTL
    seconds; a file that the channel does not take as it is, in a form that it takes, where there is one.

    Without ``make`` (a web process, which only wants to show it) no form is made: the content says what it will be.
    ``notes`` gets a line for what becomes of the file. Raises Rejected ``media_gone`` when the file is no more.
    """
    try:
        attachment = attachment_of(content)
    except NotFound as error:
        raise Rejected("media_gone", "The file was deleted before it could be sent.") from error
    if attachment is None or content.media is None:
        return content
    link = media_link(attachment.id, ttl_s=settings.ENV["MEDIA_PUBLIC_LINK_TTL"])
    voice = caps.voice_type if content.type == "audio" else ""
    with original(attachment) as file:
        chosen = _Choice(attachment, caps, voice, file, make, [] if notes is None else notes).chosen()
    name = content.media.name or safe_name(content.type, chosen.mime)  # the link's own end is a token
    media = content.media.model_copy(
        update={"url": f"{link}{chosen.query}", "type": chosen.mime, "size_bytes": chosen.size, "name": name}
    )
    return content.model_copy(update={"media": media})


def own_file(url: str) -> bytes | None:
    """What lies under a link that `content_public` made; None for any other address. Raises Rejected ``media_gone``."""
    token, _, query = url.removeprefix(f"{settings.PUBLIC_URL}{PATH}").partition("?")
    named = attachment_id_for(token) if url.startswith(f"{settings.PUBLIC_URL}{PATH}") else None
    if named is None:
        return None
    attachment = Attachment.objects.filter(id=named[0], state=Attachment.State.STORED).first()
    form = FORMS.get(query.removeprefix("as="))
    try:
        if attachment is None:
            raise FileNotFoundError
        name = form_name(attachment, form) if form else str(attachment.file.name)
        with storage_asked(), default_storage.open(name, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError as error:
        raise Rejected("media_gone", "The file was deleted before it could be sent.") from error


@dataclass(frozen=True)
class _Way:
    """One of the forms in which the file can go out."""

    mime: str
    size: int  # bytes; 0 where it is not known yet
    query: str = ""  # of the link


@dataclass
class _Choice:
    """Which form of a file a channel gets. ``voice``: the type that it shows as a voice message, "" for none."""

    attachment: Attachment
    caps: Capabilities
    voice: str
    file: Original
    make: bool
    notes: list[str]
    failed: str = ""
    tried: list[str] = field(default_factory=list)

    def chosen(self) -> _Way:
        """As it is where the channel takes that, else the first form that can be made; the file itself, which becomes a
        link, where there is none."""
        as_it_is = next((way for way in self._unchanged() if self._fits(way)), None)
        if as_it_is and self.voice in ("", as_it_is.mime):
            return as_it_is
        made = self._made(self.voice if as_it_is else "")
        if made is None and as_it_is is None:
            self._say_why()
        return made or as_it_is or _Way(self.attachment.mime, self.attachment.size or 0)

    def _unchanged(self) -> Iterator[_Way]:
        form = shown_form(self.attachment)
        size = form_size(self.attachment, form) if form else 0
        if form and size:
            yield _Way(form.mime, size, f"?as={form.name}")
        yield self._itself

    @property
    def _itself(self) -> _Way:
        hidden = self.attachment.mime in SHOWN_AS  # the link alone shows another form of it
        return _Way(self.attachment.mime, self.attachment.size or 0, "?as=original" if hidden else "")

    def _fits(self, way: _Way) -> bool:
        if not _takes(self.caps.media_types, way.mime, way.size):
            return False
        longest = max(self.attachment.width or 0, self.attachment.height or 0)
        if kind_of(way.mime) == "image" and 0 < self.caps.max_image_px < longest:
            return False
        if way.mime not in self.caps.media_codecs:
            return True
        known = self.file.recording if self.make and way.mime == self.attachment.mime else None
        return plays(self.caps, way.mime, sorted(known.codecs) if known else None)

    def _made(self, only: str) -> _Way | None:
        """The first form that the channel takes and that can be made; of type ``only``, if that is given."""
        mime = self.attachment.mime
        if not convertible(mime) or not self._could_help():
            return None
        known = self.file.recording if self.make else None
        for form in ladder_for(self.caps, mime, known.seconds if known else 0.0):
            if only in ("", form.mime) and not self._too_wide(form) and len(self.tried) < MOST_FORMS:
                way = self._form(form)
                if way:
                    self.notes.append(f"{mime} → {form.mime}")
                    return way
        return None

    def _could_help(self) -> bool:
        """Not so for a channel without limits: it has taken the file as it is."""
        return bool(self.caps.media_types)

    def _too_wide(self, form: Form) -> bool:
        most = self.caps.max_image_px
        return kind_of(form.mime) == "image" and most > 0 and not 0 < form.side <= most

    def _form(self, form: Form) -> _Way | None:
        if not self.make:
            return _Way(form.mime, form_size(self.attachment, form), f"?as={form.name}")
        self.tried.append(form.name)
        try:
            size = self.file.form(form)
        except NotConverted as error:
            self.failed = error.code
            return None
        return _Way(form.mime, size, f"?as={form.name}") if _takes(self.caps.media_types, form.mime, size) else None

    def _say_why(self) -> None:
        """Staff see it on the delivery and on the file, integrators on the file."""
        if not self.make:
            return
        why = self.failed or ("too_large" if self.tried else "no_form")
        self.notes.append(f"{self.attachment.mime} not converted: {why}")
        unexplained = Attachment.objects.filter(id=self.attachment.id, reason="")
        unexplained.update(reason=f"{NOT_CONVERTED}{why}")
