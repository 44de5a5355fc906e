"""Voice messages in words: a transcriber is asked once the file is here, the bot waits for it a while.

Owns the port to an OpenAI-compatible ``/audio/transcriptions`` and what follows from its answer. Without
TRANSCRIBE_URL nothing of this happens: the assistant says that it cannot listen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.files.storage import default_storage

from channels_app.content.media import essence, kind_of
from channels_app.content.normalise import clean_text
from channels_app.content.types import MAX_FULL_TEXT, Content, worded
from channels_app.contract import OutcomeUnknown, Rejected, SendError, Throttled, Unreachable
from channels_app.http.client import HttpClient, authority
from conversations.files.attachments import NEVER, form_name, form_size, shown_form, storage_asked
from conversations.messages import words_of
from conversations.models import Attachment, Conversation, Message
from conversations.safety import Hidden, flags_take, words_hidden
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.live.push import push_media
from messaging.models import Turn
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.tenant_settings import settings_for
from tenants.work.leases import put_off, settle

log = structlog.get_logger(__name__)

ANSWER_S = 60.0  # the longest a transcriber may take
PAUSES_S = (2, 8, 30)  # between tries; afterwards the recording stays without words
WORDED = ("text", "words", "content", "analysis")  # what a message has of a transcript
MOST_BYTES = 25 * 1024 * 1024  # of a recording, the usual limit of such services

#: called with the conversation, which is held, and its message once a recording's words are the message's
when_heard: list[Callable[[Conversation, Message], object]] = []


def listens(mime: str) -> bool:
    """Whether a transcriber for files of this type is configured, and the tenant in scope lets it hear them."""
    heard = bool(settings.ENV["TRANSCRIBE_URL"]) and kind_of(mime) == "audio"
    return heard and settings_for(current_tenant_id()).features.transcripts


def transcript_wait(content: Content) -> timedelta:
    """How long the bot holds its answer back for the words of this message; none for most."""
    spoken = content.type == "audio" and not content.text and content.media and listens(content.media.type)
    return timedelta(seconds=settings.ENV["TRANSCRIBE_WAIT_S"] if spoken else 0)


def transcribe(attachment: Attachment) -> None:
    """Put a stored recording into words: on the attachment and as the text of its message. The caller
    holds the row's lease."""
    try:
        words = clean_text(transcript_of(attachment), limit=MAX_FULL_TEXT)
    except SendError as error:
        log.info(
            "recording_not_transcribed", attachment=str(attachment.id), code=error.code, attempts=attachment.attempts
        )
        if error.retryable and attachment.attempts <= len(PAUSES_S):
            pause = PAUSES_S[attachment.attempts - 1]
            if put_off(attachment, now() + timedelta(seconds=pause)):
                wake.media(attachment.id, delay_s=pause)
            return
        words = ""
    if words:
        _write(attachment, *words_hidden(attachment.tenant_id, words))
    transcription_end(attachment)


def transcription_end(attachment: Attachment) -> None:
    """There is nothing more to transcribe in a leased recording: the bot need not wait for it."""
    if settle(attachment, due_at=NEVER) and attachment.message:
        let_answer(attachment.message)


def transcript_of(attachment: Attachment) -> str:
    """What is said in a recording. Raises a SendError.

    https://platform.openai.com/docs/api-reference/audio/createTranscription
    """
    if (attachment.size or 0) > MOST_BYTES:
        raise Rejected("too_large")
    env = settings.ENV
    url, key = f"{env['TRANSCRIBE_URL'].rstrip('/')}/audio/transcriptions", env["TRANSCRIBE_API_KEY"]
    http = HttpClient(
        frozenset([key]) - {""}, allow_hosts=frozenset([authority(url)]), read_s=ANSWER_S, total_s=ANSWER_S
    )
    form = shown_form(attachment)  # services hear no AMR
    made = form if form and form_size(attachment, form) else None
    mime, stored_as = (made.mime, form_name(attachment, made)) if made else (attachment.mime, str(attachment.file.name))
    with storage_asked(), default_storage.open(stored_as, "rb") as file:
        recording = file.read()
    name = (not made and attachment.name) or f"recording.{essence(mime).split('/')[1]}"
    answer = http.request(
        "POST", url, headers={"Authorization": f"Bearer {key}"} if key else {},
        data={"model": env["TRANSCRIBE_MODEL"], "response_format": "json"},
        files={"file": (name, recording, mime)},
    )  # fmt: skip
    if answer.status == 429:
        raise Throttled("http_429", status=429)
    if answer.status >= 500:
        raise Unreachable(f"http_{answer.status}", status=answer.status)
    if answer.status != 200:
        raise Rejected(f"http_{answer.status}", status=answer.status)
    words = answer.json()
    if not isinstance(words, dict) or not isinstance(words.get("text"), str):
        raise OutcomeUnknown("answer_broken")
    return str(words["text"])


def let_answer(message: Message) -> None:
    """The bot need not wait for this message any longer: its turn is due now, unless it waits for the
    words of another one as well."""
    turns = Turn.objects.filter(
        conversation_id=message.conversation_id, status=Turn.Status.WAITING,
        first_seq__lte=message.seq, last_seq__gte=message.seq, due_at__gt=now(),
    )  # fmt: skip
    for turn in turns:
        unheard = Attachment.objects.filter(
            message__conversation_id=message.conversation_id, message__seq__gte=turn.first_seq,
            message__seq__lte=turn.last_seq, message__content_type="audio", due_at__lt=NEVER,
        )  # fmt: skip
        if not unheard.exists():
            turns.filter(id=turn.id).update(due_at=now())
            wake.respond(turn.id)


@retried
def _write(attachment: Attachment, words: str, hidden: Hidden) -> None:
    message_id = attachment.message_id
    where = {"id": Message.objects.values_list("conversation_id", flat=True).get(id=message_id)}
    with atomic():
        conversation_advance(where)  # the lock
        if not Attachment.objects.filter(id=attachment.id, transcript="").update(transcript=words):
            return
        attachment.transcript = words
        message = Message.objects.get(id=message_id)
        if message.text:
            return  # edited meanwhile
        content = Content.model_validate({**message.content, **worded(words)})
        facts = words_of(message.tenant_id, content, hidden)
        for name in WORDED:
            setattr(message, name, facts[name])
        message.save(update_fields=WORDED)
        conversation = conversation_advance(where, events=1)
        assert conversation is not None  # locked above
        facts = {"attachment_id": str(attachment.id), "message_id": str(message.id), "seq": message.seq}
        events_append(conversation, [NewEvent("chat.attachment.transcribed", facts)])
        flags_take(message)
        for judge in when_heard:
            judge(conversation, message)
        on_commit(lambda: push_media(message, attachment))
