"""Codes of the service in the words of support staff: why a message did not arrive, why a person waits, why work stopped.

Must not decide anything. A code that is not here is a platform's or an engine's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from channels_app.registry import KINDS, adapter_for

#: why a message did not arrive
FAULTS: Mapping[str, str] = {
    "window_closed": "The reply window had closed. Send a template, or wait until the person writes again.",
    "contact_stopped": "The person has stopped our messages.",
    "message_not_found": "The message is not there any more.",
    "ActivityNotFoundInConversation": "The message is not there any more.",
    "expired": "It had waited too long when it could have been sent.",
    "channel_disconnected": "The channel was disconnected before it could be sent.",
    "worker_lost": "The service was interrupted each time it tried to send it.",
    "adapter_error": "The service could not bring it into the form of this channel. Tell your administrators.",
    "media_gone": "The file was deleted before it could be sent.",
    "restored": "It was put aside after a backup was restored.",
    "call_ended": "The caller had hung up.",
    "no_call": "There was no call to speak into.",
    "person_writes_first": "On this platform the person has to write first.",
}
#: why a person waits for a colleague
WAITS: Mapping[str, str] = {
    "": "They asked for a person.",
    "requested": "They asked for a person.",
    "misunderstood": "The assistant did not understand them.",
    "loop": "The same came again and again, as from another machine: the assistant answers it no more.",
    "call_unsure": "They agreed to something that a tool was to do, and it is unknown whether it was done: check it there, then tell them.",
    "review": "The assistant wants a colleague to look at it.",
    "assistant_off": "The assistant is switched off.",
    "bot_off": "The assistant is switched off on this channel.",
    "bypass_automation": "The message was sent past the assistant.",
    "budget": "The day's money for language models is spent.",
    "safety": "A safety rule gives it to a colleague.",
    "noted": "The assistant says why in a note of the conversation.",
}
#: why calls to an integrator's endpoint stopped
STOPPED: Mapping[str, str] = {
    "failing": "Its calls failed again and again.",
    "gone": "It answered that it is gone for good.",
    "paused_too_long": "It had been paused for too long.",
}


def fault_words(code: str, kind: str = "") -> str:
    """``kind``: of the channel, whose platform has given the code."""
    known = adapter_for(kind).errors.get(code) if kind in KINDS else None
    return FAULTS.get(code) or (known.sentence if known else _refused(code))


def _refused(code: str) -> str:
    return f"The platform refused it ({code})." if code else "The platform did not say why."


def waits_words(reason: str) -> str:
    """An engine has codes of its own, and its own words where events carry words; an intent stands as ``intent:<name>``."""
    if reason.startswith("intent:"):
        return f"It is about “{reason.removeprefix('intent:').replace('_', ' ')}”, which a colleague answers."
    return WAITS.get(reason) or f"The assistant says: {reason}"


def stopped_words(reason: str) -> str:
    return STOPPED.get(reason) or f"Its calls failed ({reason})."
