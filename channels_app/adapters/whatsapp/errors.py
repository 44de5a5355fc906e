"""What the numbers in the platform's error answers mean for a send.

Owns the table code → SendError. Must not look at the HTTP status of a known code: the platform
serves the same code with several of them.
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

from __future__ import annotations

from channels_app.adapters.base import raise_for_status, retry_after
from channels_app.adapters.wire import obj, string
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    HttpAnswer,
    MediaLost,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
    WindowClosed,
)

_BY_CLASS: dict[type[SendError], tuple[int, ...]] = {
    Unreachable: (1, 2, 131000, 131016, 131057, 133004, 2494100),
    Throttled: (4, 80007, 130429, 131048, 131056, 132069, 133016),
    WindowClosed: (131047,),
    ContactBlocked: (131026, 131050),
    MediaLost: (131053,),
    ConfigError: (
        *(0, 3, 10, 33, 190, 368, *range(200, 300)),  # token, permissions, deleted number, restricted account
        *(131005, 131031, 131037, 131042, 131044, 131045, 131064, 134011),
        *(133000, 133005, 133006, 133008, 133009, 133010, 133015),  # registration and PIN
    ),
    Rejected: (
        *(100, 130472, 130497, 131008, 131009, 131020, 131021, 131030, 131041, 131049, 131051, 131052),
        *(131062, 131063, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 135000, 137000),
    ),
}
WINDOW_CODES = frozenset(map(str, _BY_CLASS[WindowClosed]))
ERRORS: dict[str, type[SendError]] = {str(code): error for error, codes in _BY_CLASS.items() for code in codes}

#: seconds to wait when the platform names none: pair rate is 6 s per message, spam limits last hours
PAUSES: dict[str, float] = {"131056": 6.0, "131048": 3600.0, "80007": 600.0}


def raise_error(answer: HttpAnswer) -> None:
    """Raise the SendError that ``answer`` speaks of; return when it speaks of none.

    An unknown code falls back to the HTTP status; a 2xx with an error inside is Rejected.
    """
    error = obj(answer.json(), "error")
    if not error:
        return raise_for_status(answer)
    code = string(error, "code", limit=40)
    detail = string(error, "error_data", "details") or string(error, "message")
    known = ERRORS.get(code)
    if known is None:
        raise_for_status(answer, code, detail)
        raise Rejected(code, detail, status=answer.status)
    pause = retry_after(answer.headers)
    raise known(code, detail, retry_after=PAUSES.get(code) if pause is None else pause, status=answer.status)
