"""What the demo tenant's assistant knows, in German.

Owns data alone.
"""

from __future__ import annotations

from typing import Any

from assistant.demo.parts import card, place, replies

ORDER_NUMBER = {
    "prompt": "Wie lautet Ihre Bestellnummer? Sie beginnt mit AC und steht in der Bestätigungsmail.",
    "retry": "Eine Bestellnummer sieht so aus: AC-10042. Schauen Sie bitte noch einmal nach?",
}

INTENTS: dict[str, dict[str, Any]] = {
    "order_status": {
        "title": "Wo ist meine Ware?",
        "examples": [
            "wo ist es", "wo bleibt es", "ich warte seit drei wochen", "warum dauert das so lange", "es müsste längst da sein",
            "wann wird mein paket geliefert",
            "kannst du AC-10042 verfolgen", "bestellnummer AC-10042",
            "ich habe vor zwei wochen bestellt und es ist noch nichts da",
            "ich habe ein zelt bestellt und nichts bekommen", "wo bleibt meine ware",
            "wo ist meine bestellung", "bestellung", "meine bestellung", "wo bleibt mein paket", "sendung verfolgen",
            "wann kommt meine bestellung", "wann kommt mein paket an", "mein paket ist noch nicht da",
            "sendungsverfolgung",
            "ist meine bestellung schon unterwegs", "status meiner bestellung", "lieferstatus",
            "ich warte noch auf meine bestellung", "wurde meine bestellung schon verschickt",
        ],
        "slots": {"order_number": ORDER_NUMBER},
        "reply": "Die Bestellung {order_number} hat unser Lager verlassen und ist beim Paketdienst. "
                 "In ein bis zwei Tagen sollte sie bei Ihnen sein.",
    },
    "cancel_order": {
        "title": "Stornieren",
        "examples": [
            "ich habe mich verklickt, bitte die bestellung stoppen", "bitte die bestellung anhalten",
            "bestellung stornieren", "ich möchte meine bestellung stornieren", "kann ich noch stornieren",
            "stornierung",
            "bitte bestellung AC-10042 stornieren", "storniere meine bestellung", "ich habe aus versehen bestellt",
            "ich will die bestellung widerrufen",
        ],
        "slots": {"order_number": ORDER_NUMBER},
        "reply": "Ich habe das Lager gebeten, die Bestellung {order_number} anzuhalten. "
                 "Jemand aus dem Team bestätigt es gleich hier.",
    },
    "return_item": {
        "title": "Zurückgeben",
        "examples": [
            "AC-10042 zurückgeben", "ich möchte die bestellung AC-10042 zurückgeben",
            "wie gebe ich eine jacke zurück", "die farbe gefällt mir nicht, kann ich es zurückgeben", "zurückgeben",
            "die größe ist falsch", "falsche größe geliefert", "ich habe die falsche größe erhalten", "ihr habt mir die falsche größe geschickt",
            "rückgabe", "retoure", "rücksendung", "ich möchte etwas zurückgeben", "ich möchte etwas zurückschicken",
            "wie kann ich etwas zurückgeben", "wie schicke ich etwas zurück", "ich brauche ein rücksendeetikett",
            "die schuhe passen nicht", "die jacke ist zu klein", "umtausch", "kann ich das umtauschen",
            "ich will mein geld zurück", "rückerstattung", "wie funktioniert die rückgabe", "das zelt zurückgeben",
        ],
        "slots": {
            "reason": {
                "prompt": "Gern. Warum geht die Ware zurück?",
                "choices": ["Falsche Größe", "Defekt", "Gefällt nicht"],
            },
            "order_number": ORDER_NUMBER,
        },
        "reply": "Notiert: {order_number}, {reason}. Das Rücksendeetikett ist unterwegs in Ihr Postfach. "
                 "Geben Sie das Paket binnen 60 Tagen bei einer Poststelle ab; danach dauert die Erstattung 3 bis 5 Tage.",
    },
    "shipping_times": {
        "title": "Lieferzeiten",
        "examples": [
            "bis wann muss ich bestellen", "was kostet der versand ins ausland", "geht es auch schneller",
            "ich brauche es bis freitag", "kommt es noch vor dem wochenende", "kann ich es bis morgen haben", "was kostet der versand nach frankreich",
            "muss ich für die lieferung bezahlen",
            "wie lange dauert der versand", "lieferzeit", "versandkosten", "was kostet der versand",
            "wie schnell liefern sie",
            "ist der versand kostenlos", "gibt es expressversand", "wie lange dauert die lieferung",
        ],
        "reply": "Der Standardversand dauert 2 bis 4 Werktage und ist ab 50 Euro kostenlos (darunter 4,90 Euro). "
                 "Express kommt am nächsten Werktag, kostet 9,90 Euro und gilt für Bestellungen bis 14 Uhr.",
    },
    "opening_hours": {
        "title": "Öffnungszeiten",
        "examples": [
            "öffnungszeiten", "wann haben sie geöffnet", "wann habt ihr auf", "haben sie sonntags geöffnet",
            "wann macht der laden auf", "wie lange haben sie heute offen", "wann schließen sie",
            "habt ihr samstags auf",
        ],
        "reply": replies("Unsere Läden sind montags bis samstags von 9 bis 19 Uhr geöffnet, sonn- und feiertags geschlossen.",
                         ("Laden finden", "intent:store_locations")),
    },
    "store_locations": {
        "title": "Laden finden",
        "examples": [
            "wo seid ihr", "wo sind sie zu finden",
            "wo sind ihre läden", "wo ist das nächste geschäft", "filiale finden", "adresse",
            "gibt es einen laden in berlin",
            "wo finde ich euch", "filialen", "wie komme ich zum laden",
        ],
        "reply": [
            "Wir haben zwei Läden: einen in Berlin und einen in Hamburg.",
            place("Acorn Outdoor Berlin", "Beispielstraße 12, 10115 Berlin", 52.5321, 13.3849),
            place("Acorn Outdoor Hamburg", "Musterweg 3, 20095 Hamburg", 53.5511, 10.0012),
        ],
    },
    "recommend": {
        "title": "Empfehlungen",
        "examples": [
            "ein zelt für drei personen", "eine jacke für eine frau", "was empfehlen sie für den winter",
            "ein zelt für zwei leute", "welches zelt passt für vier",
            "können sie etwas empfehlen", "welches zelt soll ich kaufen", "ich suche eine jacke", "ich suche ein zelt",
            "ich brauche wanderschuhe", "welchen rucksack empfehlen sie", "was verkauft ihr", "zeigen sie mir zelte",
            "geschenkideen", "was ist neu", "ich brauche einen schlafsack", "empfehlung",
        ],
        "reply": [
            "Das ist in dieser Saison am beliebtesten:",
            {
                "type": "carousel",
                "cards": [
                    card("Zelt Oak 2", "Für zwei, 2,1 kg, steht in vier Minuten · 249 €", "Oak 2", "Verfügbar?"),
                    card("Regenjacke Drizzle", "Wasserdicht, passt in die eigene Tasche · 129 €", "Drizzle", "Verfügbar?"),
                    card("Rucksack Ridge 40", "40 Liter, passt an jeden Rücken · 159 €", "Ridge 40", "Verfügbar?"),
                ],
            },
        ],
    },
    "stock": {
        "title": "Verfügbarkeit",
        "examples": [
            "ist das auf lager", "haben sie das in größe M", "ist das zelt verfügbar", "wann ist es wieder da",
            "ist die regenjacke noch lieferbar", "ausverkauft", "verfügbarkeit prüfen", "habt ihr den rucksack noch",
        ],
        "slots": {
            "product": {
                "prompt": "Was soll ich nachsehen?",
                "choices": ["Zelt Oak 2", "Jacke Drizzle", "Rucksack Ridge 40"],
            }
        },
        "reply": "{product} ist auf Lager. Bestellungen bis 14 Uhr gehen heute noch raus.",
    },
    "discount": {
        "title": "Rabatte",
        "examples": [
            "das ist mir zu teuer",
            "haben sie einen rabattcode", "gutschein", "rabatt", "gibt es gerade angebote", "studentenrabatt", "ich bin student",
            "mein gutscheincode geht nicht", "bekomme ich das billiger", "sonderangebote",
        ],
        "reply": "Wer den Newsletter abonniert, bekommt 10 % auf die erste Bestellung; Studierende 15 % mit gültigem Ausweis.",
    },
    "complaint": {
        "title": "Beschwerde",
        "examples": [
            "zelt kaputt", "jacke kaputt",
            "AC-10042 ist kaputt angekommen",
            "das ist ja wohl ein witz", "das ist der schlechteste service",
            "ihr habt den falschen betrag abgebucht", "meine karte wurde doppelt belastet",
            "ich habe doppelt bezahlt", "von meinem konto ist zu viel abgegangen", "das ist lächerlich",
            "wollt ihr mich veräppeln", "jetzt reicht es mir", "ein schlechter scherz",
            "das paket ist kaputt angekommen", "zweimal abgebucht", "mir wurde zweimal geld abgebucht", "das kann doch nicht wahr sein",
            "ich möchte mich beschweren", "beschwerde", "reklamation", "das ist eine frechheit",
            "die ware ist kaputt angekommen",
            "mein paket war beschädigt", "ich habe den falschen artikel bekommen", "es fehlt etwas in meinem paket",
            "ich bin sehr unzufrieden", "der service ist schrecklich",
        ],
        "slots": {"problem": {"prompt": "Das tut mir leid. Was ist passiert? Ein paar Worte genügen."}},
        "reply": "Danke. Ich habe das so weitergegeben, und jemand aus dem Team antwortet Ihnen hier.",
    },
    "newsletter": {
        "title": "Newsletter",
        "examples": [
            "newsletter abonnieren", "ich möchte den newsletter bekommen", "für den newsletter anmelden",
            "schicken sie mir angebote per mail",
        ],
        "slots": {
            "email": {
                "prompt": "An welche E-Mail-Adresse soll der Newsletter gehen?",
                "retry": "Das sieht nicht wie eine E-Mail-Adresse aus. Prüfen Sie sie bitte?",
            }
        },
        "reply": "Erledigt: Wir haben eine Bestätigung an {email} geschickt. Bitte öffnen Sie den Link darin einmal.",
    },
    "greeting": {
        "title": "Begrüßung",
        "reply": replies("Hallo und willkommen bei Acorn Outdoor! Was kann ich für Sie tun?",
                         ("Wo ist meine Ware?", "intent:order_status"), ("Zurückgeben", "intent:return_item"),
                         ("Empfehlungen", "intent:recommend")),
    },
}  # fmt: skip

KNOWLEDGE: dict[str, dict[str, Any]] = {
    "So erreichen Sie uns": {
        "questions": [
            "wie ist eure telefonnummer",
            "wie kann ich euch erreichen", "wie erreiche ich den kundendienst", "kann ich euch anrufen",
            "wie kann ich euch kontaktieren",
            "wie lautet eure e-mail-adresse", "gibt es eine hotline",
        ],
        "answer": "Sie erreichen uns unter +49 30 5550 142, montags bis samstags von 9 bis 19 Uhr, unter "
                  "service@acorn-outdoor.example, und hier jederzeit.",
        "tags": ["telefon", "anruf", "kontakt"],
    },
    "Erstattung": {
        "questions": [
            "ist AC-10042 schon erstattet",
            "wo bleibt meine rückzahlung", "ich habe die ware zurückgeschickt, wo bleibt mein geld",
            "das geld ist noch nicht auf meinem konto",
            "ist mein geld schon überwiesen", "ich warte noch auf meine erstattung",
            "wo ist meine erstattung", "wann bekomme ich mein geld zurück", "wie lange dauert die erstattung"],
        "answer": "Ihr Geld ist 3 bis 5 Werktage, nachdem die Ware zurück ist, wieder da.",
        "tags": ["geld", "erstattung"],
    },
    "Zahlungsarten": {
        "questions": ["wie kann ich bezahlen", "kann ich in raten zahlen", "welche zahlungsarten gibt es", "kann ich mit paypal zahlen",
                      "kann ich auf rechnung kaufen"],
        "answer": "Sie zahlen mit Visa, Mastercard, PayPal, per Überweisung oder auf Rechnung binnen 14 Tagen.",
        "tags": ["zahlung", "kreditkarte", "rechnung"],
    },
    "Rückgaberecht": {
        "questions": [
            "wie lange habe ich zeit", "und wenn es mir nicht gefällt", "was kostet mich die rückgabe",
            "kann ich es im laden zurückgeben", "kann ich die auch im laden abgeben", "kann ich die rücksendung in der filiale abgeben",
            "bis wann kann ich etwas zurückschicken", "wie viele tage habe ich für die rücksendung",
            "wie lange habe ich zeit zum umtauschen",
            "wie lange kann ich zurückgeben", "ist die rücksendung kostenlos", "rückgabefrist"],
        "answer": "Unbenutzte Ware geben Sie binnen 60 Tagen kostenlos zurück, im Laden oder per Post. Auch reduzierte.",
        "tags": ["frist", "widerruf"],
    },
    "Lieferländer": {
        "questions": ["liefern sie ins ausland", "in welche länder liefern sie", "liefern sie in die schweiz"],
        "answer": "Wir liefern in alle Länder der Europäischen Union, in die Schweiz, nach Norwegen und Großbritannien.",
        "tags": ["ausland", "international"],
    },
    "Garantie": {
        "questions": [
            "muss ich zahlen, wenn es defekt ist","wie lange gilt die garantie", "was deckt die garantie ab", "gibt es garantie auf zelte"],
        "answer": "Auf Material und Verarbeitung geben wir fünf Jahre Garantie. Verschleiß ist ausgenommen.",
        "tags": ["gewährleistung"],
    },
    "Lieferadresse ändern": {
        "questions": [
            "ich möchte die adresse von AC-10042 ändern",
            "kann ich meine lieferadresse ändern", "ich habe die falsche adresse angegeben"],
        "answer": "Solange die Bestellung nicht gepackt ist, ändern Sie die Adresse in Ihrem Konto unter „Bestellungen“.",
        "tags": ["anschrift"],
    },
    "Passwort vergessen": {
        "questions": ["ich habe mein passwort vergessen", "ich kann mich nicht anmelden", "passwort zurücksetzen"],
        "answer": "Wählen Sie „Passwort vergessen“ auf der Anmeldeseite. Der Link, den wir schicken, gilt eine Stunde.",
        "tags": ["konto", "login"],
    },
    "Geschenkkarten": {
        "questions": ["gibt es geschenkgutscheine", "wie lange gilt eine geschenkkarte"],
        "answer": "Geschenkkarten gibt es von 10 bis 500 Euro. Sie gelten drei Jahre, online und im Laden.",
        "tags": ["gutschein", "geschenk"],
    },
    "Datenschutz": {
        "questions": ["was passiert mit meinen daten", "wie kann ich meine daten löschen lassen",
                      "datenschutzerklärung"],
        "answer": "Wir speichern nur, was für Ihre Bestellung nötig ist. Auf Wunsch löschen wir Ihre Daten sofort.",
        "tags": ["daten", "privatsphäre"],
    },
}  # fmt: skip
