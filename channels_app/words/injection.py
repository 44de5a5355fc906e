"""Words that try to talk an assistant out of its orders (MSG-3).

Owns the patterns of what is only suspected: a person may quote such words. Must not decide what is done then.
"""

from __future__ import annotations

import regex

_FEW = r"(?:[\w'’-]+\s+){0,4}?"
_SAID = (
    # in English, German, French and Spanish: leave aside what you were told
    rf"(?:ignore|disregard|forget|override|bypass)\s+{_FEW}(?:previous|prior|above|earlier|preceding|system|initial|your|all)\s+"
    rf"{_FEW}(?:instructions?|prompts?|rules|guidelines|directions|orders)",
    rf"(?:ignorier|vergiss|missacht)\w*\s+{_FEW}(?:anweisung|instruktion|vorgabe|regel|befehl)\w*",
    rf"(?:ignore|oublie)[rz]?\s+{_FEW}(?:instructions|consignes|règles)",
    rf"(?:ignora|olvida)\w*\s+{_FEW}(?:instrucciones|reglas|órdenes)",
    # tell what they were
    rf"(?:reveal|show|print|repeat|output|display|leak)\s+{_FEW}(?:(?:system|initial|hidden|original|secret)\s+(?:prompt|"
    r"instructions?|message))",
    # be another
    r"you\s+are\s+now\s+(?:in\s+)?(?:dan|developer\s+mode|jailbroken|unrestricted|unfiltered)",
    r"do\s+anything\s+now|(?:enable|enter|activate)\s+(?:developer|dan|god|jailbreak)\s+mode",
)
_MARKS = r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[/?INST\]|<</?SYS>>"  # of prompts
INJECTION = regex.compile(rf"(?<!\w)(?:{'|'.join(_SAID)})(?!\w)|{_MARKS}", regex.I)


def is_injection(text: str) -> bool:
    """Whether ``text`` is suspected of it."""
    return INJECTION.search(text) is not None
