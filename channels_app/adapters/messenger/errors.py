"""What the numbers in the platform's error answers mean for a send.

Owns the table code, or code/subcode → SendError. Must not look at the HTTP status of a known code: the
platform serves the same code with several of them.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/error-codes
"""

from __future__ import annotations

from channels_app.adapters.base import raise_for_status, retry_after
from channels_app.adapters.wire import obj, string
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    ContactRefuses,
    HttpAnswer,
    MediaLost,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
    WindowClosed,
)

_BY_CLASS: dict[type[SendError], str] = {
    Unreachable: "1 2 100/2018047 100/2018294",  # the last two: the file could not be fetched in time
    Throttled: "4 17 32 613 80006 9/2018352",
    WindowClosed: "10/2018278 10/2018065",
    ContactBlocked: "100/2018001",
    ContactRefuses: "551 10/2018108 200/2018108 200/1545041",  # blocked, or they have left
    MediaLost: "100/2018074 100/2018008",  # an id that is no more, a link that could not be fetched
    ConfigError: "10 102 190 200 230 368",  # permissions, token, restricted page
    Rejected: "100 10900 9000001",
}
ERRORS: dict[str, type[SendError]] = {code: error for error, codes in _BY_CLASS.items() for code in codes.split()}


def raise_error(answer: HttpAnswer) -> None:
    """Raise the SendError that ``answer`` speaks of; return when it speaks of none.

    The subcode decides before the code. An unknown code falls back to ``is_transient``, then to the HTTP
    status; a 2xx with an error inside is Rejected.
    """
    error = obj(answer.json(), "error")
    if not error:
        return raise_for_status(answer)
    code, subcode = string(error, "code", limit=40), string(error, "error_subcode", limit=40)
    exact = f"{code}/{subcode}" if subcode else code
    detail = string(error, "error_user_msg") or string(error, "message")
    known = ERRORS.get(exact) or ERRORS.get(code)
    if known is None and error.get("is_transient") is True:
        known = Unreachable
    if known is None:
        raise_for_status(answer, exact, detail)
        raise Rejected(exact, detail, status=answer.status)
    raise known(exact, detail, retry_after=retry_after(answer.headers), status=answer.status)
