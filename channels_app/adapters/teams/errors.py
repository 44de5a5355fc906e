"""What the codes in the connector's error answers mean for a send.

Owns the table code → SendError. Must not guess from words.
https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability
"""

from __future__ import annotations

from channels_app.adapters.base import raise_for_status, retry_after
from channels_app.adapters.wire import obj, string
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    ContactRefuses,
    HttpAnswer,
    Rejected,
    SendError,
    Throttled,
)

ERRORS: dict[str, type[SendError]] = {
    **dict.fromkeys(("BotNotRegistered", "Unauthorized"), ConfigError),
    **dict.fromkeys(
        ("ConversationBlockedByUser", "BotNotInConversationRoster", "MessageWritesBlocked"), ContactRefuses
    ),
    "BotDisabledByAdmin": ContactBlocked,
    **dict.fromkeys(("ConversationNotFound", "MemberNotFoundInConversation", "MessageSizeTooBig"), Rejected),
    **dict.fromkeys(("BadArgument", "BadSyntax", "MissingProperty"), Rejected),
}
#: what is to be deleted is there no more
GONE = frozenset({"ActivityNotFoundInConversation", "MessageNotFound"})
#: 412 means that operations on one conversation crossed each other: that passes, and is not the channel's fault
PASSING = frozenset({412, 429})


def raise_error(answer: HttpAnswer) -> None:
    """Raise the SendError that ``answer`` speaks of; return when it is a success.

    ``subCode`` is narrower than ``code``. An unknown code falls back to the HTTP status.
    """
    if 200 <= answer.status < 300:
        return
    error = obj(answer.json(), "error")
    codes = [string(error, name, limit=60) for name in ("subCode", "code")]
    code = next((one for one in codes if one in ERRORS), next(filter(None, codes), ""))
    detail = string(error, "message")
    pause = retry_after(answer.headers)
    if answer.status in PASSING:
        raise Throttled(code or f"http_{answer.status}", detail, retry_after=pause, status=answer.status)
    if code in ERRORS and answer.status < 500:  # a 5xx is the platform's own fault, whatever it calls it
        raise ERRORS[code](code, detail, retry_after=pause, status=answer.status)
    raise_for_status(answer, code, detail)
