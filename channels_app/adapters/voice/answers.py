"""What the caller hears next: one document per kind of step.

Owns the course of a call from the platform's side: question, question again, waiting, end. Must not
say anything of the bot's: its replies come as updates of the live call.
https://www.twilio.com/docs/voice/twiml/gather
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from channels_app.adapters.voice.config import VoiceConfig
from channels_app.adapters.voice.speech import Document
from channels_app.adapters.voice.steps import Step, Turn

REACHED = frozenset({"completed", "answered"})
FILLER_EVERY = 3  # rounds of waiting


def answer(now: Step, config: VoiceConfig) -> Document:
    """The document for this step; an empty one where nothing is to be heard."""
    document = Document(config.phrases(now.turn.language))
    if now.leaves:
        _leave(document, now, config)
    elif now.kind in ANSWERS:
        ANSWERS[now.kind](document, now, config)
    return document


def ask(
    document: Document,
    turn: Turn,
    config: VoiceConfig,
    questions: Sequence[str],
    *,
    miss: int = 0,
    sound: str = "",
    one_key: bool = False,
) -> None:
    """Ask, one question after another until the caller answers; then tell that nothing was heard.
    ``sound`` is played before the first; with ``one_key`` a single key answers."""
    for place, question in enumerate(questions):
        gather = document.gather(
            {
                "input": "dtmf speech",
                "action": turn.address("answer", miss=miss + place),
                "method": "POST",
                "timeout": str(config.silence_s),
                "speechTimeout": config.speech_end_s,
                "speechModel": config.speech_model,
                "language": document.phrases.language,
                "profanityFilter": str(config.profanity_filter).lower(),
                "bargeIn": str(config.barge_in).lower(),
                **({"hints": config.hints} if config.hints else {}),
                **({"numDigits": "1"} if one_key else {}),
            }
        )
        if sound and place == 0:
            document.play(sound, gather)
        document.say(question, gather)
    document.redirect(turn.address("silent", miss=miss + len(questions) - 1))


def transfer(document: Document, turn: Turn, config: VoiceConfig) -> None:
    """Put the caller through to the configured number."""
    document.say(document.phrases.transfer)
    answered = turn.address("answered")
    document.dial(config.handover_number, turn.address("dialled"), config.dial_timeout_s, answered=answered)


def _greet(document: Document, now: Step, config: VoiceConfig) -> None:
    phrases = document.phrases
    questions = [phrases.greeting, f"{phrases.no_input} {phrases.greeting}".strip()]
    ask(document, now.turn, config, questions[: 1 + config.reprompts])


def _hold(document: Document, now: Step, config: VoiceConfig) -> None:
    """The bot is thinking: its reply will replace this document."""
    document.pause(config.filler_after_s).redirect(now.turn.address("wait", miss=now.miss, wait=1))


def _hold_on(document: Document, now: Step, config: VoiceConfig) -> None:
    if now.wait % FILLER_EVERY == 1:
        document.say(document.phrases.filler)
    if config.hold_music_url:
        document.play(config.hold_music_url)
    else:
        document.pause(config.wait_s)
    document.redirect(now.turn.address("wait", miss=now.miss, wait=now.wait + 1))


def _ask_again(document: Document, now: Step, config: VoiceConfig) -> None:
    words = document.phrases.unclear if now.kind == "unclear" else document.phrases.no_input
    ask(document, now.turn, config, [words], miss=now.miss + 1)


def _after_transfer(document: Document, now: Step, config: VoiceConfig) -> None:
    if now.said.get("DialCallStatus") not in REACHED:
        document.say(document.phrases.unavailable)
    document.hang_up()


def _leave(document: Document, now: Step, config: VoiceConfig) -> None:
    """The bot gives up, or was asked to: a colleague takes the call, or it ends."""
    if now.kind == "waiting":
        document.say(document.phrases.apology)
    if config.handover_number:
        transfer(document, now.turn, config)
    else:
        document.say(document.phrases.goodbye).hang_up()


ANSWERS: dict[str, Callable[[Document, Step, VoiceConfig], None]] = {
    "incoming": _greet,
    "heard": _hold,
    "waiting": _hold_on,
    "silent": _ask_again,
    "unclear": _ask_again,
    "dialled": _after_transfer,
}
