"""The words by which people stop, resume and ask for help, and what they are answered, by language.

Data only: a language is one entry. Must not decide anything (rules.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """Whole messages, whatever their case, accents and punctuation; then the three answers."""

    stop: tuple[str, ...]
    start: tuple[str, ...]
    help: tuple[str, ...]
    stopped: str
    resumed: str
    helped: str


#: Ordinary words that only happen to be stop words, too: "alto" is also "tall", "ret" is French for nothing at all. They
#: count in the tenant's and the contact's languages alone, and never as the answer to a question of ours.
EVERYDAY = frozenset(
    {
        "alto", "baja", "alta", "detener", "pare", "parar", "sair", "voltar", "retomar", "ferma", "fermare", "basta",
        "dur", "durdur", "ret", "bilgi", "قف", "توقف", "بدء", "reprendre", "commencer", "beginnen", "helpen",
    }
)  # fmt: skip

#: What people put around a stop word without meaning anything else by it.
POLITE = frozenset(
    {
        "please", "pls", "thanks", "thank you", "thank you very much", "many thanks", "thx", "ok", "okay", "hi", "hello",
        "sorry", "now", "bitte", "danke", "vielen dank", "danke schön", "jetzt", "hallo", "s il vous plaît", "svp", "merci",
        "s il te plaît", "bonjour", "por favor", "gracias", "muchas gracias", "hola", "ahora", "obrigado", "obrigada",
        "olá", "per favore", "grazie", "ciao", "alstublieft", "alsjeblieft", "graag", "bedankt", "dank u", "dank je",
        "lütfen", "teşekkürler", "teşekkür ederim", "merhaba", "من فضلك", "لو سمحت", "شكرا", "مرحبا",
    }
)  # fmt: skip

#: Where the signature of a phone or a mail program begins.
SIGNATURES = (
    "sent from", "sent via", "get outlook for", "gesendet von", "von meinem iphone gesendet", "envoyé de", "envoyé depuis",
    "enviado desde", "enviado do", "enviado de", "inviato da", "verzonden vanaf", "verstuurd vanaf",
)  # fmt: skip

#: Words that carriers reserve on SMS, and that a customer elsewhere may well mean otherwise ("cancel" an order).
CARRIER_ONLY = frozenset({"cancel", "end", "quit", "revoke", "info", "opzeggen"})

#: The English stop words are those that carriers require of every sender:
#: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
PHRASES: dict[str, Phrases] = {
    "en": Phrases(
        stop=(
            "stop",
            "stop all",
            "stopall",
            "unsubscribe",
            "cancel",
            "end",
            "quit",
            "revoke",
            "optout",
            "opt out",
            "stop texting",
            "stop texting me",
            "stop messaging",
            "stop messaging me",
            "stop messages",
            "stop all messages",
            "stop these messages",
            "stop sending messages",
            "stop sending me messages",
            "stop sending me texts",
            "stop contacting me",
            "stop writing to me",
            "unsubscribe me",
            "i want to unsubscribe",
            "opt me out",
            "no more messages",
            "remove me from your list",
            "take me off your list",
        ),
        start=("start", "unstop", "subscribe", "opt in", "optin"),
        help=("help", "info"),
        stopped="You will receive no more messages from us. Write START to receive them again.",
        resumed="You receive our messages again. Write STOP to end them.",
        helped="This is an automatic answer. Write your question and we will reply. Write STOP to end our messages.",
    ),
    "de": Phrases(
        stop=(
            "stopp",
            "stoppen",
            "abmelden",
            "abbestellen",
            "austragen",
            "keine nachrichten mehr",
            "keine sms mehr",
            "ich will keine nachrichten mehr",
            "schreiben sie mir nicht mehr",
            "ich möchte mich abmelden",
        ),
        start=("starten", "anmelden", "fortsetzen"),
        help=("hilfe",),
        stopped="Sie erhalten keine Nachrichten mehr von uns. Mit START erhalten Sie wieder welche.",
        resumed="Sie erhalten wieder Nachrichten von uns. Mit STOP beenden Sie das.",
        helped="Dies ist eine automatische Antwort. Schreiben Sie Ihre Frage, wir antworten. "
        "Mit STOP beenden Sie unsere Nachrichten.",
    ),
    "fr": Phrases(
        stop=(
            "arrêt",
            "arrêter",
            "arrêtez",
            "désabonner",
            "désinscrire",
            "désinscription",
            "plus de messages",
            "ne m écrivez plus",
            "arrêtez de m écrire",
            "désabonnez moi",
        ),
        start=("démarrer", "commencer", "reprendre", "réabonner"),
        help=("aide", "aidez moi"),
        stopped="Vous ne recevrez plus de messages de notre part. Écrivez START pour en recevoir à nouveau.",
        resumed="Vous recevez à nouveau nos messages. Écrivez STOP pour les arrêter.",
        helped="Ceci est une réponse automatique. Écrivez votre question et nous vous répondrons. "
        "Écrivez STOP pour ne plus recevoir nos messages.",
    ),
    "es": Phrases(
        stop=(
            "alto",
            "baja",
            "dar de baja",
            "darme de baja",
            "desuscribir",
            "detener",
            "no más mensajes",
            "no me escriban más",
            "no quiero más mensajes",
            "quiero darme de baja",
        ),
        start=("iniciar", "comenzar", "empezar", "alta", "reanudar"),
        help=("ayuda",),
        stopped="No recibirá más mensajes nuestros. Escriba START para volver a recibirlos.",
        resumed="Vuelve a recibir nuestros mensajes. Escriba STOP para terminarlos.",
        helped="Esta es una respuesta automática. Escriba su pregunta y le responderemos. "
        "Escriba STOP para no recibir más mensajes.",
    ),
    "pt": Phrases(
        stop=(
            "pare",
            "parar",
            "sair",
            "descadastrar",
            "cancelar inscrição",
            "não quero mais mensagens",
            "sem mais mensagens",
            "pare de me mandar mensagens",
        ),
        start=("começar", "iniciar mensagens", "retomar", "voltar"),
        help=("ajuda",),
        stopped="Você não receberá mais mensagens nossas. Escreva START para voltar a recebê-las.",
        resumed="Você volta a receber as nossas mensagens. Escreva STOP para encerrá-las.",
        helped="Esta é uma resposta automática. Escreva a sua pergunta e responderemos. "
        "Escreva STOP para não receber mais mensagens.",
    ),
    "it": Phrases(
        stop=(
            "ferma",
            "fermare",
            "basta",
            "annulla iscrizione",
            "disiscrivi",
            "disiscrivimi",
            "cancellami",
            "basta messaggi",
            "non scrivetemi più",
            "non voglio più messaggi",
        ),
        start=("inizia", "iniziare", "riprendi", "riprendere"),
        help=("aiuto",),
        stopped="Non riceverà più nostri messaggi. Scriva START per riceverli di nuovo.",
        resumed="Riceve di nuovo i nostri messaggi. Scriva STOP per interromperli.",
        helped="Questa è una risposta automatica. Scriva la sua domanda e le risponderemo. "
        "Scriva STOP per non ricevere più messaggi.",
    ),
    "nl": Phrases(
        stop=("stoppen met berichten", "afmelden", "uitschrijven", "opzeggen", "geen berichten meer"),
        start=("beginnen", "aanmelden", "hervatten"),
        help=("hulp", "helpen"),
        stopped="U ontvangt geen berichten meer van ons. Stuur START om ze weer te ontvangen.",
        resumed="U ontvangt onze berichten weer. Stuur STOP om ze te beëindigen.",
        helped="Dit is een automatisch antwoord. Stuur uw vraag en wij antwoorden. "
        "Stuur STOP om geen berichten meer te ontvangen.",
    ),
    "tr": Phrases(
        stop=("dur", "durdur", "ret", "üyelikten çık", "abonelikten çık", "mesaj istemiyorum", "mesaj göndermeyin"),
        start=("başla", "başlat", "devam et"),
        help=("yardım", "bilgi"),
        stopped="Artık bizden mesaj almayacaksınız. Yeniden almak için START yazın.",
        resumed="Mesajlarımızı yeniden alıyorsunuz. Durdurmak için STOP yazın.",
        helped="Bu otomatik bir yanıttır. Sorunuzu yazın, yanıtlayalım. Mesajlarımızı durdurmak için STOP yazın.",
    ),
    "ar": Phrases(
        stop=("توقف", "قف", "إيقاف", "إلغاء الاشتراك", "لا أريد رسائل"),
        start=("ابدأ", "بدء", "استئناف", "اشتراك"),
        help=("مساعدة", "ساعدني"),
        stopped="لن تصلك رسائل منا بعد الآن. أرسل START لتلقيها من جديد.",
        resumed="ستصلك رسائلنا من جديد. أرسل STOP لإيقافها.",
        helped="هذا رد آلي. اكتب سؤالك وسنجيبك. أرسل STOP لإيقاف رسائلنا.",
    ),
}
