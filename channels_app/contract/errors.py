"""Why a send did not work: a closed family.

Owns what each kind of failure means for the next try. Must not know any platform's codes.
"""

from __future__ import annotations


class SendError(Exception):
    """Why a send did not work. The family is closed: every failure maps to one subclass.

    ``outcome`` is the class of the attempt, ``retryable`` whether another try may help,
    ``holds_channel`` whether the channel itself is at fault (attempts are not used up then),
    ``sentence`` what staff read in the console.
    """

    outcome = "permanent"
    retryable = False
    holds_channel = False
    most_tries: int | None = None  # where fewer than usual make sense
    sentence = "The message could not be sent."

    def __init__(
        self, code: str = "", detail: str = "", *, retry_after: float | None = None, status: int | None = None
    ):
        super().__init__(f"{type(self).__name__} {code} {detail}".strip())
        self.code = code
        self.detail = detail[:500]
        self.retry_after = retry_after  # seconds
        self.status = status  # HTTP status, when there was one


class Rejected(SendError):
    sentence = "The platform refused this message for good."


class ContactBlocked(SendError):
    sentence = "This person cannot be reached on this channel (blocked, opted out or gone)."


class ContactRefuses(ContactBlocked):
    """The person's own doing: nothing is sent to them any more, until they write again."""

    sentence = "This person has blocked us, opted out or removed the app: nothing is sent until they write again."


class WindowClosed(SendError):
    sentence = "The reply window is closed: send an approved template."


class MediaLost(SendError):
    """The platform does not have, or could not read, the file that was to be sent: worth one more try, with the file
    put there anew."""

    outcome = "retryable"
    retryable = True
    most_tries = 2
    sentence = "The platform could not read the file."


class ConfigError(SendError):
    outcome = "config"
    retryable = True
    holds_channel = True
    sentence = "The platform refused the channel's credentials: correct them, held messages then go out."


class Throttled(SendError):
    outcome = "throttled"
    retryable = True
    sentence = "The platform asked us to slow down."


class Unreachable(SendError):
    outcome = "retryable"
    retryable = True
    sentence = "The platform could not be reached or had a fault of its own."


class OutcomeUnknown(SendError):
    """The request went out and no answer came back: the platform may have taken it."""

    outcome = "unknown"
    retryable = True
    sentence = "The platform did not answer in time: the message may have arrived."
