"""What the service itself says to a person, in their language as far as the tenant speaks it (TEN-2).

Owns these sentences and the choice of the language. Must not know how any of them is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from channels_app.hours import hours_on
from conversations.models import Contact, Conversation
from messaging.context.hours import later_words, wait_words
from messaging.context.languages import language_spoken, last_words
from tenants.storage.db import now
from tenants.tenant_settings import TenantSettings, settings_for

#: state that a change of control leads to → language → what the visitor reads of it
ENTRIES: Mapping[str, Mapping[str, str]] = {
    "queued": {
        "en": "A colleague will be with you as soon as possible.",
        "de": "Eine Kollegin oder ein Kollege meldet sich, so bald es geht.",
        "fr": "Un collègue vous répondra dès que possible.",
        "es": "Una persona de nuestro equipo le atenderá lo antes posible.",
        "it": "Un collega le risponderà il prima possibile.",
        "pt": "Um colega irá atendê-lo assim que possível.",
        "nl": "Een collega helpt u zo snel mogelijk.",
        "pl": "Nasz konsultant odezwie się najszybciej, jak to możliwe.",
        "tr": "Bir çalışma arkadaşımız en kısa sürede sizinle ilgilenecek.",
        "ar": "سيكون أحد الزملاء معك في أقرب وقت ممكن.",
        "ja": "担当者ができるだけ早く対応いたします。",
        "zh": "同事会尽快为您服务。",
    },
    "assigned": {
        "en": "A colleague has joined the conversation.",
        "de": "Eine Kollegin oder ein Kollege ist jetzt dabei.",
        "fr": "Un collègue a rejoint la conversation.",
        "es": "Una persona de nuestro equipo se ha unido a la conversación.",
        "it": "Un collega si è unito alla conversazione.",
        "pt": "Um colega entrou na conversa.",
        "nl": "Een collega doet nu mee aan het gesprek.",
        "pl": "Konsultant dołączył do rozmowy.",
        "tr": "Bir çalışma arkadaşımız görüşmeye katıldı.",
        "ar": "انضم أحد الزملاء إلى المحادثة.",
        "ja": "担当者が会話に参加しました。",
        "zh": "同事已加入对话。",
    },
    "bot": {
        "en": "The assistant is back.",
        "de": "Der Assistent ist wieder da.",
        "fr": "L'assistant est de retour.",
        "es": "El asistente ha vuelto.",
        "it": "L'assistente è tornato.",
        "pt": "O assistente está de volta.",
        "nl": "De assistent is terug.",
        "pl": "Asystent wrócił.",
        "tr": "Asistan geri döndü.",
        "ar": "عاد المساعد.",
        "ja": "アシスタントに戻りました。",
        "zh": "助手回来了。",
    },
    "closed": {
        "en": "The conversation has ended.",
        "de": "Das Gespräch ist beendet.",
        "fr": "La conversation est terminée.",
        "es": "La conversación ha terminado.",
        "it": "La conversazione è terminata.",
        "pt": "A conversa terminou.",
        "nl": "Het gesprek is beëindigd.",
        "pl": "Rozmowa została zakończona.",
        "tr": "Görüşme sona erdi.",
        "ar": "انتهت المحادثة.",
        "ja": "会話は終了しました。",
        "zh": "对话已结束。",
    },
}
#: of a tenant that has not chosen its own
FALLBACKS: Mapping[str, str] = {
    "de": "Entschuldigung, ich kann gerade nicht antworten. Bitte versuchen Sie es gleich noch einmal.",
    "fr": "Désolé, je ne peux pas répondre pour le moment. Veuillez réessayer dans un instant.",
    "es": "Lo siento, ahora mismo no puedo responder. Inténtelo de nuevo en un momento.",
    "it": "Mi dispiace, in questo momento non posso rispondere. Riprovi tra poco.",
    "pt": "Desculpe, não consigo responder agora. Tente de novo daqui a pouco.",
    "nl": "Sorry, ik kan nu niet antwoorden. Probeer het zo nog eens.",
    "pl": "Przepraszam, nie mogę teraz odpowiedzieć. Proszę spróbować za chwilę.",
    "tr": "Üzgünüm, şu anda yanıt veremiyorum. Lütfen birazdan tekrar deneyin.",
    "ar": "عذرا، لا يمكنني الرد الآن. يرجى المحاولة مرة أخرى بعد قليل.",
    "ja": "申し訳ありません。ただいまお答えできません。しばらくしてからもう一度お試しください。",
    "zh": "抱歉，我现在无法回复。请稍后再试。",
}
OWN_FALLBACK = TenantSettings().fallback_reply


def entry_for(conversation: Conversation, state: str) -> str:
    """What the visitor reads of a change of control; who is to wait, how long. One statement where the tenant speaks
    several languages."""
    language = language_of(conversation)
    said = ENTRIES[state].get(language, ENTRIES[state]["en"])
    if state != "queued":
        return said
    chosen, hours = settings_for(conversation.tenant_id), hours_on(conversation.tenant_id, conversation.channel_id)
    at = now()
    return later_words(hours, language, at) or " ".join(filter(None, (said, wait_words(chosen, hours, language, at))))


def language_of(conversation: Conversation) -> str:
    """In which the person is spoken to. One statement where the tenant speaks several languages."""
    spoken = settings_for(conversation.tenant_id).languages
    return _chosen(_wishes(conversation, spoken), spoken) if len(spoken) > 1 else _short(spoken[0])


def fallback_for(chosen: TenantSettings, language: str) -> str:
    """The reply when no engine gave one: the tenant's for the language, else its general one, else ours."""
    spoken = _chosen([language], chosen.languages)
    own = {_short(name): said for name, said in chosen.fallback_replies.items()}
    if spoken in own or chosen.fallback_reply != OWN_FALLBACK:
        return own.get(spoken, chosen.fallback_reply)
    return FALLBACKS.get(spoken, chosen.fallback_reply)


def _wishes(conversation: Conversation, spoken: tuple[str, ...]) -> list[str]:
    """The person's language as staff have entered it, then the one they speak: of "AC-10042" alone a guess would be wrong."""
    if said := last_words(conversation.id):
        return [said[-1].conversation__contact__language, language_spoken(said, spoken)]
    contact = Contact.objects.filter(id=conversation.contact_id).values_list("language", flat=True).first()
    return [contact or ""]


def _chosen(wishes: Iterable[str], spoken: tuple[str, ...]) -> str:
    """The first wish that the tenant speaks, else its own first language."""
    ours = [_short(language) for language in spoken]
    return next((_short(wish) for wish in wishes if wish and _short(wish) in ours), ours[0])


def _short(language: str) -> str:
    return language.split("-")[0]
