"""The words by which people stop, resume and ask for help, and what they are answered, by language.

Data only: a language is one entry. Must not decide anything (consent.py).
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


#: Words that carriers reserve on SMS, and that a customer elsewhere may well mean otherwise ("cancel" an order).
CARRIER_ONLY = frozenset({"cancel", "end", "quit", "revoke", "info", "opzeggen"})

#: The English stop words are those that carriers require of every sender:
#: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
PHRASES: dict[str, Phrases] = {
    "en": Phrases(
        stop=("stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out"),
        start=("start", "unstop", "subscribe", "opt in", "optin"),
        help=("help", "info"),
        stopped="You will receive no more messages from us. Write START to receive them again.",
        resumed="You receive our messages again. Write STOP to end them.",
        helped="This is an automatic answer. Write your question and we will reply. Write STOP to end our messages.",
    ),
    "de": Phrases(
        stop=("stopp", "stoppen", "abmelden", "abbestellen", "austragen", "keine nachrichten mehr"),
        start=("starten", "anmelden", "fortsetzen"),
        help=("hilfe",),
        stopped="Sie erhalten keine Nachrichten mehr von uns. Mit START erhalten Sie wieder welche.",
        resumed="Sie erhalten wieder Nachrichten von uns. Mit STOP beenden Sie das.",
        helped="Dies ist eine automatische Antwort. Schreiben Sie Ihre Frage, wir antworten. "
        "Mit STOP beenden Sie unsere Nachrichten.",
    ),
    "fr": Phrases(
        stop=("arrêt", "arrêter", "arrêtez", "désabonner", "désinscrire", "désinscription"),
        start=("démarrer", "commencer", "reprendre", "réabonner"),
        help=("aide", "aidez moi"),
        stopped="Vous ne recevrez plus de messages de notre part. Écrivez START pour en recevoir à nouveau.",
        resumed="Vous recevez à nouveau nos messages. Écrivez STOP pour les arrêter.",
        helped="Ceci est une réponse automatique. Écrivez votre question et nous vous répondrons. "
        "Écrivez STOP pour ne plus recevoir nos messages.",
    ),
    "es": Phrases(
        stop=("alto", "baja", "dar de baja", "darme de baja", "desuscribir", "detener"),
        start=("iniciar", "comenzar", "empezar", "alta", "reanudar"),
        help=("ayuda",),
        stopped="No recibirá más mensajes nuestros. Escriba START para volver a recibirlos.",
        resumed="Vuelve a recibir nuestros mensajes. Escriba STOP para terminarlos.",
        helped="Esta es una respuesta automática. Escriba su pregunta y le responderemos. "
        "Escriba STOP para no recibir más mensajes.",
    ),
    "pt": Phrases(
        stop=("pare", "parar", "sair", "descadastrar", "cancelar inscrição"),
        start=("começar", "iniciar mensagens", "retomar", "voltar"),
        help=("ajuda",),
        stopped="Você não receberá mais mensagens nossas. Escreva START para voltar a recebê-las.",
        resumed="Você volta a receber as nossas mensagens. Escreva STOP para encerrá-las.",
        helped="Esta é uma resposta automática. Escreva a sua pergunta e responderemos. "
        "Escreva STOP para não receber mais mensagens.",
    ),
    "it": Phrases(
        stop=("ferma", "fermare", "basta", "annulla iscrizione", "disiscrivi", "disiscrivimi", "cancellami"),
        start=("inizia", "iniziare", "riprendi", "riprendere"),
        help=("aiuto",),
        stopped="Non riceverà più nostri messaggi. Scriva START per riceverli di nuovo.",
        resumed="Riceve di nuovo i nostri messaggi. Scriva STOP per interromperli.",
        helped="Questa è una risposta automatica. Scriva la sua domanda e le risponderemo. "
        "Scriva STOP per non ricevere più messaggi.",
    ),
    "nl": Phrases(
        stop=("stoppen met berichten", "afmelden", "uitschrijven", "opzeggen"),
        start=("beginnen", "aanmelden", "hervatten"),
        help=("hulp", "helpen"),
        stopped="U ontvangt geen berichten meer van ons. Stuur START om ze weer te ontvangen.",
        resumed="U ontvangt onze berichten weer. Stuur STOP om ze te beëindigen.",
        helped="Dit is een automatisch antwoord. Stuur uw vraag en wij antwoorden. "
        "Stuur STOP om geen berichten meer te ontvangen.",
    ),
    "tr": Phrases(
        stop=("dur", "durdur", "ret", "üyelikten çık", "abonelikten çık"),
        start=("başla", "başlat", "devam et"),
        help=("yardım", "bilgi"),
        stopped="Artık bizden mesaj almayacaksınız. Yeniden almak için START yazın.",
        resumed="Mesajlarımızı yeniden alıyorsunuz. Durdurmak için STOP yazın.",
        helped="Bu otomatik bir yanıttır. Sorunuzu yazın, yanıtlayalım. Mesajlarımızı durdurmak için STOP yazın.",
    ),
    "ar": Phrases(
        stop=("توقف", "قف", "إيقاف", "إلغاء الاشتراك"),
        start=("ابدأ", "بدء", "استئناف", "اشتراك"),
        help=("مساعدة", "ساعدني"),
        stopped="لن تصلك رسائل منا بعد الآن. أرسل START لتلقيها من جديد.",
        resumed="ستصلك رسائلنا من جديد. أرسل STOP لإيقافها.",
        helped="هذا رد آلي. اكتب سؤالك وسنجيبك. أرسل STOP لإيقاف رسائلنا.",
    ),
}
