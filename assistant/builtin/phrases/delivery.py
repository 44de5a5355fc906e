"""What "and when does it come?" means after an answer about a product: how long delivery takes, or when the order is
there that was spoken of.

Owns the shapes, by language, and the questions in full. Must not decide when they are looked for.
"""

from __future__ import annotations

import re

from channels_app.words.folding import unmarked

_AND = r"(?:(?:and|so|ok|okay|but|und|aber|et|mais|y|pero|e|mas)[ ,]+){0,2}"
#: ((how long delivery takes, when an order arrives), shapes of the whole question that say no more than "it"): after an answer about a product
DELIVERY = tuple(
    (questions, re.compile(unmarked(rf"(?:{'|'.join(shapes)})"), re.IGNORECASE))
    for questions, shapes in (
        (
            ("How long does delivery take?", "When does my order {} arrive?"),
            (
                rf"{_AND}(?:when|how (?:soon|fast|quickly)) (?:does|do|will|would|can|could) (?:it|they|this|that|these|those|one|you|i) (?:come|arrive|get here|get it|get one|get them|have it|have one|have them|be here|be there|be delivered|ship|ship it|ship them|send it|reach me|receive it|deliver it|deliver)(?: to me)?",
                rf"{_AND}when(?: exactly)?",
                rf"{_AND}how long (?:does|do|will|would) (?:it|this|that|they) take(?: to (?:come|arrive|get here|get to me|ship|deliver|be delivered|reach me))?",
            ),
        ),
        (
            ("Wie lange dauert die Lieferung?", "Wann kommt meine Bestellung {}?"),
            (
                rf"{_AND}(?:wann|wie schnell|bis wann) (?:kommt|kommen|käme|wäre|ist|sind|wird|werden|liefert|liefern|könnt|können) (?:sie|er|es|die|der|das|ihr)(?: (?:sie|ihn|es|die|den|das))?(?: (?:dann|an|da|hier|bei mir|geliefert|liefern))*",
                rf"{_AND}(?:wann|wie schnell|bis wann) (?:habe?|hätte|bekomme?|kriege?|bekäme) ich (?:sie|ihn|es|die|den|das)(?: dann)?",
                rf"{_AND}wann(?: genau| denn)?",
                rf"{_AND}wie lange (?:dauert|würde|braucht|brauchen|bräuchte) (?:das|es|sie|er|ihr)(?: (?:dauern|brauchen|dann|denn|bis (?:sie|er|es|das) (?:da|hier|bei mir) ist))*",
            ),
        ),
        (
            ("Quels sont les délais de livraison ?", "Quand arrive ma commande {} ?"),
            (
                rf"{_AND}(?:elles?|ils?|ça|cela|c['’]est) (?:arrive(?:nt|ra|rait)?|vient|sera(?:it)? là|(?:est|sera|serait) livrée?|livré) quand",
                rf"{_AND}quand (?:est-ce qu['’](?:elles?|ils?) arrivent?|est-ce que ça arrive|arrive(?:ra|rait)?(?:nt)?-(?:t-)?(?:elles?|ils?)|ça arrive)",
                rf"{_AND}(?:c['’]est )?(?:pour )?quand(?: exactement)?",
                rf"{_AND}quand (?:est-ce que )?je (?:l['’]|la |le |les )?(?:reçois|recevrais?|aurais?|aurai)",
                rf"{_AND}(?:ça|cela|il|elle) (?:prend|prendra|prendrait|met|mettra|mettrait) combien de temps(?: pour arriver)?",
                rf"{_AND}(?:en |dans )?combien de temps(?: (?:ça|cela|elle|il) (?:prend|prendra|prendrait|met|mettra|mettrait|arrive))?(?: pour (?:arriver|la recevoir|le recevoir|l['’]avoir))?",
            ),
        ),
        (
            ("¿Cuánto tarda el envío?", "¿Cuándo llega mi pedido {}?"),
            (
                rf"{_AND}cu[aá]ndo (?:me )?(?:llega(?:n|rá|rán|ría|rían)?|viene|lo recib[oe]|la recib[oe]|los recibo|las recibo|lo tendría|la tendría|lo tengo|la tengo)",
                rf"{_AND}cu[aá]ndo(?: exactamente)?",
                rf"{_AND}(?:en )?cu[aá]nto(?: tiempo)? (?:tarda(?:n|rá|ría)?|demora(?:n|rá|ría)?|llega(?:ría)?)(?: en (?:llegar|venir))?",
            ),
        ),
        (
            ("Quanto tempo demora a entrega?", "Quando chega a minha encomenda {}?"),
            (
                rf"{_AND}quando (?:é que )?(?:chega(?:m|rá|ria)?|vem|viria|[oa]s? recebo|recebo|receberia|[oa]s? recebia|[oa] teria)",
                rf"{_AND}quando(?: exatamente)?",
                rf"{_AND}(?:em )?quanto tempo (?:é que )?(?:demora(?:m|rá|ria)?|leva(?:m|rá|ria)?|vai demorar|chega)(?: a chegar)?",
            ),
        ),
    )
)  # fmt: skip


def delivery_asked(said: str, order: str = "") -> str:
    """The question in full, for "and when does it come?", of the order of that number if there is one; "" for any other text."""
    plain = unmarked(" ".join(said[:200].split()).strip(" ?!.¿¡"))
    asked = next((questions for questions, shape in DELIVERY if shape.fullmatch(plain)), ("", ""))
    return asked[1].format(order) if order else asked[0]
