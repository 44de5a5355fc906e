"""Why a language model gave no answer, in the words of staff.

Owns the words. What the codes mean for operators: docs/llm.md.
"""

from __future__ import annotations

from collections.abc import Mapping

_LATER = "The provider asked for patience."
WORDS: Mapping[str, str] = {
    "budget_exceeded": "The day's money for language models is spent.",
    "price_unknown": "The model has no price, so that the day's limit cannot be held.",
    "no_model": "There is no language model that may be asked.",
    "no_model_meant": "All language models are kept for other things.",
    "no_model_fits": "No language model can do what the question needs.",
    "llm_denied": "The provider refuses the key.",
    "llm_quota_used_up": "The provider's account is empty, or at its own limit.",
    "llm_throttled": _LATER,
    "llm_overloaded": _LATER,
    "llm_unavailable": "The provider was in trouble.",
    "llm_busy": "The provider had been asked as often a minute as you allow.",
    "llm_resting": "The provider had failed again and again, and is left alone for a moment.",
    "llm_timeout": "The model did not answer in time.",
    "llm_unreachable": "The provider could not be reached.",
    "llm_address_blocked": "The provider's address may not be called.",
    "llm_model_unknown": "The provider does not know the model.",
    "llm_prompt_too_long": "The question was too long for the model.",
    "llm_refused": "The provider refused the question.",
    "llm_answer_broken": "The provider's answer made no sense.",
    "llm_cut": "The answer broke off.",
    "prompt_withheld": "The answer told what the prompt says in confidence, and was withheld.",
    "answer_too_long": "The answer was longer than one may be, and ends where it was cut.",
    "empty_answer": "The model said nothing.",
    "deadline_passed": "The time for an answer was over.",
    "stopped_by_refusal": "The model refused to answer.",
    "stopped_by_filter": "The provider's filter held the answer back.",
    "engine_crashed": "The engine failed.",
    "engine_away": "The engine could not be reached.",
}


def words_of(code: str) -> str:
    """A sentence; of a code that is none of ours, as another engine may have it, the code itself."""
    return WORDS.get(code) or f"There was no answer ({code})."
