"""What the codes in Twilio's error answers mean for a send.

Owns the table code → SendError. Must not look at the HTTP status of a known code.
https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

from channels_app.adapters.base import raise_for_status, retry_after
from channels_app.adapters.wire import string
from channels_app.contract import (
    ConfigError,
    ContactRefuses,
    HttpAnswer,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
    WindowClosed,
)

_BY_CLASS: dict[type[SendError], tuple[int, ...]] = {
    ConfigError: (
        *(20003, 20005, 20008, 30002, 63001),  # credentials and account
        *(21212, 21603, 21606, 21659, 21703, 21704, 63007),  # our own number or service
        *(30018, 30024, 30032, 30034),  # not registered, provisioned or verified
    ),
    ContactRefuses: (21610, 63014),
    WindowClosed: (63016,),
    Throttled: (20429, 14107, 21611, 30001, 30017, 30022, 30023, 30027, 63018, 63038),
    Unreachable: (20500, 20503, 30003, 30008, 30410),
    Rejected: (
        *(20404, 21201, 21205, 21211, 21213, 21214, 21215, 21216, 21217, 21218, 21219, 21220, 21408),
        *(21602, 21604, 21608, 21612, 21614, 21617, 21619, 21620, 21623, 21654, 21656, 21658),
        *(30004, 30005, 30006, 30007, 30009, 30010, 30011, 30012, 30019, 30020, 32018),
        *(63003, 63005, 63013, 63015, 63019, 63021, 63024, 63032, 63033),
    ),
}
ERRORS: dict[str, type[SendError]] = {str(code): error for error, codes in _BY_CLASS.items() for code in codes}
#: seconds to wait where Twilio names none: a full queue drains, a daily cap ends with the day
PAUSES: dict[str, float] = {"21611": 60.0, "30023": 3600.0, "30027": 3600.0, "63038": 3600.0}


def raise_error(answer: HttpAnswer) -> None:
    """Raise the SendError that ``answer`` speaks of; return when it speaks of none. An unknown code
    falls back to the HTTP status."""
    if 200 <= answer.status < 300:
        return
    body = answer.json()
    code, detail = string(body, "code", limit=40), string(body, "message", limit=500)
    known = ERRORS.get(code)
    if known is None:
        raise_for_status(answer, code, detail)
        return
    pause = retry_after(answer.headers)
    raise known(code, detail, retry_after=PAUSES.get(code) if pause is None else pause, status=answer.status)
