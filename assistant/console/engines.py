"""What may be asked for an answer that no person gets, by name and as staff call it. Must not ask any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.engines import BUILTIN, CURRENT, has_models
from assistant.llm.providers.offers import offers
from assistant.prompts.models import SystemPrompt

MOST_PROMPTS = 10
NAMED = {CURRENT: "What answers people now", BUILTIN: "The built-in assistant"}


def engines_shown() -> Sequence[tuple[str, str]]:
    """Of the tenant in scope."""
    return list(_engines())


def _engines() -> Iterator[tuple[str, str]]:
    yield from NAMED.items()
    if has_models():
        yield from ((f"model:{one.full_name}", one.full_name) for one in offers())
        for one in SystemPrompt.objects.order_by("-version")[:MOST_PROMPTS]:
            yield (
                f"prompt:{one.version}",
                f"Version {one.version} of the prompt" + (f": {one.note}" if one.note else ""),
            )
