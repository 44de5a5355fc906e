"""What a person said yes to: called once, as it was shown to them, and only if it is still allowed so."""

from __future__ import annotations

import time

from assistant.language.round import Turn
from assistant.tools.arguments import BadArguments
from assistant.tools.confirming import Asked
from assistant.tools.toolbox import Result, Toolbox, Wanted

UNSURE = "call_unsure"  # why a colleague is asked: it is unknown whether what the person agreed to was done


def call_agreed(box: Toolbox, turn: Turn, asked: Asked, made: Result | None) -> None:
    """The person said yes to exactly this. It is called as it was shown, if it is still allowed so; ``made``: it was, and
    is so whatever they say now."""
    try:
        ran = made or _ran(box, turn, asked)
    except BadArguments as error:
        turn.refused(asked.tool, error.code)
        turn.agreed_to = error.code
        turn.notes.append(f"The person said yes, but {asked.tool} could not be called any more: {error.told}")
        return
    turn.took(asked.tool, ran)
    turn.agreed_to = ran.outcome.code
    if ran.outcome.unsure:
        turn.handover = UNSURE
        return
    turn.agreed.append((asked.tool, ran.outcome.text or ran.outcome.code))
    turn.notes.append(
        f"The person said yes; {asked.tool} was called once, with the outcome {ran.outcome.code}. Tell them what came of it."
    )


def _ran(box: Toolbox, turn: Turn, asked: Asked) -> Result:
    """Raises BadArguments."""
    return box.call(still_wanted(box, asked), turn.ends - time.monotonic(), agreed=asked.mark)


def still_wanted(box: Toolbox, asked: Asked) -> Wanted:
    """The call as it was shown. Raises BadArguments where it would not be that any more."""
    wanted = box.wanted(asked.tool, asked.arguments)
    if dict(wanted.arguments) != dict(asked.arguments):
        raise BadArguments("person_changed", "The person is another one than was asked.")
    if wanted.title != asked.title:
        raise BadArguments("tool_changed", "The tool is another one than was shown.")
    return wanted
