"""The base class of every adapter: it owns the sequence, a subclass fills in the blanks.

Adapters translate between one platform's wire format and ``contract``; they hold no state, import
neither Django nor models and get configuration and HTTP client handed in.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from channels_app.adapters.config import ChannelConfig, CommonConfig
from channels_app.content.types import Capabilities, Content
from channels_app.contract import (
    EVERYBODY,
    BadSignature,
    CheckResult,
    Complaint,
    ConfigError,
    Http,
    HttpAnswer,
    InboundItem,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Recipient,
    Rejected,
    RemoteTemplate,
    Reply,
    Sender,
    SendError,
    SendResult,
    Throttled,
    Unreachable,
)
from channels_app.http import pauses

__all__ = [
    "Adapter",
    "ChannelConfig",
    "constant_time_equal",
    "raise_for_status",
    "require",
    "require_no_page",
    "retry_after",
]


class Adapter(ABC):
    """One kind of channel. Class facts describe it; methods translate."""

    kind: ClassVar[str]
    label: ClassVar[str]
    #: what staff read of the platform within a sentence; "": the label
    platform: ClassVar[str] = ""
    #: symbol of the console's icon font
    icon: ClassVar[str] = "chat"
    #: what an address looks like, for who writes to a person first
    address_hint: ClassVar[str] = "A person's id there"
    config_class: ClassVar[type[CommonConfig]] = ChannelConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset()
    #: fields that say where we connect to (addresses, or hosts that may be named later): checked when saved,
    #: and a change of one demands the secrets anew
    address_keys: ClassVar[frozenset[str]] = frozenset({"api_base"})
    capabilities: ClassVar[Capabilities] = Capabilities()
    #: the header, in lower case, in which the platform proves a webhook; "" where no webhook ever comes
    signature_header: ClassVar[str] = ""
    #: seconds after which a request proves nothing any more, by the time that its platform signs; 0: none is signed
    replay_window_s: ClassVar[int] = 0
    #: to show typing marks the person's messages as read, too
    typing_reads: ClassVar[bool] = False
    #: the live push is the delivery: nothing outside has to be called (web)
    instant: ClassVar[bool] = False
    #: seconds to wait for more fragments of a thought before the bot answers
    debounce_s: ClassVar[float] = 0.0
    #: we may write to a person first, at an address that passes ``check_recipient``
    starts_conversations: ClassVar[bool] = False
    #: something may be said to people when their conversation has ended: how it was is asked, staff write again
    speaks_after_end: ClassVar[bool] = True
    #: people may stop our messages by a word (STOP) here, and must be able to
    consent_words: ClassVar[bool] = False
    #: also the words that only carriers reserve (CANCEL, END, QUIT, INFO)
    carrier_words: ClassVar[bool] = False
    #: sends per second and burst the platform allows for one channel
    rate: ClassVar[tuple[float, int]] = (20.0, 40)
    #: after this many seconds an undelivered message is too old to be sent
    expires_s: ClassVar[int] = 24 * 3600
    #: seconds for which a file that ``upload`` has put with the platform may be sent; 0: it takes no uploads
    upload_life_s: ClassVar[int] = 0
    #: codes of a failed status that say: the platform could not read the file
    media_codes: ClassVar[frozenset[str]] = frozenset()
    #: ``templates`` can list what the platform has approved
    lists_templates: ClassVar[bool] = False
    #: codes of a failed status that say: the reply window was closed
    window_codes: ClassVar[frozenset[str]] = frozenset()
    #: what a code of the platform's means, of those that are known
    errors: ClassVar[Mapping[str, type[SendError]]] = {}

    # ---- inbound -------------------------------------------------------------------

    def handshake(self, raw: RawRequest, config: Any) -> Reply | None:
        """The answer to a platform's check of the webhook address, or None. Raises BadSignature."""
        return None

    @abstractmethod
    def verify(self, raw: RawRequest, config: Any, http: Http) -> None:
        """Raise BadSignature unless the raw bytes prove their origin. ``http`` is for fetching the keys a
        platform publishes; what it raises (a SendError) is answered 503, so that the platform comes again."""

    def lane(self, raw: RawRequest, config: Any) -> str:
        """Whom the request comes from: what one person sent is understood in the order it came. Asked before the
        request is stored, so it reads ids and no words, and costs microseconds.

        "" for what needs no order (reports about our own messages), EVERYBODY where the person cannot be told or it
        concerns several: such a request waits for all before it, and all after it wait. May raise BadPayload."""
        return EVERYBODY

    def event_id(self, raw: RawRequest, config: Any) -> str:
        """The sender's own id of what the request tells, by which it is a repeat also in other bytes; "" where its
        items are known again by themselves, or its bytes are what is repeated. As ``lane``; may raise BadPayload."""
        return ""

    def parse(self, raw: RawRequest, config: Any) -> Sequence[InboundItem]:
        """Everything the request tells, in its order. One bad item becomes Malformed, it never loses
        the others. Raises BadPayload when the whole cannot be read."""
        return ()

    def acknowledge(self, raw: RawRequest, config: Any) -> Reply:
        """What the platform wants to read once the request is stored."""
        return Reply()

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: Any) -> str:
        """Why the platform cannot reach ``address`` by its form alone, as a sentence; "" when it can. Pure: asked
        before anything is stored. A kind whose addresses are the integrators' own takes all."""
        return ""

    def check_content(self, content: Content, config: Any) -> Sequence[Complaint]:
        """What the platform would refuse in ``content``, whose template is resolved, and no fitting can repair. Pure:
        asked before anything is stored."""
        return ()

    def uploads(self, content: Content) -> bool:
        """Whether the file of ``content``, which has a public link, is put with the platform before it is sent."""
        return bool(self.upload_life_s)

    def upload(self, content: Content, body: bytes, config: Any, http: Http) -> str:
        """Put the file of ``content`` with the platform; its id there, for ``render`` in an address that begins with
        PLATFORM_FILE. Nothing is shown to a person by it. Raises a SendError."""
        raise NotImplementedError

    def sender_at(self, address: str, name: str, config: Any) -> Sender | None:
        """The person at an address that passed ``check_recipient``, in the terms in which their own messages come; None
        where it is a place and no person's."""
        return Sender("user", address, name=name)

    def personal(self, thread: str) -> bool:
        """Whether a conversation in ``thread`` is the one between a person and us."""
        return not thread

    @abstractmethod
    def render(self, message: OutboundMessage, config: Any) -> Sequence[Payload]:
        """The API calls that carry ``message``, whose content is already fitted. Pure."""

    @abstractmethod
    def send(self, payload: Payload, config: Any, http: Http) -> SendResult:
        """Make one call. Raises a SendError."""

    def edit(self, platform_id: str, payload: Payload, recipient: Recipient, config: Any) -> Payload:
        """The call by which what the platform calls ``platform_id`` says what ``payload``, of `render`, would have sent. It may
        be made again. Raises Rejected. Asked where ``can_edit``."""
        raise NotImplementedError

    def delete(self, platform_id: str, reference: str, recipient: Recipient, config: Any) -> Payload:
        """The call that takes back what the platform calls ``platform_id``: of one that is gone already it is no fault.
        ``reference`` is the call's own, stable over all tries. As `edit`. Asked where ``can_delete``."""
        raise NotImplementedError

    def signal(self, action: str, recipient: Any, config: Any) -> Payload | None:
        """The call that shows ``typing`` or ``read`` to the person, or None. Best effort."""
        return None

    def transfer(self, recipient: Recipient, config: Any) -> Payload | None:
        """The call that puts the person through to a human outside (a phone call to a colleague's number),
        or None where staff answer in the conversation itself. Best effort, as ``signal``."""
        return None

    def window_s(self, config: Any, *, by_human: bool) -> int:
        """Seconds after a person's message in which anything may be said to them; 0: at any time. Some
        platforms leave colleagues (``by_human``) more than the bot."""
        return self.capabilities.window_s

    def templates(self, config: Any, http: Http) -> Sequence[RemoteTemplate]:
        """Every message template of the account, whatever its status. Raises a SendError."""
        return ()

    def locate(self, ref: MediaRef, config: Any, http: Http) -> tuple[str, Mapping[str, str]]:
        """Where the bytes of inbound media lie now, and the headers to fetch them with; asked again when
        the address has expired. Raises a SendError."""
        return ref.url, {}

    def check(self, config: Any, http: Http) -> CheckResult:
        """Ask the platform whether the credentials work. Never raises a SendError."""
        return CheckResult("unknown", "This kind of channel has no remote check.")


def constant_time_equal(given: str, expected: str) -> bool:
    """Compare two signatures; never raises for non-ASCII input."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def require(condition: bool, why: str) -> None:
    """Raise BadSignature(why) unless ``condition``."""
    if not condition:
        raise BadSignature(why)


MOST_PAUSE_S = 3600.0  # that a platform may ask for
#: an account, an address or a proxy that is not as it should be: no message is lost for it
CHANNEL_WRONG = frozenset({401, 402, 403, 407})
NOT_NOW = frozenset({421, 423, 425})  # the same request is taken at another time or over another connection


def raise_for_status(answer: HttpAnswer, code: str = "", detail: str = "") -> None:
    """The rule for every platform that says nothing better: a redirect (none is followed, and
    nothing was taken), 401, 402, 403 and 407 → ConfigError, 429 → Throttled, 408 → OutcomeUnknown, 5xx, 421, 423 and 425 →
    Unreachable, other non-2xx → Rejected."""
    if 200 <= answer.status < 300:
        return
    code = code or f"http_{answer.status}"
    if answer.status in CHANNEL_WRONG or 300 <= answer.status < 400:
        raise ConfigError(code, detail or f"the address answers {answer.status}", status=answer.status)
    if answer.status == 429:
        raise Throttled(code, detail, retry_after=retry_after(answer.headers), status=429)
    if answer.status == 408:
        raise OutcomeUnknown(code, detail, status=408)
    if answer.status >= 500 or answer.status in NOT_NOW:
        raise Unreachable(code, detail, retry_after=retry_after(answer.headers), status=answer.status)
    raise Rejected(code, detail, status=answer.status)


def require_no_page(answer: HttpAnswer) -> None:
    """Raise OutcomeUnknown for a page of HTML, which a proxy or a portal gives in the place of the platform's answer."""
    if answer.body.lstrip()[:1] == b"<":
        raise OutcomeUnknown("no_answer", "a page came in the place of the platform's answer", status=answer.status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of ``Retry-After``, at most an hour; None when absent or odd."""
    return pauses.retry_after(headers, MOST_PAUSE_S)
