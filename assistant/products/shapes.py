"""How people ask about products, and how that is answered, in five languages, as data.

Owns the shapes of questions, the words that name nothing, and the sentences. Must not ask a shop.
"""

from __future__ import annotations

import re
from typing import Literal

from channels_app.words.folding import unmarked

Kind = Literal["price", "stock", "search", "about"]
THING = r"([^?!.,;\n]{2,80}?)"
PEOPLE = r"(?:\d+|two|three|four|five|six|zwei|drei|vier|fünf|sechs|deux|trois|quatre|cinq|dos|tres|cuatro|cinco|seis|dois|duas|três|quatro) (?:people|persons|adults|kids|personen|leute|kinder|personnes|adultes|personas|adultos|pessoas)"
#: (language, what is asked, shapes of the whole question without its end mark); one without a thing means the last product
SHAPES: tuple[tuple[str, Kind, tuple[str, ...]], ...] = (
    ("en", "price", (rf"how much (?:does|do|is|are|would) {THING}(?: cost| be)?", rf"what (?:does|do|would) {THING} cost", rf"(?:(?:what is |what's )?the )?price of {THING}", r"how much|(?:(?:what|the) )?price")),
    ("de", "price", (rf"(?:was|wie ?viel) kostet?n? {THING}", rf"(?:(?:was ist |wie hoch ist )?der )?preis (?:vom|von|für) {THING}", r"wie ?viel|(?:(?:der|welcher) )?preis")),
    ("fr", "price", (rf"combien (?:co[ûu]te(?:nt)?|vaut) {THING}", r"combien (?:ça co[ûu]te|co[ûu]te-t-(?:il|elle))", r"(?:c['’]?est |(?:ça|elle|il) (?:fait|co[ûu]te|vaut) )?combien|(?:quel |le )?prix", rf"{THING} (?:co[ûu]te|vaut) combien", rf"(?:(?:quel est )?le )?prix (?:de la|de l['’]|du|des|de) ?{THING}")),
    ("es", "price", (rf"¿?cu[áa]nto (?:cuesta|cuestan|vale|valen)(?: {THING})?", rf"¿?(?:(?:cu[áa]l es )?el )?precio (?:del?|de la|de los|de las) {THING}", r"¿?cu[áa]nto(?: es)?|(?:qu[ée] )?precio")),
    ("pt", "price", (rf"quanto (?:custa|custam|é)(?: {THING})?", rf"(?:(?:qual é )?o )?preço (?:do|da|dos|das|de) {THING}", r"quanto|(?:que )?preço")),
    ("en", "stock", (rf"(?:is|are|do you have|have you got) {THING} (?:still )?(?:in stock|available)",)),
    ("en", "stock", (r"how many (?:do you have|are left|are there|have you got)(?: left| in stock)?",)),
    ("de", "stock", (r"wie ?viele (?:habt ihr|haben sie|sind|gibt es)(?: davon)?(?: noch)?(?: da| auf lager| übrig)?", rf"(?:ist|sind|habt ihr|haben sie) {THING} (?:noch )?(?:auf lager|vorrätig|lieferbar|verfügbar|da)",)),
    ("fr", "stock", (r"(?:est|sont)-(?:il|elle)s? (?:encore )?(?:en stock|disponibles?)", rf"(?:est-ce que )?{THING} (?:est|sont)(?:-(?:il|elle)s?)? (?:encore )?(?:en stock|disponibles?)", rf"avez-vous {THING} en stock")),
    ("es", "stock", (rf"¿?(?:hay|tienen|tenéis|está|están)(?: {THING})? (?:en stock|en existencias|disponibles?)", rf"¿?(?:está|están) (?:en stock|disponibles?) {THING}")),
    ("pt", "stock", (rf"(?:há|têm|tem|está|estão)(?: {THING})? (?:em stock|em estoque|disponível|disponíveis)", rf"{THING} (?:está|estão) (?:em stock|em estoque|disponível|disponíveis)", rf"(?:está|estão) (?:em stock|disponível|disponíveis) {THING}")),
    ("en", "search", (rf"(?:do you (?:have|sell|offer)|have you got) {THING}", rf"(?:can you )?show me {THING}", rf"(?:what|which) {THING} do you (?:have|sell|offer)", rf"(?:what is|what['’]s|which is) (?:your|the) cheapest {THING}")),
    ("de", "search", (rf"(?:habt ihr|haben sie|verkauft ihr|verkaufen sie|gibt es) {THING}", rf"(?:was für|welche[nrs]?) {THING} (?:habt ihr|haben sie|gibt es|verkauft ihr|verkaufen sie)", rf"(?:was|welches|welche|welcher) ist (?:euer|eure|ihr|ihre|das|die|der) (?:günstigste[rs]?|billigste[rs]?) {THING}")),
    ("fr", "search", (rf"(?:est-ce que vous (?:avez|vendez)|vous (?:avez|vendez)|(?:avez|vendez)-vous) {THING}", rf"quel(?:le)?s? {THING} (?:avez|vendez)-vous", rf"quel(?:le)? est (?:votre|la|le) {THING} (?:la moins chère|le moins cher)")),
    ("es", "search", (rf"¿?(?:tienen|tenéis|tienes|venden|vendéis|hay) {THING}", rf"¿?qué {THING} (?:tienen|tenéis|venden|vendéis|hay)", rf"¿?cuál es (?:la|el) {THING} más barat[ao]")),
    ("pt", "search", (rf"(?:têm|tem|vendem|há) {THING}", rf"(?:que|quais) (?!tamanhos?|cor|peso|medida|material|capacidade|preço){THING} (?:têm|vendem|há)", rf"qual é [ao] {THING} mais barat[ao]")),
    ("en", "about", (rf"how (?:heavy|light|big|large|long|wide|high|tall|deep|thick|warm) (?:is|are) {THING}", rf"(?:how much|what) (?:does|do) {THING} weigh", rf"what(?:['’]s| is| are) (?:the |its |their )(?:weights?|sizes?|colou?rs?|materials?|dimensions?|capacity|volume)(?: of {THING})?", rf"how many (?:people|persons|litres|liters)(?: (?:does|do|can|will) {THING})?(?: (?:fit|fits|hold|sleep|take|have)(?: in(?:to)?(?: {THING})?)?)?", rf"(?:what|which) (?:colou?rs?|sizes?|materials?)(?: (?:does|do|is|are) {THING}(?: (?:come in|have|made of))?)?", rf"what (?:is|are) {THING} made (?:of|from)", rf"(?:tell me )?more(?: (?:details|info|information))?(?: (?:about|on) {THING})?", rf"(?:is|are) (?:it|that|this|they|these|those|the one) (?:really |also |actually )?(?:\w+[ -]?proof|water[ -]?(?:resistant|tight)|warm|heavy|light|big|large|small|tall|robust|sturdy|breathable|washable|rechargeable|dimmable|foldable|(?:big|large|warm|light|good|suitable|ok|okay|enough)(?: enough)? for [^?!.,;\n]{{2,40}}|for {PEOPLE})", rf"(?:does it |do they )?(?:fits?|sleeps?) {PEOPLE}", r"how long (?:does|do) (?:the|its|their) (?:battery|batteries|charge) (?:last|hold)", rf"(?:also )?(?:for|with) {PEOPLE}")),
    ("de", "about", (rf"wie (?:schwer|leicht|groß|gross|lang|breit|hoch|tief|dick|warm) (?:ist|sind) {THING}", rf"(?:was|wie ?viel) wieg(?:t|en) {THING}", rf"(?:welche[sr]?|was für(?: eine?)?) (?:farben?|größen?|grössen?|maße|gewicht|material(?:ien)?|volumen)(?: (?:hat|haben|gibt es|habt ihr)(?: {THING})?)?", rf"(?:für )?wie ?viele (?:personen|leute|liter)(?: (?:ist|sind|reicht|passen|fasst|hat)(?: (?:in )?{THING})?(?: rein| hinein)?)?", rf"(?:woraus|aus welchem material) (?:ist|sind) {THING}(?: gemacht)?", rf"(?:erzähl mir )?mehr(?: (?:infos?|informationen|details))?(?: (?:zu|zum|zur|über) {THING})?", rf"(?:ist|sind) (?:der|die|das|er|sie|es) (?:auch |denn |wirklich )?(?:wasser\w+|winddicht|regendicht|atmungsaktiv|warm|schwer|leicht|groß|klein|robust|waschbar|dimmbar|faltbar|aufladbar|(?:groß|warm|leicht|gut)(?: genug)? für [^?!.,;\n]{{2,40}}|(?:auch )?für {PEOPLE})", rf"(?:passen|passt) (?:da |dort )?{PEOPLE}(?: rein| hinein)?", r"wie lange h(?:ä|ae)lt (?:der|die|das) (?:akku|batterie|ladung)", rf"(?:auch )?(?:für|zu) {PEOPLE}")),
    ("fr", "about", (rf"combien (?:pèse|mesure)(?:nt)?(?:-(?:t-)?(?:il|elle)s?)?(?: {THING})?", rf"{THING} (?:pèse|mesure)(?:nt)? combien", rf"quel(?:le)?s? (?:est |sont )?(?:l[ea]s? |s(?:on|a|es) )?(?:poids|tailles?|couleurs?|dimensions?|matières?|capacité|volume)(?: (?:de la|de l['’]|du|des|de) ?{THING})?", rf"(?:c['’]est )?(?:pour )?combien de (?:personnes|litres)(?: (?:dans|pour) {THING})?", rf"en quelle (?:matière|couleur|taille)s?(?: (?:est|sont) {THING})?", rf"plus (?:d['’]infos?|d['’]informations?|de détails)(?: sur {THING})?", rf"(?:elles?|ils?|c['’])\s?(?:est|sont)(?:-ce)? (?:vraiment )?(?:imperm[ée]ables?|[ée]tanches?|chaude?s?|lourde?s?|l[ée]g[èe]re?s?|grande?s?|solides?|respirante?s?|lavables?|rechargeables?|assez [^?!.,;\n]{{2,40}}|pour {PEOPLE})", rf"on (?:y )?(?:tient|rentre) (?:à )?{PEOPLE}", r"combien de temps (?:tient|dure) la batterie", rf"(?:aussi )?(?:pour|à) {PEOPLE}")),
    ("es", "about", (rf"¿?cu[áa]nto (?:pesan?|miden?)(?: {THING})?", rf"¿?(?:qu[ée]|cu[áa]l(?:es)? (?:es|son) (?:su|sus|el|la|los|las)) (?:peso|tallas?|tama[ñn]os?|color(?:es)?|medidas?|material|capacidad)(?: (?:tienen?|del?|de la)(?: {THING})?)?", rf"¿?(?:para )?cu[áa]nt[oa]s (?:personas|litros)(?: (?:es|tiene|caben?)(?: (?:en )?{THING})?)?", rf"¿?de qu[ée] (?:material|color|tama[ñn]o|est[áa] hech[oa])(?: (?:es|son))?(?: {THING})?", rf"m[áa]s (?:informaci[óo]n|detalles)(?: (?:sobre|del?) {THING})?", rf"¿?(?:es|son) (?:imperme[aá]bles?|resistentes?(?: al agua)?|c[áa]lid[oa]s?|calientes?|pesad[oa]s?|liger[oa]s?|grandes?|lavables?|recargables?|lo bastante [^?!.,;\n]{{2,40}}|para {PEOPLE})", rf"¿?caben {PEOPLE}", r"¿?cu[áa]nto dura la bater[íi]a", rf"(?:tambi[ée]n )?para {PEOPLE}")),
    ("pt", "about", (rf"quanto (?:pesam?|mede|medem)(?: {THING})?", rf"(?:que|qual(?: é)? (?:o|a|o seu|a sua)|quais(?: são)? [oa]s) (?:peso|tamanhos?|cor(?:es)?|medidas?|material|capacidade)(?: (?:tem|têm|d[oa]s?)(?: {THING})?)?", rf"(?:para )?quant[oa]s (?:pessoas|litros)(?: (?:é|tem|leva|cabem)(?: (?:em |n[oa] )?{THING})?)?", rf"de que (?:material|cor|tamanho) (?:é|são)(?: {THING})?", rf"mais (?:informaç(?:ão|ões)|detalhes)(?: sobre {THING})?", rf"(?:é|são) (?:[àa] prova d[e'’] ?[áa]gua|imperme[áa]ve(?:l|is)|resistentes?(?: [àa] [áa]gua)?|quentes?|pesad[oa]s?|leves?|grandes?|lav[áa]ve(?:l|is)|recarreg[áa]ve(?:l|is)|para {PEOPLE})", rf"cabem {PEOPLE}", r"quanto (?:tempo )?dura a bateria", rf"(?:tamb[ée]m )?para {PEOPLE}")),
)  # fmt: skip
#: the first that fits counts; without marks on letters, as many type
PATTERNS = tuple(
    (language, kind, re.compile(unmarked(rf"(?:{'|'.join(shapes)})"), re.IGNORECASE))
    for language, kind, shapes in SHAPES
)
ANY = re.compile(
    "|".join(pattern.pattern for *_, pattern in PATTERNS), re.IGNORECASE
)  # in one look: few texts are of these
#: after a question about a product, the same of another one
ALSO = tuple(
    (language, re.compile(unmarked(shape), re.IGNORECASE))
    for language, shape in (
        ("en", rf"(?:(?:and )?(?:what|how) about|and) {THING}"),
        ("de", rf"und (?:was ist mit |wie ist es mit |wie sieht es mit )?{THING}(?: aus)?"),
        ("fr", rf"et (?:pour )?{THING}"),
        ("es", rf"¿?y {THING}"),
        ("pt", rf"e {THING}"),
    )
)
#: who wants something is shown it where it is a product's name; else that is a wish of another kind ("I need a refund")
WANTED = tuple(
    (language, re.compile(unmarked(shape), re.IGNORECASE))
    for language, shape in (
        ("en", rf"(?:i(?: would|['’]d) like|i want|i need|(?:i am |i['’]m )?looking for) {THING}"),
        ("de", rf"(?:ich (?:suche|brauche|möchte|will|hätte gern(?:e)?)|suche|brauche) {THING}"),
        ("fr", rf"(?:je (?:cherche|veux|voudrais)|il me faut|j['’]aimerais|j['’]ai besoin d['’e]) ?{THING}"),
        ("es", rf"(?:quiero|busco|necesito|quisiera|me gustaría) {THING}"),
        ("pt", rf"(?:quero|procuro|preciso de|queria|gostava de) {THING}"),
    )
)
#: no more than what is asked: of the product that was spoken of just now, or of something else
BARE = re.compile(
    unmarked(
        r"how much|(?:(?:what|the) )?price|wie ?viel|(?:(?:der|welcher) )?preis"
        r"|(?:c['’]?est |ça fait )?combien|(?:quel |le )?prix|¿?cu[áa]nto(?: es| cuestan?| valen?)?|(?:qu[ée] )?precio|quanto(?: custam?)?|(?:que )?preço"
    ),
    re.IGNORECASE,
)
#: before a question that goes on from the answer
AND = re.compile(r"^(?:and|but|und|aber|et|mais|y|pero|e|mas|ok|okay)[\s,]+", re.IGNORECASE)
#: before and behind a question, saying nothing of it
POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|hallo|guten tag|bonjour|salut|hola|buenas|olá|oi|excuse me|entschuldigung|excusez-moi|perdón|desculpe)\b[\s,!.]+)"
    r"|[\s,]+(?:please|bitte|s['’]il vous plaît|s['’]il te plaît|por favor)$",
    re.IGNORECASE,
)
#: what stands before the name of a thing, and in place of it
SMALL = frozenset(
    "the a an any some your this that these those it one them for der die das den dem ein eine einen euer eure er sie es für "
    "le la les l un une des du votre vos ça il elle pour el los las una unos unas algún alguna eso ese lo para o os as um uma de d "
    "isso ele ela".split()
)
#: what belongs to the person is no product of the shop
MINE = frozenset("my our mein meine meinen meiner meinem mon ma mes mi mis mio meu minha meus minhas".split())
#: language → costs, in stock, sold out, found, not found, what is known of it, what is known where what was asked is not,
#: nothing cheaper, nothing dearer
SENTENCES: dict[str, tuple[str, str, str, str, str, str, str, str, str]] = {
    "en": (
        "{title} costs {price}.", "{title} is in stock ({stock}).", "{title} is sold out at the moment.", "This is what we have:",
        "I cannot find “{thing}” in our shop. Shall I get a colleague?",
        "What I know of {title}: {description}.", "I have no word on “{thing}”. What I know:",
        "I have nothing cheaper of this kind.", "I have nothing dearer of this kind.",
    ),
    "de": (
        "{title} kostet {price}.", "{title} ist auf Lager ({stock}).", "{title} ist zurzeit ausverkauft.", "Das haben wir:",
        "„{thing}“ finde ich in unserem Shop leider nicht. Soll ich jemanden holen?",
        "Was ich über {title} weiß: {description}.", "Zu „{thing}“ ist mir nichts bekannt. Was ich weiß:",
        "Etwas Günstigeres dieser Art habe ich nicht.", "Etwas Teureres dieser Art habe ich nicht.",
    ),
    "fr": (
        "{title} coûte {price}.", "{title} est en stock ({stock}).", "{title} est épuisé pour le moment.", "Voici ce que nous avons :",
        "Je ne trouve pas « {thing} » dans notre boutique. Dois-je appeler un collègue ?",
        "Ce que je sais de {title} : {description}.", "Je n’ai rien sur « {thing} ». Ce que je sais :",
        "Je n’ai rien de moins cher dans ce genre.", "Je n’ai rien de plus cher dans ce genre.",
    ),
    "es": (
        "{title} cuesta {price}.", "{title} está en existencias ({stock}).", "{title} está agotado por ahora.", "Esto es lo que tenemos:",
        "No encuentro «{thing}» en nuestra tienda. ¿Busco a una persona?",
        "Lo que sé de {title}: {description}.", "No tengo datos sobre «{thing}». Lo que sé:",
        "No tengo nada más barato de este tipo.", "No tengo nada más caro de este tipo.",
    ),
    "pt": (
        "{title} custa {price}.", "{title} está disponível ({stock}).", "{title} está esgotado de momento.", "É isto que temos:",
        "Não encontro “{thing}” na nossa loja. Quer que chame um colega?",
        "O que sei sobre {title}: {description}.", "Não tenho dados sobre “{thing}”. O que sei:",
        "Não tenho nada mais barato deste género.", "Não tenho nada mais caro deste género.",
    ),
}  # fmt: skip
