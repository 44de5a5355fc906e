"""Whether a person has not what they were asked for ("I don't know the number", "lost the e-mail", "can't you find it by my name?"),
or asks what was meant by the question.

Owns the shapes, by language. They are looked for only while a question is open: elsewhere the same words may be a wish. Must not
decide what follows.
"""

from __future__ import annotations

import regex

from channels_app.words.folding import unmarked

LONGEST = 120  # characters; who writes more tells something else
_WORDS = r"(?:[\s,]+[^\s,.?!;]+){0,8}"
_BEFORE = r"(?:(?:sorry|well|um+|hm+|oh|wait|hold on|warte|moment|attends|attendez|espera|espere|ok(?:ay)?|but|and|i['’]?m|i am|i|we|honestly|really|actually|entschuldigung|also|leider|aber|puh|pardon|désolée?|euh|ben|mais|ah|lo siento|perdón|pues|pero|la verdad|desculpe|bem|mas|olhe|ai)\b[\s,.…]*)*"
#: what they were asked for is not known, not at hand, or to be found in another way
_LACKING = (
    # English
    rf"(?:really\s+)?(?:do not|don['’]?t|can['’]?t|cannot|can not|couldn['’]?t|haven['’]?t|didn['’]?t|never)\s+(?:really\s+|even\s+)?(?:know|remember|recall|tell|have|got|get|kept|keep)\b{_WORDS}",
    rf"(?:can['’]?t|cannot|can not|couldn['’]?t)\s+(?:find|see)\b{_WORDS}",
    rf"(?:have\s+|got\s+|there\s+is\s+|there['’]?s\s+)?no\s+(?:idea|clue|number|code|e-?mails?|confirmation|receipt)\b{_WORDS}",
    r"dunno|idk|no\s+clue|jsp|ka|not\s+sure|unsure|beats\s+me|who\s+knows",
    rf"(?:have\s+|['’]?ve\s+|just\s+)*(?:lost|forgot(?:ten)?|deleted|threw\s+away|misplaced)\b{_WORDS}",
    rf"(?:can|could|can['’]?t|couldn['’]?t|is\s+it\s+possible)\b.*\b(?:by|with|from|under|using|without)\s+(?:my|the|an?)?\s*(?:name|e-?mail|phone|address|number|account)\b{_WORDS}",
    rf"(?:what\s+if|is\s+there\s+(?:another|a\s+different)\s+way|another\s+way|any\s+other\s+way)\b{_WORDS}",
    # German
    rf"(?:(?:ich|wir|das|die|den|sie|es)\s+)?(?:weiß|weiss|wissen|kenne?|finde?|hab(?:e|en)?)\b{_WORDS}\s+(?:nicht|nich|nix|keine?[nr]?)\b(?!\s+gut|\s+schön){_WORDS}",
    rf"(?:(?:ich|wir|das)\s+)?kann\b{_WORDS}\s+nicht\s+(?:mehr\s+)?(?:finden|sagen|erinnern|sehen)",
    rf"keine?\s+(?:ahnung|nummer|plan|schimmer|e-?mail|mail|idee|bestätigung)\b{_WORDS}",
    rf"(?:ich\s+)?(?:hab(?:e)?\s+)?(?:(?:die|den|das|meine?n?|sie|es)\b)?{_WORDS}\s*(?:verloren|vergessen|gelöscht|weggeworfen|verlegt)(?:\s+\S+)?",
    rf"(?:geht|kann|können|könnt|kannst|ginge|finden|findet)\b.*\b(?:mit|über|unter|per|ohne|anhand)\s+(?:meine[nrm]?|die|der|dem)?\s*(?:namen?|e-?mail|mail|telefon\w*|adresse|nummer|konto)\b{_WORDS}",
    # French
    rf"(?:je\s+)?(?:ne\s+|n['’])?\s*(?:(?:le|la|les|l['’]|en|me|m['’]|m['’]en)\s*)?(?:sais|connais|trouve|retrouve|souviens|rappelle)\s+(?:pas|plus|aucune?)\b{_WORDS}",
    rf"(?:je\s+)?(?:ne\s+l['’]|n['’]|j['’]|l['’])ai\s+(?:pas|plus|aucune?)(?:\s+(?:le|la|de|ce|cette|l['’]|d['’])\s*{_WORDS})?(?:\s+(?:numéro|idée|e-?mail))?",
    rf"(?:je\s+n['’]ai\s+)?aucune?\s+(?:idée|numéro|e-?mail)\b{_WORDS}|pas\s+(?:la\s+moindre\s+)?(?:idée|de\s+numéro|d['’]e-?mail)\b{_WORDS}|(?:je\s+n['’]|j['’])en\s+sais\s+rien",
    rf"(?:j['’]ai\s+|je\s+l['’]ai\s+)?(?:perdue?|oubliée?|supprimée?|effacée?|jetée?)\b{_WORDS}",
    rf"(?:vous\s+pouvez|pouvez-vous|on\s+peut|est-ce\s+que\s+vous\s+pouvez|c['’]est\s+possible)\b.*\b(?:avec|par|sous|sans)\s+(?:mon|ma|le|la|un)?\s*(?:nom|e-?mail|téléphone|adresse|numéro|compte)\b{_WORDS}",
    # what was kept is gone; another way: "and with my e-mail?"
    r"(?:(?:the|my|die|der|das|meine?|le|la|l['’]|mon|ma|el|mi|[oa](?:\s+(?:meu|minha))?)\s*)?(?:e-?mail|mail|number|nummer|numéro|número|correo|confirmation|bestätigung(?:smail)?)\s+(?:is|ist|est|está|foi)\s+(?:gone|deleted|lost|weg|futsch|gelöscht|verschwunden|perdue?|effacée?|supprimée?|borrado|perdido|apagad[oa])",
    r"(?:and\s+|und\s+|et\s+|y\s+|e\s+)?(?:by|with|mit|über|avec|par|con|por|com|pelo)\s+(?:my|meine[rmn]?|mon|ma|mi|[oa]\s+(?:meu|minha))\s+(?:name|namen|e-?mail|mail|phone|telefon\w*|adresse|nom|téléphone|nombre|correo|teléfono|nome|telefone|telemóvel|morada)",
    # Spanish
    rf"(?:yo\s+)?(?:ya\s+)?no\s+(?:(?:lo|la|me|los|las)\s+)?(?:sé|se|sabría|sabemos|recuerdo|acuerdo|tengo|encuentro|conozco|puedo\s+(?:encontrar|decir)\w*)\b{_WORDS}",
    rf"ni\s+idea\b{_WORDS}|(?:ningún|ninguna)\s+(?:idea|número|correo)\b{_WORDS}|qué\s+sé\s+yo",
    rf"(?:(?:(?:lo|la)\s+)?he\s+|se\s+me\s+|(?:lo|la)\s+)?(?:perdí|perdido|olvidé|olvidado|borré|borrado|olvidó|tiré|tirado)\b{_WORDS}",
    rf"(?:puedes?|pueden|podéis|podría[ns]?|se\s+puede|es\s+posible)\b.*\b(?:por|con|sin)\s+(?:mi|el|la|un)?\s*(?:nombre|correo|e-?mail|teléfono|dirección|número|cuenta)\b{_WORDS}",
    # Portuguese
    rf"(?:eu\s+)?(?:já\s+)?(?:não|nao)\s+(?:(?:o|a|me)\s+)?(?:sei|sabemos|lembro|recordo|tenho|encontro|conheço|faço\s+ideia|consigo\s+(?:encontrar|dizer|ver))(?:-me)?\b{_WORDS}",
    rf"(?:sem|nenhuma)\s+(?:ideia|noção|número)\b{_WORDS}|sei\s+lá",
    rf"(?:(?:eu|já|o|a)\s+)?(?:perdi|esqueci|apaguei|deletei|deitei\s+fora)(?:-me)?\b{_WORDS}",
    rf"(?:pode[ms]?|podia[ms]?|poderia[ms]?|dá\s+para|consegue[ms]?|é\s+possível)\b.*\b(?:por|pelo|pela|com|sem)\s+(?:o\s+|a\s+)?(?:meu|minha|o|a|um)?\s*(?:nome|e-?mail|telefone|telemóvel|endereço|morada|número|conta)\b{_WORDS}",
)  # fmt: skip
#: what is looked for by place or time is a wish of its own ("I don't know where my parcel is")
_WISH = r"(?!.*\b(?:where|when|how\s+(?:much|long)|why|wo|wann|warum|où|quand|pourquoi|dónde|cuándo|por\s+qué|onde|quando|por\s+que)\b)"
_THING = r"(?:number|code|nummer|numéro|número|e-?mail|mail|correo|(?:^|\W)(?:it|that|sie|das|es|le|la|lo|isso))"
_PUZZLED = (
    r"(?:what|how)\s+do\s+(?:you|u)\s+mean.*|(?:what|huh|pardon|sorry|which(?:\s+one)?|what\s+(?:number|is\s+that|is\s+it|kind))\s*(?:\s+(?:number|code|one|order\s+number))?",
    rf"where\s+(?:do|can|would|will)\s+i\s+(?:find|see|get|look\s+for)\b.*{_THING}.*",
    r"(?:was|wie)\s+(?:meinst|meinen)\s+(?:du|sie).*|(?:was|hä|wie\s+bitte|welche(?:\s+nummer)?|was\s+ist\s+das|was\s+für\s+eine(?:\s+nummer)?|wie\s+jetzt)",
    rf"wo\s+(?:finde|sehe|steht|kann|ist)\b.*{_THING}.*",
    r"(?:comment\s+(?:ça|cela)|c['’]est-à-dire|que\s+voulez-vous\s+dire.*|quoi|hein|pardon|quel(?:le)?(?:\s+numéro)?|vous\s+voulez\s+dire\s+quoi|c['’]est\s+quoi(?:\s+(?:le|ce)\s+numéro)?)",
    rf"où\s+(?:est-ce\s+que\s+je\s+|puis-je\s+)?(?:l[ea]\s+)?(?:trouver?|est)\b.*{_THING}.*|où\s+(?:est-ce\s+que\s+je\s+|puis-je\s+)l[ea]\s+trouver?|je\s+l[ea]\s+trouve\s+où",
    r"(?:qué|que)\s+quieres?\s+decir.*|(?:cómo|cómo\s+así|qué|perdón|cuál|qué\s+(?:número|es\s+eso)|cómo\s+dices)",
    rf"(?:dónde|donde)\s+(?:lo\s+)?(?:encuentro|veo|está|puedo)\b.*{_THING}.*|dónde\s+lo\s+(?:encuentro|veo|busco)",
    r"como\s+assim|o\s+que\s+quer(?:es)?\s+dizer.*|(?:o\s+quê|quê|qual(?:\s+número)?|como|que\s+número|desculpe)",
    rf"onde\s+(?:é\s+que\s+)?(?:o\s+|a\s+)?(?:encontro|vejo|está|posso|fica)\b.*{_THING}.*|onde\s+(?:é\s+que\s+)?o\s+(?:encontro|vejo)",
)  # fmt: skip
_END = r"[\s.?!…]*"
# Without marks on letters, as many type.
_HAS_NOT = regex.compile(unmarked(rf"¿?{_WISH}{_BEFORE}(?:{'|'.join(_LACKING)}){_END}"), regex.IGNORECASE)
_ASKS = regex.compile(unmarked(rf"¿?{_BEFORE}(?:{'|'.join(_PUZZLED)}){_END}"), regex.IGNORECASE)
TIMEOUT_S = 0.05


def lacks_it(text: str) -> bool:
    """True for a text whose writer has not, or does not know, what was asked for. What they have, or want otherwise, is none."""
    return _fits(_HAS_NOT, text)


def asks_what(text: str) -> bool:
    """True for "what do you mean?", "which number?", "where do I find it?"."""
    return _fits(_ASKS, text)


def _fits(shape: regex.Pattern[str], text: str) -> bool:
    said = unmarked(" ".join(text.split()))
    if not said or len(said) > LONGEST:
        return False
    try:
        return shape.fullmatch(said, timeout=TIMEOUT_S) is not None
    except TimeoutError:
        return False
