"""What people say to the demo's assistant in five languages, and what each of it is taken for; and the page that shows it."""

from __future__ import annotations

from typing import Any

from channels_app.content.types import Content

HEAD = """# How the demo's assistant converses without a language model

Made by `make demo-talks` from what the assistant answers; a test holds the page to it. Behind each answer stands what the words were
taken for: an intent, an article, products of the shop, or a question back.
"""
NAMES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese"}

#: language → (said, taken for): one conversation each
TALKS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Hi there!", "greeting"),
        ("Do you have tents?", "products oak-2"),
        ("How much is the Birk?", "products birk"),
        ("Is the Glim globe in stock?", "products glim"),
        ("And the Lino?", "products lino"),
        ("How much is the Lino and how long does delivery take?", "shipping_times, products lino"),
        ("Do you sell bicycles?", "products none"),
        ("Where is my order?", "order_status asks order_number"),
        ("How much does it cost?", "order_status asks order_number, products lino"),
        ("AC-10042", "order_status"),
        ("Please do not cancel my order", "left cancel_order"),
        ("When are you open on Saturdy?", "opening_hours"),
        ("I want to return my tent", "return_item asks reason"),
        ("Are you a bot?", "return_item asks reason"),
        ("It is too small", "return_item asks order_number"),
        ("AC 10042", "return_item"),
        ("How are you?", "how_are_you"),
        ("Thanks a lot", "thanks"),
        ("Can I talk to a person?", "human"),
    ),
    "de": (
        ("Guten Tag", "greeting"),
        ("Habt ihr Zelte?", "products oak-2"),
        ("Was kostet Birk?", "products birk"),
        ("Ist Glim auf Lager?", "products glim"),
        ("Und Lino?", "products lino"),
        ("Was kostet Lino und wie lange dauert der Versand?", "shipping_times, products lino"),
        ("Verkauft ihr Fahrräder?", "products none"),
        ("Wo ist meine Bestellung?", "order_status asks order_number"),
        ("AC-10042", "order_status"),
        ("Bitte stornieren Sie meine Bestellung nicht", "left cancel_order"),
        ("Wann habt ihr Samstags geöfnet?", "opening_hours"),
        ("Rückgabe", "return_item asks reason"),
        ("Bist du ein Roboter?", "return_item asks reason"),
        ("Die Jacke ist zu klein", "return_item asks order_number"),
        ("AC-10042", "return_item"),
        ("Wie geht es dir?", "how_are_you"),
        ("Vielen Dank", "thanks"),
        ("Ich möchte mit einem Menschen sprechen", "human"),
    ),
    "fr": (
        ("Bonjour", "greeting"),
        ("Avez-vous des tentes ?", "products oak-2"),
        ("Combien coûte Birk ?", "products birk"),
        ("Glim est en stock ?", "products glim"),
        ("Et Lino ?", "products lino"),
        ("Combien coûte Lino et quels sont les délais de livraison ?", "shipping_times, products lino"),
        ("Vendez-vous des vélos ?", "products none"),
        ("Où est ma commande ?", "order_status asks order_number"),
        ("AC-10042", "order_status"),
        ("N'annulez pas ma commande", "left cancel_order"),
        ("Quand êtes-vous ouverts samdi ?", "opening_hours"),
        ("Je veux faire un retour", "return_item asks reason"),
        ("C'est trop petit", "return_item asks order_number"),
        ("AC-10042", "return_item"),
        ("Comment ça va ?", "how_are_you"),
        ("Merci beaucoup", "thanks"),
        ("Je veux parler à quelqu'un", "human"),
    ),
    "es": (
        ("Hola", "greeting"),
        ("¿Tienen tiendas de campaña?", "products oak-2"),
        ("¿Cuánto cuesta Birk?", "products birk"),
        ("¿Está Glim en stock?", "products glim"),
        ("¿Y Lino?", "products lino"),
        ("¿Cuánto cuesta Lino y cuánto tarda el envío?", "shipping_times, products lino"),
        ("¿Venden bicicletas?", "products none"),
        ("¿Dónde está mi pedido?", "order_status asks order_number"),
        ("AC-10042", "order_status"),
        ("No cancele mi pedido", "left cancel_order"),
        ("¿A qué hora abren los sabdos?", "opening_hours"),
        ("Quiero devolver algo", "return_item asks reason"),
        ("Es demasiado grande", "return_item asks order_number"),
        ("AC-10042", "return_item"),
        ("¿Cómo estás?", "how_are_you"),
        ("Muchas gracias", "thanks"),
        ("Quiero hablar con una persona", "human"),
    ),
    "pt": (
        ("Olá", "greeting"),
        ("Têm tendas?", "products oak-2"),
        ("Quanto custa o Birk?", "products birk"),
        ("O Glim está em stock?", "products glim"),
        ("E o Lino?", "products lino"),
        ("Quanto custa Lino e quanto tempo demora a entrega?", "shipping_times, products lino"),
        ("Vendem bicicletas?", "products none"),
        ("Onde está a minha encomenda?", "order_status asks order_number"),
        ("AC-10042", "order_status"),
        ("Não cancelem a minha encomenda", "left cancel_order"),
        ("A que horas abrem ao sabdo?", "opening_hours"),
        ("Quero devolver uma coisa", "return_item asks reason"),
        ("É demasiado pequeno", "return_item asks order_number"),
        ("AC-10042", "return_item"),
        ("Como estás?", "how_are_you"),
        ("Muito obrigado", "thanks"),
        ("Quero falar com uma pessoa", "human"),
    ),
}
#: (language, said, taken for): each in a conversation of its own
LINES: tuple[tuple[str, str, str], ...] = (
    ("pt", "Cadê minha encomenda?", "order_status asks order_number"),
    ("pt", "cade o meu pedido", "order_status asks order_number"),
    ("en", "Is anybody there?", "greeting"),
    ("en", "I'd like to change the address of AC-10042", "knowledge Changing the delivery address"),
    ("en", "Please return AC-10042", "return_item asks reason"),
    ("en", "My order AC-10042 arrived broken", "complaint asks problem"),
    ("de", "Habt ihr AC-10042 schon erstattet?", "knowledge Erstattung"),
    ("en", "I ordered a tent two weeks ago and it's not here yet", "order_status asks order_number"),
    ("en", "where's my stuff", "order_status asks order_number"),
    ("en", "Can you track AC-10042 for me?", "order_status"),
    ("en", "I don't like the colour, can I give it back?", "return_item asks reason"),
    ("en", "I still haven't got my money back", "knowledge Refunds"),
    ("en", "I sent the jacket back last week, where is my money?", "knowledge Refunds"),
    ("en", "price of the oak tent", "products oak-2"),
    ("en", "What's the cheapest tent?", "products oak-2"),
    ("en", "do i have to pay for delivery", "shipping_times"),
    ("en", "I made a mistake with my order, stop it", "cancel_order asks order_number"),
    ("en", "what happens to my data?", "knowledge Your data"),
    ("en", "unsubscribe me", "knowledge Leaving the newsletter"),
    ("en", "you are useless", "upset"),
    ("en", "Is the rain jacket waterproof?", "knowledge Waterproof jackets"),
    ("en", "thx bye", "goodbye"),
    ("de", "Wo bleibt meine Rückzahlung?", "knowledge Erstattung"),
    ("de", "Kannst du AC-10042 verfolgen?", "order_status"),
    ("de", "Preis vom Oak Zelt", "products oak-2"),
    ("de", "Was ist euer günstigstes Zelt?", "products oak-2"),
    ("de", "Wo seid ihr?", "store_locations"),
    ("de", "Kann ich ein Zelt mieten?", "knowledge Verleih"),
    ("de", "Habt ihr offene Stellen?", "knowledge Offene Stellen"),
    ("de", "Ich habe mich verklickt, bitte Bestellung stoppen", "cancel_order asks order_number"),
    ("de", "du bist nutzlos", "upset"),
    ("de", "danke tschüss", "goodbye"),
    ("de", "Wie gebe ich eine Jacke zurück?", "return_item asks reason"),
    ("fr", "Quand mon colis sera-t-il livré ?", "order_status asks order_number"),
    ("fr", "Pouvez-vous suivre AC-10042 ?", "order_status"),
    ("fr", "prix de la tente Oak", "products oak-2"),
    ("fr", "Où êtes-vous ?", "store_locations"),
    ("fr", "passez-moi quelqu'un", "human"),
    ("fr", "tu es nul", "upset"),
    ("fr", "Je me suis trompé, arrêtez la commande", "cancel_order asks order_number"),
    ("fr", "Je veux rendre mes chaussures et vous ouvrez quand ?", "return_item asks reason"),
    ("fr", "Que faites-vous de mes données ?", "knowledge Vos données"),
    ("fr", "Je voudrais l'échanger contre une plus grande", "return_item asks order_number"),
    ("es", "¿Puedes rastrear AC-10042?", "order_status"),
    ("es", "¿Dónde está mi dinero?", "knowledge Cuándo llega el reembolso"),
    ("es", "precio de la tienda Oak", "products oak-2"),
    ("es", "¿Está disponible el Glim?", "products glim"),
    ("es", "Mi tienda llegó rota", "complaint asks problem"),
    ("es", "¿Qué tiempo hace?", "unknown"),
    ("es", "¿Puedo alquilar una tienda?", "knowledge Alquiler"),
    ("es", "Me equivoqué, paren el pedido", "cancel_order asks order_number"),
    ("es", "eres un inútil", "upset"),
    ("es", "¿Cuándo me entregan el paquete?", "order_status asks order_number"),
    ("pt", "Pode rastrear AC-10042?", "order_status"),
    ("pt", "onde estão as minhas coisas", "order_status asks order_number"),
    ("pt", "preço da tenda Oak", "products oak-2"),
    ("pt", "O casaco é impermeável?", "knowledge Casacos impermeáveis"),
    ("pt", "Que tempo faz?", "unknown"),
    ("pt", "Reparam tendas?", "knowledge Reparações"),
    ("pt", "Enganei-me, parem a encomenda", "cancel_order asks order_number"),
    ("pt", "passe-me a alguém", "human"),
    ("pt", "As botas são pequenas demais", "return_item asks order_number"),
    ("pt", "O que fazem com os meus dados?", "knowledge Os seus dados"),
    ("en", "I don't want it any more, please cancel my order", "cancel_order asks order_number"),
    ("de", "Ich will nicht stornieren, ich möchte etwas zurückgeben", "return_item asks reason"),
    ("de", "Ist da jemand?", "greeting"),
    ("fr", "Il y a quelqu'un ?", "greeting"),
    ("es", "¿Hay alguien ahí?", "greeting"),
    ("pt", "Está aí alguém?", "greeting"),
    ("en", "What is the status of the refund?", "knowledge Refunds"),
    ("de", "Wann bekomme ich das Geld wieder?", "knowledge Erstattung"),
    ("fr", "Où est mon remboursement ?", "knowledge Remboursements"),
    ("es", "¿Dónde está mi reembolso?", "knowledge Cuándo llega el reembolso"),
    ("pt", "Onde está o meu reembolso?", "knowledge Quando chega o reembolso"),
    ("de", "Mein Paket ist beschädigt angekommen", "complaint asks problem"),
    ("fr", "Mon colis est arrivé cassé", "complaint asks problem"),
    ("es", "Mi paquete llegó roto", "complaint asks problem"),
    ("pt", "A minha encomenda chegou partida", "complaint asks problem"),
    ("de", "Ich habe die falsche Größe bekommen", "return_item asks order_number"),
    ("fr", "J'ai reçu la mauvaise taille", "return_item asks order_number"),
    ("es", "Me llegó la talla equivocada", "return_item asks order_number"),
    ("pt", "Recebi o tamanho errado", "return_item asks order_number"),
    ("en", "I was charged twice", "complaint asks problem"),
    ("de", "Mir wurde zweimal Geld abgezogen", "complaint asks problem"),
    ("fr", "On m'a facturé deux fois", "complaint asks problem"),
    ("es", "Me habéis cobrado el doble", "complaint asks problem"),
    ("pt", "Debitaram o valor errado", "complaint asks problem"),
    ("en", "This is a joke", "complaint asks problem"),
    ("de", "Das ist doch ein Witz", "complaint asks problem"),
    ("es", "Esto es una broma", "complaint asks problem"),
    ("en", "How long do I have to send something back?", "knowledge Return policy"),
    ("de", "Wie lange kann ich die Schuhe zurückschicken?", "knowledge Rückgaberecht"),
    ("fr", "Combien de jours ai-je pour rendre un article ?", "knowledge Conditions de retour"),
    ("es", "¿Cuántos días tengo para devolver algo?", "knowledge Plazo de devolución"),
    ("pt", "Quantos dias tenho para devolver?", "knowledge Prazo de devolução"),
    ("en", "Where's my refund?", "knowledge Refunds"),
    ("en", "I want my money back", "return_item asks reason"),
    ("de", "Ich möchte die Hose zurückschicken", "return_item asks reason"),
    ("en", "Can I reach you by phone?", "knowledge How to reach us"),
    ("de", "Wie erreiche ich euch telefonisch?", "knowledge So erreichen Sie uns"),
    ("fr", "Comment vous joindre par téléphone ?", "knowledge Nous joindre"),
    ("es", "¿Cómo os llamo por teléfono?", "knowledge Cómo contactarnos"),
    ("pt", "Como vos ligo por telefone?", "knowledge Como nos contactar"),
    ("en", "Can I talk to a person?", "human"),
    ("en", "Which tent is good for two people?", "recommend"),
    ("fr", "Quelle tente pour deux personnes ?", "recommend"),
    ("pt", "Que tenda é boa para dois?", "recommend"),
    ("fr", "Combien de temps pour renvoyer un article ?", "knowledge Conditions de retour"),
    ("es", "¿Hacen envíos a Portugal?", "knowledge Países de envío"),
    ("en", "Hello, do you sell lanterns, please?", "products lino"),
    ("en", "What lanterns do you have?", "products lino"),
    ("en", "How much does the Alpha stove cost?", "products none"),
    ("en", "How much does shipping cost?", "shipping_times"),
    ("en", "Do you sell gift cards?", "knowledge Gift cards"),
    ("en", "Do you have open positions?", "knowledge Jobs"),
    ("en", "Do you have a store in Berlin?", "store_locations"),
    ("en", "Do you have a discount code?", "discount"),
    ("en", "Do you have my order?", "order_status asks order_number"),
    ("en", "Glim globe", "products glim"),
    ("en", "is it in stock", "stock asks product"),
    ("en", "I don't want a refund", "left return_item"),
    ("en", "Are you a robot?", "who_are_you"),
    ("de", "Welche Laternen habt ihr?", "products lino"),
    ("de", "Hallo, was kostet der Rucksack?", "products ridge-40"),
    ("de", "Was kostet der Versand?", "shipping_times"),
    ("de", "Gibt es Geschenkgutscheine?", "knowledge Geschenkkarten"),
    ("de", "Gibt es einen Laden in Berlin?", "store_locations"),
    ("de", "Was kostet der Alpha-Kocher?", "products none"),
    ("de", "Ich will nichts zurückgeben", "left return_item"),
    ("fr", "Quelles lanternes avez-vous ?", "products lino"),
    ("fr", "Combien coûte la livraison ?", "shipping_times"),
    ("fr", "Combien coûte le réchaud Alpha ?", "products none"),
    ("fr", "Je ne veux pas de remboursement", "left return_item"),
    ("fr", "Je ne veux rien retourner", "left return_item"),
    ("es", "¿Qué linternas tienen?", "products lino"),
    ("es", "¿Cuánto cuesta el envío?", "shipping_times"),
    ("es", "¿Cuánto cuesta el hornillo Alpha?", "products none"),
    ("es", "No quiero un reembolso", "left return_item"),
    ("pt", "Que lanternas têm?", "products lino"),
    ("pt", "Quanto custa o envio?", "shipping_times"),
    ("pt", "Quanto custa o fogão Alpha?", "products none"),
    ("pt", "Não quero um reembolso", "left return_item"),
)


def taken_for(reply: Any) -> str:
    """A reply in a few words."""
    goods = [source.id for source in reply.sources if source.kind == "product"]
    articles = [source.title for source in reply.sources if source.kind == "article"]
    if reply.intent == "products":
        return f"products {' '.join(goods) or 'none'}"
    if reply.intent == "knowledge":
        return f"knowledge {articles[0]}"
    if reply.unanswered:
        return "unknown"
    asked = [one.partition(":") for one in reply.next_expected]
    if not reply.intent:
        return f"left {asked[0][2]}" if len(asked) == 1 else f"unsure {' '.join(name for *_, name in asked)}"
    slots = [name for kind, _, name in asked if kind == "slot"]
    told = f"{reply.intent} asks {slots[0]}" if slots else reply.intent
    return f"{told}, products {' '.join(goods)}" if goods else told


def section(language: str, turns: list[tuple[str, Any]]) -> str:
    """A conversation as it stands on the page."""
    lines = [f"\n## {NAMES[language]}\n"]
    for said, reply in turns:
        lines.append(f"**{said}**  ")
        lines += [f"{_shown(content)}  " for content in reply.contents]
        lines.append(f"*{taken_for(reply)}*\n")
    return "\n".join(lines)


def _shown(content: Content) -> str:
    choices = "".join(f" [{reply.title}]" for reply in content.quick_replies or ())
    cards = " · ".join(f"▢ {card.title} ({card.subtitle})" for card in content.cards or ())
    return " ".join((cards or content.text or content.summary).split()) + choices
