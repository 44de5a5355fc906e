"""A question of an evaluation set out of an answer that staff judged, for staff to finish (AI-10).

Owns what is taken over from a conversation. Must not store any of it.
"""

from __future__ import annotations

from assistant.evaluations.marks import Judged
from assistant.evaluations.models import EvaluationCase
from assistant.prompting.masking import Mask
from conversations.safety import WHY
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

SET = "judged"  # what the set of such questions is called, unless staff say otherwise
HIDDEN = ("card_number", "iban", "national_id", "email", "phone")


def case_drafted(one: Judged) -> dict[str, str] | None:
    """The columns of a new question, without what tells of the person as far as it is recognised; None where the person's words
    are gone. What a good answer rested on is expected of others; what a bad one has to say is for staff to write."""
    if one.question is None or not one.question.text.strip():
        return None
    analysis = one.answer.analysis
    sources = (analysis.get(WHY) or {}).get("sources")
    first = sources[0] if one.mark.good and isinstance(sources, list) and sources else {}
    words = Mask(HIDDEN, settings_for(current_tenant_id()).region).hide(" ".join(one.question.text.split()))
    return {
        "name": SET, "question": words[: EvaluationCase._meta.get_field("question").max_length],
        "language": one.question.language[:2], "intent": str(analysis.get("intent") or "")[:60] if one.mark.good else "",
        "source": str(first.get("title") or "")[:500] if isinstance(first, dict) else "",
    }  # fmt: skip
