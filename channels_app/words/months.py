"""Names of months, as they stand beside a day, in the languages that are recognised.

Owns the words. Must not read dates (entities.py).
"""

from __future__ import annotations

#: of each month: English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian; then Polish,
#: Czech, Ukrainian, Russian (as they are said of a day), Turkish, Finnish
_NAMES = (
    "january jan januar janvier enero gennaio janeiro januari stycznia ledna січня января ocak tammikuuta",
    "february feb februar février febrero febbraio fevereiro februari lutego února лютого февраля şubat helmikuuta",
    "march mar märz mars marzo março maart marts marca března березня марта mart maaliskuuta",
    "april apr avril abril aprile kwietnia dubna квітня апреля nisan huhtikuuta",
    "may mai mayo maggio maio mei maj maja května травня мая mayıs toukokuuta",
    "june jun juni juin junio giugno junho czerwca června червня июня haziran kesäkuuta",
    "july jul juli juillet julio luglio julho lipca července липня июля temmuz heinäkuuta",
    "august aug août agosto augustus augusti sierpnia srpna серпня августа ağustos elokuuta",
    "september sep sept septembre septiembre settembre setembro września září вересня сентября eylül syyskuuta",
    "october oct oktober okt octobre octubre ottobre outubro października října жовтня октября ekim lokakuuta",
    "november nov novembre noviembre novembro listopada listopadu листопада ноября kasım marraskuuta",
    "december dec dezember dez décembre diciembre dicembre dezembro desember grudnia prosince грудня декабря aralık "
    "joulukuuta",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
