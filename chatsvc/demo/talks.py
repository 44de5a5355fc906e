"""What has been said in the demo shop: people, and talks between them, the assistant and colleagues.

Owns data. Must not write anything (past.py does).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """``addresses``: kind of channel → their id there; the web chat's is their name."""

    name: str
    email: str
    phone: str
    language: str
    kind: str  # of the channel that they like most


@dataclass(frozen=True)
class Talk:
    """``said``: who ("v" visitor, "b" bot, "a" agent) and what; ``handed``: why a human was asked for, before the first
    "a", or at the end."""

    said: tuple[tuple[str, str], ...]
    intent: str
    handed: str = ""
    rated: int | None = None
    note: str = ""
    comment: str = ""


PEOPLE = (
    Person("Ada Brook", "ada@brook.example", "+15550101001", "en", "web"),
    Person("Jonas Keller", "jonas.keller@post.example", "+15550101002", "de", "whatsapp"),
    Person("Lucía Ferrer", "lucia@ferrer.example", "+15550101003", "es", "whatsapp"),
    Person("Sam Okoro", "sam.okoro@mail.example", "+15550101004", "en", "sms"),
    Person("Camille Roux", "camille@roux.example", "+15550101005", "fr", "messenger"),
    Person("Priya Nair", "priya@nair.example", "+15550101006", "en", "web"),
    Person("Tom Hadley", "tom@hadley.example", "+15550101007", "en", "slack"),
    Person("Greta Lind", "greta.lind@mail.example", "+15550101008", "de", "teams"),
    Person("Marco Bassi", "marco@bassi.example", "+15550101009", "en", "voice"),
    Person("Yuki Arai", "yuki@arai.example", "+15550101010", "en", "web"),
    Person("Nora Petit", "nora@petit.example", "+15550101011", "fr", "web"),
    Person("Ben Castle", "ben@castle.example", "+15550101012", "en", "webhook"),
    Person("Elif Demir", "elif@demir.example", "+15550101013", "en", "whatsapp"),
    Person("Owen Price", "owen@price.example", "+15550101014", "en", "sms"),
    Person("Hanna Vogt", "hanna@vogt.example", "+15550101015", "de", "messenger"),
    Person("Luis Prado", "luis@prado.example", "+15550101016", "es", "web"),
)

ASKS = "A colleague will be with you as soon as possible."

#: talks that are over, in turns
OVER = (
    Talk(
        (
            ("v", "Where is my order AC-10042?"),
            ("b", "Order AC-10042 left our warehouse and is with the carrier. It should be with you in one or two days."),
            ("v", "Perfect, thank you!"),
            ("b", "You are welcome. Have a good trip!"),
        ),
        "order_status", rated=5,
    ),
    Talk(
        (
            ("v", "What are your opening hours on Saturday?"),
            ("b", "Our shops are open Monday to Saturday, 9 am to 7 pm, and closed on Sundays and public holidays."),
        ),
        "opening_hours",
    ),
    Talk(
        (
            ("v", "The zip of my Fell jacket broke on the second day."),
            ("b", "I am sorry about that. Shall I ask a colleague to look at it?"),
            ("v", "Yes please"),
            ("b", ASKS),
            ("a", "Hi, I am sorry about the zip. Could you send me the order number? I will send a new one today."),
            ("v", "AC-20931"),
            ("a", "Done: it leaves tomorrow morning, and you may keep the old one for the garden."),
            ("v", "That is generous, thanks"),
        ),
        "complaint", handed="asked", rated=5, note="Third zip of the Fell series this month: told the buyers.",
        comment="Quick and kind.",
    ),
    Talk(
        (
            ("v", "Can I return boots that I have worn once?"),
            ("b", "Yes: within 60 days, clean and with their box. The label is on its way to your e-mail address."),
            ("v", "And without the box?"),
            ("b", "Then any box will do."),
        ),
        "return_item", rated=4,
    ),
    Talk(
        (
            ("v", "Do you ship to Norway?"),
            ("b", "We ship to all of Europe. To Norway it takes four to six working days."),
            ("v", "What about customs?"),
            ("b", ASKS),
            ("a", "Duties are included in the price you see at the checkout, so nothing is left to pay at the door."),
        ),
        "shipping_times", handed="not_understood", rated=3,
    ),
    Talk(
        (
            ("v", "Is there a discount for students?"),
            ("b", "Yes, 10 % with a student card, in our shops and with the code that we mail to you."),
        ),
        "discount",
    ),
    Talk(
        (
            ("v", "I was charged twice for AC-10388"),
            ("b", ASKS),
            ("a", "I see both charges. One is a reservation and falls away by Friday; I have asked the bank to hurry."),
            ("v", "Friday is late, I need the money"),
            ("a", "I understand. I have sent it back by hand, it is with you within the hour."),
        ),
        "complaint", handed="asked", rated=2, comment="Why does it take a complaint?",
    ),
    Talk(
        (
            ("v", "Which tent for two people and a dog?"),
            ("b", "The Ridge 3 has room for two and a large dog. It weighs 2.4 kg."),
            ("v", "Is it in stock?"),
            ("b", "Yes, in green and in grey."),
        ),
        "recommend", rated=5,
    ),
)  # fmt: skip

#: talks that go on: minutes since their last message, who has them ("": the person waits; "bot", or a colleague), the person
OPEN = (
    (3, "", 0, Talk((("v", "My parcel says delivered, but it is not here."), ("b", ASKS)), "order_status", handed="asked")),
    (11, "", 1, Talk((("v", "Ich möchte mit einem Menschen sprechen"), ("b", "Ein Kollege meldet sich gleich.")), "human", handed="asked")),
    (26, "", 4, Talk((("v", "Bonjour, ma tente fuit et nous partons demain !"), ("b", "Un collègue vous répond dès que possible.")),
                     "complaint", handed="asked")),
    (2, "bot", 5, Talk((("v", "Is the Glim globe bright enough to read?"),
                        ("b", "Yes: at its brightest it has 200 lumens, plenty for a book or a map.")), "recommend")),
    (7, "bot", 2, Talk((("v", "¿Dónde está mi pedido AC-10077?"),
                        ("b", "El pedido AC-10077 ha salido de nuestro almacén y está con el transportista.")), "order_status")),
    (5, "admin", 9, Talk((("v", "Could you change the address of AC-10101?"), ("b", ASKS),
                          ("a", "Of course. What is the new one?"), ("v", "12 Harbour Street, Bristol")), "order_status", handed="asked",
                         note="Warehouse told; the parcel leaves at 4 pm.")),
    (14, "mira", 12, Talk((("v", "The sole of my left boot comes off"), ("b", ASKS),
                           ("a", "Oh no. A photo would help me: could you send one?"), ("v", "I will, when I am home")),
                          "complaint", handed="asked")),
    (9, "ben", 3, Talk((("v", "Can you call me about an order for our scout group?"), ("b", ASKS),
                        ("a", "Gladly. When suits you best?"), ("v", "After 5 pm, please"),
                        ("a", "Then I will call you at 5:30.")), "recommend", handed="asked")),
)  # fmt: skip
