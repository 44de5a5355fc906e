"""What "and when does it come?" means after an answer about a product: how long delivery takes, or when the order is
there that was spoken of.

Owns the shapes, by language, and the questions in full. Must not decide when they are looked for.
"""

from __future__ import annotations

import re

#: ((how long delivery takes, when an order arrives), shapes of the whole question that say no more than "it"): after an answer about a product
DELIVERY = tuple(
    (questions, re.compile(rf"(?:{'|'.join(shapes)})", re.IGNORECASE))
    for questions, shapes in (
        (
            ("How long does delivery take?", "When does my order {} arrive?"),
            (
                r"(?:and |so |ok )?(?:when|how (?:soon|fast|quickly)) (?:does|do|will|would|can|could) (?:it|they|this|that|these|those|one|you|i) (?:come|arrive|get here|get it|get one|get them|have it|have one|have them|be here|be there|be delivered|ship|ship it|ship them|send it|reach me|receive it|deliver it|deliver)(?: to me)?",
                r"(?:and |so |ok )?how long (?:does|do|will|would) (?:it|this|that|they) take(?: to (?:come|arrive|get here|get to me|ship|deliver|be delivered|reach me))?",
            ),
        ),
        (
            ("Wie lange dauert die Lieferung?", "Wann kommt meine Bestellung {}?"),
            (
                r"(?:und |ok )?(?:wann|wie schnell|bis wann) (?:kommt|kommen|käme|wäre|ist|sind|wird|werden|liefert|liefern|könnt|können) (?:sie|er|es|die|der|das|ihr)(?: (?:sie|ihn|es|die|den|das))?(?: (?:dann|an|da|hier|bei mir|geliefert|liefern))*",
                r"(?:und |ok )?(?:wann|wie schnell|bis wann) (?:habe?|hätte|bekomme?|kriege?|bekäme) ich (?:sie|ihn|es|die|den|das)(?: dann)?",
                r"(?:und |ok )?wie lange (?:dauert|würde|braucht|brauchen|bräuchte) (?:das|es|sie|er|ihr)(?: (?:dauern|brauchen|dann|denn|bis (?:sie|er|es|das) (?:da|hier|bei mir) ist))*",
            ),
        ),
        (
            ("Quels sont les délais de livraison ?", "Quand arrive ma commande {} ?"),
            (
                r"(?:et )?(?:elles?|ils?|ça|cela|c['’]est) (?:arrive(?:nt|ra|rait)?|vient|sera(?:it)? là|(?:est|sera|serait) livrée?|livré) quand",
                r"(?:et )?quand (?:est-ce qu['’](?:elles?|ils?) arrivent?|est-ce que ça arrive|arrive(?:ra|rait)?(?:nt)?-(?:t-)?(?:elles?|ils?)|ça arrive)",
                r"(?:et )?quand (?:est-ce que )?je (?:l['’]|la |le |les )?(?:reçois|recevrais?|aurais?|aurai)",
                r"(?:et )?(?:ça|cela|il|elle) (?:prend|prendra|prendrait|met|mettra|mettrait) combien de temps(?: pour arriver)?",
                r"(?:et )?(?:en |dans )?combien de temps(?: (?:ça|cela|elle|il) (?:prend|prendra|prendrait|met|mettra|mettrait|arrive))?(?: pour (?:arriver|la recevoir|le recevoir|l['’]avoir))?",
            ),
        ),
        (
            ("¿Cuánto tarda el envío?", "¿Cuándo llega mi pedido {}?"),
            (
                r"¿?(?:y )?cu[aá]ndo (?:me )?(?:llega(?:n|rá|rán|ría|rían)?|viene|lo recib[oe]|la recib[oe]|los recibo|las recibo|lo tendría|la tendría|lo tengo|la tengo)",
                r"¿?(?:y )?(?:en )?cu[aá]nto(?: tiempo)? (?:tarda(?:n|rá|ría)?|demora(?:n|rá|ría)?|llega(?:ría)?)(?: en (?:llegar|venir))?",
            ),
        ),
        (
            ("Quanto tempo demora a entrega?", "Quando chega a minha encomenda {}?"),
            (
                r"(?:e )?quando (?:é que )?(?:chega(?:m|rá|ria)?|vem|viria|[oa]s? recebo|recebo|receberia|[oa]s? recebia|[oa] teria)",
                r"(?:e )?(?:em )?quanto tempo (?:é que )?(?:demora(?:m|rá|ria)?|leva(?:m|rá|ria)?|vai demorar|chega)(?: a chegar)?",
            ),
        ),
    )
)  # fmt: skip


def delivery_asked(said: str, order: str = "") -> str:
    """The question in full, for "and when does it come?", of the order of that number if there is one; "" for any other text."""
    plain = " ".join(said[:200].split()).strip(" ?!.¿¡")
    asked = next((questions for questions, shape in DELIVERY if shape.fullmatch(plain)), ("", ""))
    return asked[1].format(order) if order else asked[0]
