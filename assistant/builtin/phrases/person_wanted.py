"""Whether a text asks for a human, be it beside another matter: "my parcel is late, a human please".

Owns the shapes, in the languages of the widget. Features of words and letters tell what a text is most about, and that is the
parcel. Must not decide what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import regex

from channels_app.words.folding import unmarked

LOOKED_AT = 1000  # characters
TIMEOUT_S = 0.05


class Shape(NamedTuple):
    """Of one language. ``asks``: found anywhere in a clause; ``alone``: all of a clause; ``denies``: makes it no wish, where it
    stands in the clause up to the end of what asks, ``refuses``: where it stands after its begin."""

    asks: str
    alone: str
    denies: str
    refuses: str = r"(?!)"


def _spaced(
    lead: str,
    talk: str,
    want: str,
    article: str,
    kind: str,
    noun: str,
    human: str,
    please: str,
    denies: str,
    more: str = r"(?!)",
) -> Shape:
    """Of a language that says "I would like to talk to a real person". ``human``: nouns that need no "please"; ``kind``: what
    may stand before or after a noun."""
    one = rf"(?:{article})?\s*(?:(?:{kind})\s+){{0,2}}"
    whom = rf"{one}(?:{noun}|{human})(?![\p{{L}}'’])"
    there = rf"{one}(?:{human})(?:\s+(?:{kind}))?"
    polite = rf"(?:{please})"
    return Shape(
        rf"\b(?:{lead})\s+(?:\p{{L}}+\s+){{0,2}}?(?:{talk})\s+{whom}"
        rf"|\b(?:{want})\s+(?:(?:{article})\s*(?:(?:{kind})\s+){{0,2}}(?:{noun}|{human})|{there})(?![\p{{L}}'’])|{more}",
        rf"(?:{polite}\s+)?(?:(?:{talk})\s+)?{there}(?:\s+{polite}|\s+now)*"
        rf"|(?:{polite}\s+)(?:(?:{talk})\s+)?{whom}(?:\s+(?:{kind}))?|(?:(?:{talk})\s+)?{whom}(?:\s+(?:{kind}))?\s+{polite}",
        denies,
    )


SHAPES: Mapping[str, Shape] = {
    "en": _spaced(
        r"want|need|like|love|wish|prefer|rather|wanna|have\s+to|must|(?:can|could|may|do|can['’]?t|couldn['’]?t)\s+(?:i|we)|let\s+me|please|just",
        r"(?:(?:talk|speak|chat|write|connect(?:ed)?|get|put|transfer(?:red)?)(?:\s+me)?\s+)?(?:to|with|through\s+to)|(?:call|reach|contact)(?=\s+(?:an?|the|your|some)\b)",
        r"(?:want|need|(?<!\byou\s)like|prefer|have|get|give|send|bring|fetch)(?:\s+me)?(?:\s+(?:now|just|please))?|(?:put|connect|transfer|pass|hand)\s+me\s+(?:through\s+|over\s+)?(?:to|with)",
        r"an?|the|one\s+of\s+your|your|some|any",
        r"real|live|actual|human|proper|living|another|support|service|breathing",
        r"person|people|agents?|operator|rep(?:resentative)?(?!\s+of)|advis[eo]r|colleagues?|employee|staff(?:\s+member)?|member\s+of\s+(?:the\s+)?(?:staff|team)|manager|supervisor|someone(?:\s+else)?|somebody|(?:customer\s+(?:service|support|care)|support)(?!\s+(?:number|hours|phone|e-?mail|address|desk|poles?|for))",
        r"humans?(?:\s+being)?(?!\s+(?:resources?|errors?|rights?|hair|size|body|touch|intervention))|(?:real|live|actual|living)\s+(?:person|agent|human|people)|someone\s+(?:real|human)|human\s+(?:agent|operator|support)",
        r"please|pls|plz|now|asap|right\s+now|thanks|thank\s+you|instead",
        r"\b(?:do\s+not|don['’]?t|does\s+not|doesn['’]?t|never|not)\s+(?:\p{L}+\s+){0,2}?(?:want|need|wish|like|have|to|an?|require)\b|\b(?:no|without|no\s+need|instead\s+of|rather\s+than|rather\s+not|nor)\b|^(?:when|what\s+time)\b",
    ),
    "fr": _spaced(
        r"veux|voudrais|souhaite\w*|aimerais|peux|puis-je|pourrais|pouvoir|possible\s+de|préfère|besoin\s+de|dois|laissez-moi|désire|faut",
        r"(?:parler|discuter|échanger|écrire|contact\w*|joindre)(?:\s+(?:à|avec))?|avec|à|(?:être\s+)?mise?\s+en\s+relation\s+avec",
        r"veux|voudrais|souhaite|besoin\s+d['’]|besoin\s+de|faut|passez-moi|(?:préfère|aimerais|voudrais)\s+avoir|me\s+passer|me\s+mettre\s+en\s+relation\s+avec|donnez-moi|mettez-moi\s+en\s+relation\s+avec|appelez|préfère",
        r"une?|l['’]|le|la|un\s+de\s+vos|votre|d['’]",
        r"vraie?|véritable|réelle?|autre|humaine?|vivante?|en\s+chair",
        r"personne|agent|conseill(?:er|ère)|opérat(?:eur|rice)|collègue|employée?|responsable|quelqu['’]?un|service\s+client|technicien",
        r"humaine?|être\s+humain|vraie\s+personne|personne\s+réelle",
        r"s['’]il\s+(?:vous|te)\s+pla[iî]t|svp|stp|merci|maintenant|vite",
        r"\bne?\s*(?:veu[xt]|voudrais|souhaite|désire|voulons)\w*\s+(?:pas|plus)|n['’]ai\s+pas\s+besoin|\b(?:pas\s+besoin|pas\s+d['’e]|sans|au\s+lieu|plutôt\s+qu|inutile|surtout\s+pas|pas\s+(?:une?|à|avec))|^quand\b",
    ),
    "es": _spaced(
        r"quiero|quisiera|querría|necesito|puedo|podría|me\s+gustaría|deseo|prefiero|déjame|déjeme|tengo\s+que|posible",
        r"(?:hablar|chatear|comunicarme|escribir|conversar|contactar)(?:\s+(?:con|a))?|con|a",
        r"quiero|quisiera|necesito|deseo|prefiero|p[áa]s[ae]me\s+(?:con|a)|p[óo]ng[ae]me\s+con|dame|deme|comun[ií]c[ae]me\s+con|llama\s+a",
        r"una?|el|la|alg[úu]n[ao]?|otra?",
        r"real|verdader[oa]|human[oa]|viv[oa]|de\s+verdad|de\s+carne\s+y\s+hueso|otr[oa]",
        r"persona|agente|asesora?|operador(?:a)?|emplead[oa]|compañer[oa]|encargad[oa]|alguien|atención\s+al\s+cliente|representante|responsable",
        r"human[oa]|ser\s+humano|persona\s+(?:real|de\s+verdad|humana)",
        r"por\s+favor|porfa(?:vor)?|gracias|ya|ahora",
        r"\b(?:no|nunca|tampoco)\s+(?:\p{L}+\s+)?(?:quiero|queremos|deseo|quisiera|necesito|hace\s+falta|prefiero|con|una?|a)\b|\b(?:sin|en\s+(?:vez|lugar)\s+de|ning[úu]n[ao]?)\b|^(?:cu[áa]ndo|a\s+qué\s+hora)\b",
    ),
    "pt": _spaced(
        r"quero|queria|gostaria\s+de|preciso(?:\s+de)?|posso|podia|poderia|prefiro|deixe-me|tenho\s+(?:de|que)|possível",
        r"(?:falar|conversar|escrever|contactar|contatar)(?:\s+(?:com|a))?|com",
        r"quero|queria|preciso\s+de|gostaria\s+de|prefiro|passe-me\s+(?:a|para)|me\s+pass[ae]\s+(?:para|a)|ligue-me\s+a|chame|me\s+transfere\s+para|transfira-me\s+para",
        r"uma?|[oa]|algum(?:a)?|outr[oa]",
        r"real|verdadeir[oa]|human[oa]|de\s+verdade|viv[oa]|outr[oa]|de\s+carne\s+e\s+osso",
        r"pessoa|atendente|agente|assistente|operador(?:a)?|funcionári[oa]|colega|alguém|apoio\s+ao\s+cliente|responsável|representante",
        r"human[oa]|ser\s+humano|pessoa\s+(?:real|de\s+verdade|humana)",
        r"por\s+favor|faz\s+favor|se\s+faz\s+favor|obrigad[oa]|já|agora|pfv?",
        r"\b(?:n[ãa]o|nunca|nem)\s+(?:\p{L}+\s+)?(?:quero|queremos|desejo|queria|gostaria|preciso|é\s+preciso|com|uma?)\b|\b(?:sem|em\s+vez\s+d[eo]|nenhum[a]?)\b|^(?:quando|a\s+que\s+horas)\b",
    ),
    "it": _spaced(
        r"voglio|vorrei|posso|potrei|devo|preferi(?:sco|rei)|desidero|fatemi|fammi|possibile|bisogno\s+di|riesco\s+a",
        r"(?:parlare|scrivere|chattare|comunicare)(?:\s+(?:con|a))?|con|contattare",
        r"voglio|vorrei|mi\s+serve|bisogno\s+di|pass(?:atemi|ami|i)|mi\s+passi|datemi|dammi|chiamate|preferisco",
        r"un[ao]?\s|un['’]|il|la|l['’]|qualche|altr[oa]",
        r"ver[oa]|reale|uman[oa]|viv[oa]|altr[oa]|in\s+carne\s+e\s+ossa",
        r"persona|operatore|operatrice|addett[oa]|collega|impiegat[oa]|responsabile|qualcuno|servizio\s+clienti|consulente",
        r"uman[oa]|essere\s+umano|persona\s+(?:vera|reale|umana)",
        r"per\s+favore|per\s+piacere|grazie|subito|adesso|ora",
        r"\bnon\s+(?:\p{L}+\s+)?(?:voglio|vorrei|desidero|serve|bisogno|con|un[ao]?|occorre)\b|\b(?:senza|invece\s+di|nessun[oa]?)\b|^(?:quando|a\s+che\s+ora)\b",
    ),
    "nl": _spaced(
        r"wil|zou|kan|mag|moet|graag|liever|laat\s+me",
        r"met|naar",
        r"wil(?:\s+(?:graag|liever))?|nodig|geef\s+me|heb|graag|liever|stuur\s+me",
        r"een|'n|de|iemand",
        r"echte?|levende?|menselijke?|andere?|van\s+vlees\s+en\s+bloed",
        r"persoon|medewerk(?:er|ster)|collega|iemand|klantenservice|agent|adviseur|vertegenwoordiger",
        r"mens|echt\s+(?:mens|persoon)|echte\s+(?:mens|persoon)",
        r"alsjeblieft|alstublieft|aub|graag|nu|bedankt",
        r"\b(?:geen|zonder|in\s+plaats\s+van)\b|\b(?:wil|hoef|hoeft|wens)\b[^.?!]*\bniet\b|\bniet\s+(?:met|een|nodig)\b|^(?:wanneer|hoe\s+laat)\b",
        r"\b(?:wil|mag|kan)\s+ik\s+(?:\p{L}+\s+){0,3}?(?:een|iemand|de)\s*(?:mens|persoon|medewerk(?:er|ster)|collega|klantenservice)?\s+spreken",
    ),
    "de": Shape(
        r"\b(?:mit|zu|an)\s+(?:(?:einem|einer|einen|’?nem|ihrem|eurem|dem|der)\s+)?(?:(?:echte|richtige|wirkliche|lebende|lebendige|menschliche|andere)[nmr]?\s+){0,2}"
        r"(?:mensch(?:en)?|person|mitarbeiter(?:in)?|mitarbeitenden|kolleg(?:e|en|in)|berater(?:in)?|ansprechpartner(?:in)?|jemand(?:em|en)?|vorgesetzten|kundenservice|kundendienst|support)\b(?:\s+\p{L}+){0,4}?\s+(?:sprechen|reden|schreiben|chatten|telefonieren|verbunden|verbinden|weitergeleitet)"
        r"|\b(?:will|möchte|brauche|verlange|bevorzuge|hätte\s+gerne?|geben?\s+sie\s+mir|gib\s+mir|holen?\s+sie|hol(?:\s+mir)?|verbinden?\s+(?:sie\s+)?mich\s+(?:\p{L}+\s+)?mit)\s+(?:(?:jetzt|bitte|einfach|lieber|gerne?|dringend|endlich|nur|sofort|mir)\s+){0,2}"
        r"(?:einen|eine|einem|einer|’?nen|den|jemand(?:en)?)\s+(?:(?:echte|richtige|wirkliche|lebende|menschliche)[nmr]?\s+)?(?:menschen|person|mitarbeiter(?:in)?|ansprechpartner(?:in)?|berater(?:in)?|kolleg(?:en|in)|vom\s+team|aus\s+dem\s+team)\b"
        r"|\b(?:(?:einen?|’?nen|ihren?|euren?)\s+(?:(?:echte|richtige|wirkliche|lebende|menschliche)[nmr]?\s+)?(?:menschen|person|mitarbeiter(?:in)?|ansprechpartner(?:in)?|berater(?:in)?|kolleg(?:en|in)|vorgesetzten)|jemand(?:en)?)"
        r"\s+(?:\p{L}+\s+){0,3}?(?:sprechen|erreichen)\b",
        r"(?:bitte\s+)?(?:mit\s+)?(?:(?:ein|einen|einem|eine|einer)\s+)?(?:(?:echte|richtige|wirkliche|lebende)[nmrs]?\s+)?mensch(?:en)?(?:\s+(?:bitte|jetzt|sofort|gerne?))*"
        r"|(?:eine[r]?\s+)?(?:echte|richtige|reale)[nr]?\s+person(?:\s+bitte)?"
        r"|(?:bitte\s+)(?:mit\s+)?(?:einen?|einem|eine)?\s*(?:mitarbeiter(?:in)?|person|ansprechpartner)|(?:mit\s+)?(?:(?:ein|einen|einem|eine)\s+)?(?:mitarbeiter(?:in)?|person|ansprechpartner(?:in)?|kundenservice)\s+bitte",
        r"\b(?:keine?[nmr]?|ohne|statt|anstatt|weder)\b|\b(?:will|möchte|brauche|wünsche|muss|wollen)\b[^.?!]*\bnicht\b|\bnicht\s+(?:mit|an|nötig)\b(?<!(?:kann|könnte|darf)\s+(?:ich|man|wir)\s+nicht\s+mit)|^(?:wann|um\s+wie\s*viel)\b",
        r"\bnicht\s+(?:sprechen|reden|schreiben|chatten)\b|\bnicht\s*$",
    ),
    "pl": Shape(
        r"\b(?:rozmawiać|porozmawiać|pogadać|rozmow[ayęy]|pisać|kontakt\w*|skontaktować\s+się|połącz\w*(?:\s+mnie)?|przełącz\w*(?:\s+mnie)?)\s+(?:z|ze|do)\s+(?:(?:jakimś|prawdziw\w+|żyw\w+|waszym|jakąś)\s+)?(?:człowiek\w*|osob\w+|konsultant\w*|pracownik\w*|kimś|doradcą|obsługą\s+klienta)"
        r"|\b(?:chcę|chciał[a]?bym|potrzebuję|poproszę|proszę\s+o|wolę)\s+(?:(?:prawdziw\w+|żyw\w+)\s+)?(?:człowieka|konsultant\w*|pracownika|doradcę|żyw\w+\s+osob\w+)",
        r"(?:proszę\s+|poproszę\s+)?(?:człowiek(?:a)?|żywy\s+człowiek|konsultanta)(?:\s+(?:proszę|poproszę))?|konsultant\s+(?:proszę|poproszę)",
        r"\bnie\s+(?:chc\w+|potrzebuj\w+|trzeba|musi\w*|życzę|z)\b|\b(?:bez|zamiast|żadn\w+)\b|\b(?:rozmawiał[ae]?m)\b|^kiedy\b",
    ),
    "tr": Shape(
        r"\b(?:insan|temsilci|yetkili|görevli|operatör|çalışan|biri|kişi)\p{L}*(?:\s+ile)?\s+(?:\p{L}+\s+)?(?:konuş(?:mak|abilir|ayım|malı)|görüş(?:mek|ebilir|eyim|meli)|bağla(?:n|r|yın|yabilir)|aktar|yazış)\p{L}*"
        r"|\b(?:insan|temsilci(?:si)?|yetkili|görevli|operatör)\p{L}*\s+(?:istiyorum|isterim|lazım|gerek(?:iyor)?(?!\s+yok))",
        r"(?:bir\s+|gerçek\s+|canlı\s+|müşteri\s+)*(?:insan|temsilci(?:si|ye)?|yetkili|operatör)\s+lütfen|lütfen\s+(?:bir\s+|gerçek\s+|canlı\s+|müşteri\s+)*(?:insan|temsilci(?:si)?|yetkili|operatör)|gerçek\s+(?:bir\s+)?(?:insan|kişi)",
        r"(?!)",
        r"istem(?:iyor|em|ez)\p{L}*|gerek\s+yok|lazım\s+değil|değil|mıyorum|miyorum",
    ),
    "ar": Shape(
        r"(?:أريد|اريد|أود|اود|أرغب|ارغب|أحتاج|احتاج|أفضل|ابي|أبي|عايز|بدي|ممكن|يمكنني|أستطيع|استطيع|دعني)\s+(?:في\s+|أن\s+|ان\s+)?(?:(?:التحدث|أتحدث|اتحدث|الكلام|أتكلم|اتكلم|التكلم|التواصل|أتواصل|الحديث|أكلم|اكلم)\s+)(?:إلى\s+|الى\s+|مع\s+)?(?:أي\s+)?(?:ال)?(?:إنسان|انسان|شخص|موظف|ممثل|بشر|مسؤول|أحد|احد|خدمة\s+العملاء)"
        r"|(?:أريد|اريد|أود|أحتاج|احتاج|عايز|بدي|ابي)\s+(?:إلى\s+|الى\s+)?(?:إنسان|انسان|شخص|موظف|ممثل|بشر)\p{L}*(?=\s*$|\s+(?:من\s+فضلك|لو\s+سمحت|حقيقي|خدمة|يساعدني|ال))"
        r"|(?:حولني|حوّلني|وصلني|صلني|حولوني)\s+(?:\p{L}+\s+)?(?:إلى\s+|الى\s+|ب|ل)?(?:ال)?(?:إنسان|انسان|شخص|موظف|ممثل|خدمة)",
        r"(?:من\s+فضلك\s+|لو\s+سمحت\s+)?(?:إنسان|انسان|موظف|شخص|ممثل)(?:\s+(?:حقيقي|بشري|خدمة\s+العملاء))*\s+(?:من\s+فضلك|لو\s+سمحت|رجاءً?)|(?:إنسان|شخص)\s+حقيقي",
        r"(?:^|\s)(?:لا|ما|لست|مش|مو)\s+(?:أريد|اريد|أود|أحتاج|احتاج|أرغب|ابي|بدي|عايز)|بدون|لا\s+داعي|بدلا|^متى",
    ),
    "ja": Shape(
        r"(?:人間|オペレーター|担当(?:者|の(?:人|方))|スタッフ|係(?:員|の(?:人|方))|有人|本物の人|生身の人|人)(?:の方)?(?:と|に|を|へ|が|対応|チャット)\S{0,8}?(?:話したい|話し?[がを]?(?:した|させ|でき|せ)|つない|繋い|つなげ|代わ|替わ|かわって|お願い|呼んで|呼び|相談したい|希望|切り替え|必要(?!は?(?:ない|ありません|なし)))",
        r"(?:オペレーター|担当者|人間|有人対応|スタッフ)(?:を|で|に)?(?:お願い|希望)\S{0,6}",
        r"(?!)",
        r"たくない|たくありません|必要は?(?:ない|ありません|なし)|不要|いりません|いらない|結構です|しないで|ではなく|じゃなく",
    ),
    "zh": Shape(
        r"(?:转|转接|接|找|要|想要|需要|请(?!问)|联系|换|叫)\S{0,6}?(?:人工|真人|客服人员|客服|工作人员|专员)|(?:跟|和|与|同)\S{0,4}?(?:真人|人工|客服|人)\S{0,3}?(?:说话|聊|谈|沟通|对话|讲)",
        r"(?:人工(?:客服|服务)?|真人(?:客服|服务)?)(?:谢谢|吧|请)?",
        r"(?:不(?:要|用|想|需要|必)|别|无需|不是)(?:(?!机器|要|转|找|想)\S){0,8}(?:人工|真人|客服|人)",
    ),
}  # fmt: skip

_BOTS = r"(?:an?\s+|the\s+|this\s+|your\s+|some\s+|some\s+kind\s+of\s+|eine[mrn]?\s+|’?ne[mrn]?\s+|de[mn]\s+|der\s+|une?\s+|des\s+|les\s+|vos\s+|votre\s+|un[ao]?s?\s+|um[a]?s?\s+|il\s+|i\s+|een\s+|jakimś\s+)?(?:(?:stupid|dumb|damn|bloody|fucking|doofen|blöden)\s+)?(?:chat)?(?:ro)?(?:bots?|robot(?:er|er[ns]?|s|em|ami)?|robôs?|botem|machines?|maschinen?|máquinas?|macchin[ae]|maszyną|computers?|ordenador(?:es)?|ordinateurs?|computadora?|automat(?:en|em)?|ai|ki|ia)\b"
#: who will not talk to a machine wants a human, without naming one
_NO_BOT = (
    rf"\b(?:do\s+not|don['’]?t|won['’]?t|will\s+not|not\s+going\s+to|never|refuse\s+to|hate(?:\s+to)?|stop|no\s+more|sick\s+of|tired\s+of)\s+(?:(?:want|wanna|like|wish|to)\s+){{0,2}}(?:talk|speak|chat|writ|deal)(?:ing|e)?\s+(?:to|with)\s+{_BOTS}",
    rf"\b(?:rede|redet|spreche|schreibe|chatte|unterhalte\s+mich)\s+(?:[^\s,.?!]+\s+){{0,2}}?(?:nicht|nie|nie\s+wieder|nicht\s+mehr|ungern)\s+mit\s+{_BOTS}",
    rf"\b(?:nicht|nie|nie\s+wieder|nicht\s+mehr|ungern)\s+mit\s+{_BOTS}\s+(?:zu\s+)?(?:reden|sprechen|schreiben|chatten|schreiben|diskutieren|kommunizieren)",
    rf"\bn(?:e\s+|['’])?(?:\p{{L}}+\s+)?(?:parl\p{{L}}+|veux|vais|discut\p{{L}}+|écri\p{{L}}+)\s+(?:(?:pas|plus|jamais)\s+)(?:(?:parler|discuter|écrire|échanger)\s+)?(?:à|avec)\s+{_BOTS}|\bje\s+(?:parle|veux|discute)\s+(?:pas|plus)\s+(?:parler\s+|discuter\s+)?(?:à|avec)\s+{_BOTS}",
    rf"\b(?:no|nunca)\s+(?:(?:quiero|voy\s+a|pienso|me\s+gusta|deseo)\s+)?(?:hablo|hablar|chatear|converso)\s+(?:más\s+)?con\s+{_BOTS}",
    rf"\b(?:não|nunca)\s+(?:(?:quero|vou|gosto\s+de|pretendo)\s+)?(?:falo|falar|conversar|converso)\s+(?:mais\s+)?com\s+{_BOTS}",
    rf"\bnon\s+(?:(?:voglio|intendo|mi\s+piace|desidero)\s+)?(?:parlo|parlare|chattare)\s+(?:più\s+)?con\s+{_BOTS}",
    rf"\b(?:wil|praat|spreek|chat|ga)\s+(?:[^\s,.?!]+\s+){{0,2}}?(?:niet|nooit)\s+(?:meer\s+)?met\s+{_BOTS}",
    rf"\bnie\s+(?:(?:chcę|będę|zamierzam|lubię)\s+)?(?:rozmawiam|rozmawiać|rozmawiał[ae]?m?|gadać|pisać)\s+(?:więcej\s+)?z\s+{_BOTS}",
    r"\b(?:ro)?bot\p{L}*(?:\s+ile)?\s+(?:konuşmak|görüşmek|yazışmak)\s+istem\p{L}+|\b(?:ro)?bot\p{L}*(?:\s+ile)?\s+konuşm(?:am|uyorum|ayacağım)",
    r"(?:لا|ما|مش|لن)\s+(?:(?:أريد|اريد|أرغب|ابي|بدي|عايز)\s+(?:في\s+|أن\s+)?)?(?:التحدث|أتحدث|اتحدث|الكلام|أتكلم|اتكلم|التكلم)\s+(?:إلى|الى|مع)\s+(?:ال)?(?:روبوت|آلة|الة|بوت|ماكينة)",
    r"(?:ロボット|ボット|機械|AI|コンピューター?)(?:なんか)?(?:と|とは|に)\S{0,6}?(?:話したくない|話したくありません|話しません|話す気はない|嫌|いやだ)",
    r"(?:不(?:想|要|愿意|愿)?|别)(?:再)?(?:跟|和|与|同)\S{0,3}?(?:机器人|机器|电脑|AI)\S{0,3}?(?:说话|聊|谈|沟通|对话|讲)",
)  # fmt: skip
_NAMES_BOT = regex.compile(r"bot|rob[oô]|ma[cs][hcz]|m[aá]quin|computer|ordena|ordinat|automat|\b(?:ai|ki|ia)\b|روبوت|آلة|الة|بوت|ماكينة|ロボ|ボット|機械|AI|コンピュータ|机器|电脑", regex.I)  # fmt: skip
# Without marks on letters, as many type.
_REFUSED = regex.compile(unmarked("|".join(f"(?:{shape})" for shape in _NO_BOT)), regex.IGNORECASE)

#: each wish has one of these; to find that a text has none is a single search
_NAMES = (
    r"h?uman|humain|person|pessoa|agent|operat|repres|\brep\b|advis|asesor|coll?eg|compañer|emp(?:loy|lead|iegat)|staff|member|manager|supervisor|some(?:one|body)"
    r"|customer|support|conseill|responsable|responsável|quelqu|servi[cz]|technicien|encargad|alguien|alguém|atenci|atendente|apoio|assistente|funcion"
    r"|addett|qualcuno|consulente|impiegat|\bmens|persoon|medewerk|iemand|klantenservice|adviseur|vertegenw"
    r"|mitarbeit|berater|ansprech|jemand|vorgesetz|kunden|człow|osob|konsult|pracown|kimś|doradc|obsług"
    r"|insan|temsilci|yetkili|görevli|çalışan|\bbiri|kişi|إنسان|انسان|شخص|موظف|ممثل|بشر|مسؤول|أحد|احد|خدمة"
    r"|人|オペレーター|担当|スタッフ|係|客服|专员"
    rf"|{_NAMES_BOT.pattern}"
)
_NAMED = regex.compile(rf"{_NAMES}|{unmarked(_NAMES)}", regex.IGNORECASE)
_CLAUSES = regex.compile(
    r"[.,;:!?…\n¿¡、，。！？；：،؛؟()]+|\s[-–—]\s"
    r"|\b(?:and|but|so|because|und|aber|sondern|denn|et|mais|donc|car|y|pero|sino|porque|e|mas|ma|però|en|maar|ale|ve|ama|fakat)\b",
    regex.IGNORECASE,
)  # fmt: skip
_COMPILED = tuple(
    tuple(regex.compile(unmarked(part), regex.I) for part in (shape.asks, rf"\s*(?:{shape.alone})\s*", shape.denies, shape.refuses))
    for shape in SHAPES.values()
)  # fmt: skip


def person_wanted(text: str) -> bool:
    """True for a text of which a clause asks for a human. "I do not want a human", "are you a human?" and "I talked to an
    agent yesterday" ask for none."""
    if not _NAMED.search(text[:LOOKED_AT]):
        return False
    said = unmarked(text[:LOOKED_AT])
    try:
        if _NAMES_BOT.search(said) and _REFUSED.search(said, timeout=TIMEOUT_S):
            return True
        return any(_asks(clause) for clause in _CLAUSES.split(said) if clause and clause.strip())
    except TimeoutError:
        return False


def _asks(clause: str) -> bool:
    for asks, alone, denies, refuses in _COMPILED:
        if alone.fullmatch(clause, timeout=TIMEOUT_S):
            return True
        found = asks.search(clause, timeout=TIMEOUT_S)
        if found and not denies.search(clause[: found.end()]) and not refuses.search(clause[found.start() :]):
            return True
    return False
