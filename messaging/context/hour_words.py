"""What people who wait for a human are told of hours, by language: sentences, weekdays and months, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class HourWords:
    """``closed``, ``later``, ``expected`` take what the members below say; ``minutes`` and the like the number."""

    closed: str  # {when}: the whole out-of-hours reply
    shut: str  # the same where no opening is known
    later: str  # {when}: beside "a human is asked for"
    someday: str
    expected: str  # {time}
    place: str  # {n}: 1 is the next
    today: str  # {time}: a clock's
    tomorrow: str
    on_weekday: str  # {day}, {time}
    on_date: str  # {day}: of the month, {month}, {time}
    minutes: tuple[str, str]  # one, several: {n}
    hours: tuple[str, str]
    days: tuple[str, str]
    weekdays: tuple[str, ...]
    months: tuple[str, ...]


HOUR_WORDS: Mapping[str, HourWords] = {
    "en": HourWords(
        "We are closed right now. We will answer {when}.",
        "We are closed right now. We will answer as soon as we are open again.",
        "A colleague will answer {when}.",
        "A colleague will answer as soon as we are open again.",
        "We usually answer within {time}.",
        "You are number {n} in the queue.",
        "today at {time}", "tomorrow at {time}", "on {day} at {time}", "on {day} {month} at {time}",
        ("one minute", "{n} minutes"), ("one hour", "{n} hours"), ("one day", "{n} days"),
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December"),
    ),
    "de": HourWords(
        "Wir haben gerade geschlossen. Wir antworten Ihnen {when}.",
        "Wir haben gerade geschlossen. Wir antworten Ihnen, sobald wir wieder da sind.",
        "Eine Kollegin oder ein Kollege antwortet Ihnen {when}.",
        "Eine Kollegin oder ein Kollege antwortet Ihnen, sobald wir wieder da sind.",
        "Meistens antworten wir innerhalb von {time}.",
        "Sie sind Nummer {n} in der Warteschlange.",
        "heute um {time} Uhr", "morgen um {time} Uhr", "am {day} um {time} Uhr", "am {day}. {month} um {time} Uhr",
        ("einer Minute", "{n} Minuten"), ("einer Stunde", "{n} Stunden"), ("einem Tag", "{n} Tagen"),
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
         "Dezember"),
    ),
    "fr": HourWords(
        "Nous sommes fermés pour le moment. Nous vous répondrons {when}.",
        "Nous sommes fermés pour le moment. Nous vous répondrons dès notre réouverture.",
        "Un collègue vous répondra {when}.",
        "Un collègue vous répondra dès notre réouverture.",
        "Nous répondons en général en moins de {time}.",
        "Vous êtes numéro {n} dans la file d'attente.",
        "aujourd'hui à {time}", "demain à {time}", "{day} à {time}", "le {day} {month} à {time}",
        ("une minute", "{n} minutes"), ("une heure", "{n} heures"), ("un jour", "{n} jours"),
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
         "décembre"),
    ),
    "es": HourWords(
        "Ahora mismo estamos cerrados. Le responderemos {when}.",
        "Ahora mismo estamos cerrados. Le responderemos en cuanto volvamos a abrir.",
        "Una persona de nuestro equipo le responderá {when}.",
        "Una persona de nuestro equipo le responderá en cuanto volvamos a abrir.",
        "Normalmente respondemos en menos de {time}.",
        "Usted es el número {n} en la cola.",
        "hoy a las {time}", "mañana a las {time}", "el {day} a las {time}", "el {day} de {month} a las {time}",
        ("un minuto", "{n} minutos"), ("una hora", "{n} horas"), ("un día", "{n} días"),
        ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
        ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
         "diciembre"),
    ),
    "it": HourWords(
        "Al momento siamo chiusi. Le risponderemo {when}.",
        "Al momento siamo chiusi. Le risponderemo appena riapriamo.",
        "Un collega le risponderà {when}.",
        "Un collega le risponderà appena riapriamo.",
        "Di solito rispondiamo entro {time}.",
        "Lei è il numero {n} in coda.",
        "oggi alle {time}", "domani alle {time}", "{day} alle {time}", "il {day} {month} alle {time}",
        ("un minuto", "{n} minuti"), ("un'ora", "{n} ore"), ("un giorno", "{n} giorni"),
        ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        ("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
         "novembre", "dicembre"),
    ),
    "pt": HourWords(
        "Estamos fechados de momento. Iremos responder-lhe {when}.",
        "Estamos fechados de momento. Iremos responder-lhe assim que reabrirmos.",
        "Um colega irá responder-lhe {when}.",
        "Um colega irá responder-lhe assim que reabrirmos.",
        "Normalmente respondemos em menos de {time}.",
        "É o número {n} na fila.",
        "hoje às {time}", "amanhã às {time}", "{day} às {time}", "a {day} de {month} às {time}",
        ("um minuto", "{n} minutos"), ("uma hora", "{n} horas"), ("um dia", "{n} dias"),
        ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
        ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
         "novembro", "dezembro"),
    ),
    "nl": HourWords(
        "We zijn op dit moment gesloten. We antwoorden u {when}.",
        "We zijn op dit moment gesloten. We antwoorden u zodra we weer open zijn.",
        "Een collega antwoordt u {when}.",
        "Een collega antwoordt u zodra we weer open zijn.",
        "Meestal antwoorden we binnen {time}.",
        "U bent nummer {n} in de wachtrij.",
        "vandaag om {time}", "morgen om {time}", "{day} om {time}", "op {day} {month} om {time}",
        ("één minuut", "{n} minuten"), ("één uur", "{n} uur"), ("één dag", "{n} dagen"),
        ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
        ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
         "november", "december"),
    ),
    "pl": HourWords(
        "W tej chwili jest zamknięte. Odpowiemy {when}.",
        "W tej chwili jest zamknięte. Odpowiemy, gdy tylko wrócimy.",
        "Nasz konsultant odpowie {when}.",
        "Nasz konsultant odpowie, gdy tylko wrócimy.",
        "Zwykle odpowiadamy w ciągu {time}.",
        "Numer w kolejce: {n}.",
        "dzisiaj o {time}", "jutro o {time}", "{day} o {time}", "{day} {month} o {time}",
        ("jednej minuty", "{n} minut"), ("jednej godziny", "{n} godzin"), ("jednego dnia", "{n} dni"),
        ("w poniedziałek", "we wtorek", "w środę", "w czwartek", "w piątek", "w sobotę", "w niedzielę"),
        ("stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października",
         "listopada", "grudnia"),
    ),
    "tr": HourWords(
        "Şu anda kapalıyız. Size {when} yanıt vereceğiz.",
        "Şu anda kapalıyız. Açılır açılmaz size yanıt vereceğiz.",
        "Bir çalışma arkadaşımız {when} yanıt verecek.",
        "Bir çalışma arkadaşımız açılır açılmaz yanıt verecek.",
        "Genellikle {time} içinde yanıt veriyoruz.",
        "Sırada {n}. kişisiniz.",
        "bugün saat {time}", "yarın saat {time}", "{day} günü saat {time}", "{day} {month} saat {time}",
        ("bir dakika", "{n} dakika"), ("bir saat", "{n} saat"), ("bir gün", "{n} gün"),
        ("pazartesi", "salı", "çarşamba", "perşembe", "cuma", "cumartesi", "pazar"),
        ("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"),
    ),
    "ar": HourWords(
        "نحن مغلقون حاليا. سنرد عليك {when}.",
        "نحن مغلقون حاليا. سنرد عليك فور عودتنا.",
        "سيرد عليك أحد الزملاء {when}.",
        "سيرد عليك أحد الزملاء فور عودتنا.",
        "نرد عادة خلال {time}.",
        "رقمك في قائمة الانتظار: {n}.",
        "اليوم الساعة {time}", "غدا الساعة {time}", "يوم {day} الساعة {time}", "يوم {day} {month} الساعة {time}",
        ("دقيقة واحدة", "{n} دقيقة"), ("ساعة واحدة", "{n} ساعة"), ("يوم واحد", "{n} يوما"),
        ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
        ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"),
    ),
    "ja": HourWords(
        "ただいま営業時間外です。{when}にお返事いたします。",
        "ただいま営業時間外です。営業を再開しましたらお返事いたします。",
        "担当者が{when}にお返事いたします。",
        "営業を再開しましたら、担当者がお返事いたします。",
        "通常{time}以内にお返事しています。",
        "順番待ち: {n}番目です。",
        "本日{time}", "明日{time}", "{day}{time}", "{month}{day}日{time}",
        ("1分", "{n}分"), ("1時間", "{n}時間"), ("1日", "{n}日"),
        ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"),
        tuple(f"{month}月" for month in range(1, 13)),
    ),
    "zh": HourWords(
        "现在不是服务时间，我们将在{when}回复您。",
        "现在不是服务时间，恢复服务后我们会尽快回复您。",
        "同事将在{when}回复您。",
        "恢复服务后同事会尽快回复您。",
        "我们通常在{time}内回复。",
        "您排在第{n}位。",
        "今天{time}", "明天{time}", "{day}{time}", "{month}{day}日{time}",
        ("1分钟", "{n}分钟"), ("1小时", "{n}小时"), ("1天", "{n}天"),
        ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
        tuple(f"{month}月" for month in range(1, 13)),
    ),
}  # fmt: skip
