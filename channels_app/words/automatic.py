"""Whether a machine wrote a text by itself: out-of-office replies, and reports that something was not delivered.

Owns the shapes, in the languages of the widget that have them. Likeness between two texts tells less: each of these has other
words. Must not decide what follows.
"""

from __future__ import annotations

import regex

from channels_app.words.folding import unmarked

LOOKED_AT = 400  # characters
TIMEOUT_S = 0.05
_SHAPES = (
    # what calls itself so
    r"^\W*(?:re:\s*)?(?:auto(?:matic(?:ally)?)?[\s-]*(?:reply|response|responder|generated)|automatische\s+(?:antwort|abwesenheits\w+|nachricht)|abwesenheitsnotiz"
    r"|réponse\s+automatique|message\s+automatique|respuesta\s+automática|mensaje\s+automático|resposta\s+automática|mensagem\s+automática"
    r"|risposta\s+automatica|automatisch\s+antwoord|odpowiedź\s+automatyczna|otomatik\s+(?:yanıt|cevap)|رد\s+تلقائي|自動(?:返信|応答)|自动(?:回复|答复))",
    r"\b(?:this|that)\s+is\s+an?\s+auto(?:matic|mated|matically\s+generated)\s+(?:message|reply|response|e-?mail)|\bthis\s+message\s+was\s+(?:sent|generated)\s+automatically"
    r"|\bdies(?:e\s+\w+)?\s+(?:ist\s+eine\s+automatisch\w*|wurde\s+automatisch)|\b(?:ceci\s+est\s+un|ce)\s+message\s+(?:est\s+)?(?:automatique|généré\s+automatiquement)"
    r"|\b(?:este|esta)\s+(?:es\s+un\s+)?(?:mensaje|respuesta)\s+(?:es\s+)?automátic[oa]|\best[ae]\s+(?:é\s+uma?\s+)?(?:mensagem|resposta)\s+(?:é\s+)?automática",
    # who is away
    r"\b(?:i\s+am|i['’]?m|we\s+are|currently)\s+(?:currently\s+|now\s+)?(?:out\s+of\s+(?:the\s+)?office|on\s+(?:annual\s+|parental\s+|maternity\s+|sick\s+)?leave|away\s+from\s+my\s+desk|on\s+(?:vacation|holiday)\s+(?:until|from|and))"
    r"|\bich\s+bin\s+(?:\S+\s+){0,6}(?:nicht\s+(?:im\s+büro|im\s+haus|erreichbar)|außer\s+haus|abwesend|im\s+urlaub)\b|\bkeinen\s+zugriff\s+auf\s+meine\s+(?:e-?)?mails"
    r"|\bje\s+suis\s+(?:\S+\s+){0,4}(?:absente?|en\s+congés?)\b|\bestoy\s+(?:\S+\s+){0,4}(?:fuera\s+de\s+la\s+oficina|de\s+vacaciones|ausente)\b"
    r"|\bestou\s+(?:\S+\s+){0,4}(?:ausente|fora\s+do\s+escritório|de\s+férias)\b|\b(?:no|without|limited)\s+access\s+to\s+(?:my\s+)?e-?mails?\b",
    # what came back
    r"^\W*(?:undeliver(?:able|ed)|mail\s+delivery\s+(?:failed|failure|subsystem)|delivery\s+(?:status\s+notification|has\s+failed|incomplete)|returned\s+mail|failure\s+notice|unzustellbar|non\s+remis|no\s+se\s+puede\s+entregar|não\s+entregue)"
    r"|\b(?:message|mail|e-?mail|sms|text)\s+(?:was\s+|is\s+|has\s+)?(?:not|n['’]?t)\s+(?:been\s+)?(?:delivered|sent)\b|\b(?:message|e-?mail)\s+(?:could\s*n[o'’]?t|can\s*not|couldn['’]?t)\s+be\s+delivered"
    r"|\bnachricht\s+(?:konnte\s+nicht|wurde\s+nicht)\s+(?:zugestellt|gesendet)|\bmessage\s+n['’]a\s+pas\s+(?:pu\s+être|été)\s+(?:remis|distribué|envoyé)"
    r"|\bmensaje\s+no\s+(?:se\s+)?(?:ha\s+(?:sido\s+)?|pudo\s+(?:ser\s+)?)(?:entregado|enviado|entregar)|\bmensagem\s+não\s+(?:foi|pôde\s+ser)\s+(?:entregue|enviada)",
    # a bot's menu
    r"\b(?:sorry|apologi[sz]e)\b[^.?!]{0,40}\b(?:didn['’]?t|did\s+not|don['’]?t|do\s+not|couldn['’]?t)\s+(?:quite\s+)?(?:understand|get|catch)\b.{0,40}\b(?:choose|select|pick|try\s+again|rephrase)\b",
    r"\b(?:leider|entschuldigung)\b[^.?!]{0,40}\bnicht\s+verstanden\b.{0,40}\b(?:wählen|versuchen|formulieren)\b|\b(?:pas|n['’]ai\s+pas)\s+compris\b.{0,40}\b(?:choisir|choisissez|reformul\w+|réessay\w+)\b"
    r"|\bno\s+(?:he\s+)?entend\w+\b.{0,40}\b(?:elige|elija|selecciona|seleccione|reformul\w+)\b|\bnão\s+(?:entendi|compreendi|percebi)\b.{0,40}\b(?:escolha|selecione|reformul\w+)\b",
)  # fmt: skip
_AUTOMATIC = regex.compile(unmarked("|".join(f"(?:{shape})" for shape in _SHAPES)), regex.IGNORECASE | regex.DOTALL)


def is_automatic(text: str) -> bool:
    """True for "Automatic reply: I am out of the office", "Message not delivered", "Sorry, I did not get that. Please choose an
    option". "My order was not delivered" is a person's."""
    try:
        return _AUTOMATIC.search(unmarked(text[:LOOKED_AT]), timeout=TIMEOUT_S) is not None
    except TimeoutError:
        return False
