"""No text of a stranger costs more than its length: every pattern of the tree, at the longest it is used on.

CPU time is measured, not the clock. The bounds are ten times what is usual; what was repaired here took from
ten times that (a space too many) to hours (an unclosed tag).
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import regex

import assistant
import channels_app
import chatsvc
import conversations
import messaging
import tenants
from assistant.embeddings.multilingual import MAX_READ
from assistant.knowledge.documents import MOST_BYTES
from assistant.knowledge.papers import FEW_SIGNS
from assistant.models import MOST_OF_ANSWER
from channels_app.adapters.slack import words as slack
from channels_app.adapters.teams import bodies as teams
from channels_app.content.fit import fit
from channels_app.content.normalise import RAW_MOST, clean_text
from channels_app.content.types import MAX_TEXT, Card, Content
from channels_app.registry import KINDS, adapter_for
from channels_app.words.markdown import convert
from channels_app.words.personal import find_personal, masked
from channels_app.words.segments import split_segments
from channels_app.words.split import GRAPHEME, shorten, split_text
from channels_app.words.text import Safety, analyse

APPS = (assistant, channels_app, chatsvc, conversations, messaging, tenants)
PATTERN_S = 0.25  # of one pattern on one text
QUARTER_S = PATTERN_S / 4**3  # on a quarter of it: what grows with up to the third power is within the bound then
WHOLE_S = 1.0  # of a whole function on one text
REFERENCE_S = 0.06  # of `reference` where these bounds were measured
HEADER = 16_384
#: module → the longest text that its patterns are used on; a module with patterns has a line here
LONGEST: dict[str, int] = {
    "channels_app.content.normalise": RAW_MOST,
    "assistant.prompting.letters": 255,  # the name of a sign
    "assistant.console.model_forms": 500,  # a line of a form
    "assistant.prompts.difference": 8000,  # a prompt
    "assistant.prompting.forms": 16_384,  # an answer of a model: four messages
    "assistant.prompting.spellings": 16_384,
    "assistant.prompting.marks": 8000,  # a prompt
    "channels_app.words.folding": RAW_MOST,
    "conversations.search.asked": 200,  # what is asked, by SearchQuery
    "conversations.search.numbers": 200,
    "channels_app.words.split": MAX_TEXT,  # looked at in windows of a part's length
    "channels_app.words.injection": RAW_MOST,
    "channels_app.words.personal.national_ids": RAW_MOST,
    "channels_app.words.personal": RAW_MOST,
    "channels_app.words.text": RAW_MOST,
    "channels_app.words.entities": RAW_MOST,
    "channels_app.words.first_words": RAW_MOST,
    "chatsvc.env.keys": 10_000,  # an operator's own
    "channels_app.words.markdown": MAX_TEXT,
    "channels_app.content.options": 1000,  # what a choice sends back
    "channels_app.templates.resolve": MAX_TEXT,
    "channels_app.http.client": 2048,
    "channels_app.adapters.slack": 2048,
    "channels_app.adapters.messenger": 255,
    "channels_app.adapters.teams": 255,
    "channels_app.adapters.whatsapp": 255,
    "tenants.api.moments": HEADER,
    "tenants.names": 255,
    "channels_app.adapters.slack.words": RAW_MOST,
    "channels_app.adapters.slack.outbound": MAX_TEXT,
    "channels_app.adapters.sms": 2048,
    "channels_app.adapters.teams.address": 2048,
    "channels_app.adapters.teams.bodies": RAW_MOST,
    "channels_app.adapters.teams.quotes": RAW_MOST,
    "channels_app.adapters.whatsapp.cards": RAW_MOST,
    "channels_app.adapters.whatsapp.inbound": MAX_TEXT,
    "channels_app.adapters.teams.inbound": 2048,
    "channels_app.adapters.teams.keys": HEADER,
    "channels_app.adapters.teams.outbound": MAX_TEXT,
    "channels_app.adapters.twilio": 2048,
    "channels_app.adapters.voice.speech": MAX_TEXT,
    "channels_app.adapters.web": 255,
    "channels_app.adapters.whatsapp.templates": MAX_TEXT,
    "conversations.export.pdf": 400_000,
    "messaging.agents.notes": 4096,  # of a note
    "messaging.agents.inbox.found": 200,  # what is asked
    "messaging.rules.control": 4096,  # a reason
    "tenants.api.versions": HEADER,
    "tenants.strict": RAW_MOST,
    "tenants.console.plain_words": 2048,  # an error of a form's check
    "messaging.admin.inbox.lists.asked": 255,
    "chatsvc.web.widget": 255,
    "messaging.live.typing": RAW_MOST,  # a piece of an answer
    "messaging.media.views": HEADER,
    "messaging.media.scanning": 1024,  # of an answer
    "messaging.admin.tenant.hours_form": 50_000,
    "messaging.rating.said": 40,  # what is longer is no answer
    "messaging.rating.taken": 1000,
    "messaging.reports.contact_signals": RAW_MOST,  # a value of a platform's data
    "channels_app.adapters.slack.calls": RAW_MOST,
    "assistant.builtin.phrases.same_thing": 200,
    "assistant.builtin.phrases.signs": MAX_TEXT,
    "channels_app.words.automatic": 400,
    "assistant.builtin.phrases.consents": 200,
    "assistant.builtin.wording": MAX_TEXT,
    "assistant.builtin.phrases.denials": MAX_TEXT,
    "assistant.builtin.phrases.wishes": MAX_TEXT,
    "assistant.builtin.phrases.person_wanted": 1000,  # characters that are looked at
    "assistant.builtin.phrases.following": 200,  # characters that are looked at
    "assistant.builtin.phrases.unsure": 120,  # what is longer tells something else
    "assistant.engine.remote": 2048,  # what gRPC says of an error
    "assistant.engine.wire": 256_000,
    "assistant.intents.spelling": MAX_TEXT,
    "assistant.intents.tongues": RAW_MOST,  # all that an article says
    "assistant.knowledge.charsets": MOST_BYTES,
    "assistant.knowledge.documents": MOST_BYTES,
    "assistant.knowledge.page": FEW_SIGNS,  # what is longer is read in a child
    "assistant.knowledge.papers": RAW_MOST,  # a line, or a paragraph
    "assistant.knowledge.passages": MOST_OF_ANSWER,
    "assistant.llm.ask": 64_000,  # what a model may write
    "assistant.llm.faults": 16_384,  # what a provider says of an error
    "assistant.llm.tokens": RAW_MOST,
    "assistant.llm.wires.answered": 64_000,
    "assistant.products.adaptor": 2048,
    "assistant.products.plain": 400,
    "assistant.products.pointing": 400,
    "assistant.products.shapes": 400,
    "assistant.prompting.builder": 64_000,
    "assistant.prompting.frames": MOST_OF_ANSWER,
    "assistant.prompting.leaks": 64_000,
    "assistant.prompting.masking": MOST_OF_ANSWER,
    "assistant.features": MAX_TEXT,
    "assistant.intents.learning.training": MAX_TEXT,
    "assistant.slots": MAX_TEXT,
    "chatsvc.web.middleware": HEADER,
    "tenants.access.api_keys": HEADER,
    "tenants.access.limits": HEADER,
    "tenants.access.tokens": HEADER,
    "tenants.api.idempotency": HEADER,
    "tenants.access.grants.clients": 500,  # an address, by ClientBody
    "tenants.access.signing.issuers": 300,  # an audience, by IssuerBody
    "tenants.access.signing.pem": 64 * 1024,  # of an operator's file
    "assistant.embeddings.english": MAX_READ,
    "tenants.api.parse": 2_500_000,
}
WRITTEN = (
    "< a <p> <at> </at> <p></p> <br <img <!-- href= <a␣ </a␣ <br␣ <img␣ <a␣href= <a␣href=http://a> ` ``a * ** *a **a _ "
    "__a ~~ ~~a [ [a]( [a](b [a] ( ! \\ https:// http://a www.a. a. a@ @a. 1 1, 1- 1/ 12. € €1 + 00 (1 1) order# # A1 "
    "A1- - -␣ {{ {{␣ {a {a| <@a <@a| . \" ' > >␣ • 1.␣ \\u0000 \\\\ a- #1 $1 @ : /a ␣ ␣__a 1␣ may␣ 1␣may␣ order␣ €␣ a␣ "
    "\n \n␣ \t \u200d \u0301 🇦 👨\u200d"
)  # ␣: a blank
PUMPS = [pump.replace("␣", " ") for pump in WRITTEN.split(" ")]
STARTS = ("<img", "<a href=http://", "# x", "[a](", "x")
STARTED = [" ", "\n", "a", ".", "`", "*", "(", "1", "-"]


def patterns() -> Iterator[tuple[str, str, Any]]:
    """Every pattern that stands in a module: alone, in a tuple or in a dict."""
    for package in APPS:
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if any(part in found.name for part in (".twin", ".mongo", ".management", ".migrations", "wsgi", "asgi")):
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                inner = value.values() if type(value) is dict else value if type(value) is tuple else (value,)
                yield from ((found.name, name, one) for one in inner if type(one) in (re.Pattern, regex.Pattern))


@cache
def own_patterns() -> dict[str, tuple[str, bool, Any]]:
    """By name: its module, whether it is only compared with a whole text, and itself. Imports all there is: a second of
    whichever process asks, and of none that only looks for tests."""
    homes: dict[Any, tuple[str, str, Any]] = {}
    for home, name, pattern in patterns():
        same = (type(pattern), pattern.pattern, pattern.flags)
        known = homes.get(same)
        homes[same] = known if known and known[0] in LONGEST else (home, name, pattern)
    return {
        f"{home}.{name}-{i}": (home, compared(home, name), one) for i, (home, name, one) in enumerate(homes.values())
    }


def compared(home: str, name: str) -> bool:
    source = inspect.getsource(importlib.import_module(home))
    return bool(re.search(rf"\b{name}\.(?:full)?match\(", source)) and not re.search(
        rf"\b{name}\.(?!(?:full)?match\()", source
    )


def cpu_s(work: Any, *args: Any, bound: float = WHOLE_S) -> float:
    """The least of up to five times, as long as they are beyond ``bound``: a neighbour of the machine makes some of them
    longer, and what is not linear is far beyond it in all. In seconds of the processor that the bounds were measured on: a
    second is three of one that is a third as quick, for its neighbours' sake or for good."""
    spent: list[float] = []
    while len(spent) < 5 and min(spent, default=bound) >= bound:
        slower = max(1.0, _thread_s(reference) / REFERENCE_S) if spent else 1.0
        spent.append(_thread_s(work, *args) / slower)
    return min(spent)


def _thread_s(work: Any, *args: Any) -> float:
    began = time.thread_time()
    work(*args)
    return time.thread_time() - began


def reference() -> int:
    return sum(number * number for number in range(1_000_000))


def filled(start: str, pump: str, length: int, end: str = "x") -> str:
    return (start + pump * (length // len(pump) + 1))[: length - len(end)] + end


def test_every_module_with_patterns_says_how_long_a_text_may_be():
    assert {home for home, _, _ in own_patterns().values()} <= LONGEST.keys()


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.__name__)
def test_a_pattern_costs_no_more_than_the_text_is_long(app, subtests):
    for name, (home, whole, pattern) in own_patterns().items():
        if home.partition(".")[0] == app.__name__:
            with subtests.test(name):
                costs_no_more_than_the_text_is_long(home, whole, pattern)


def costs_no_more_than_the_text_is_long(home: str, whole: bool, pattern: Any) -> None:
    length = min(LONGEST[home], RAW_MOST)  # what is not linear is far beyond the bound by then
    for start, pump in itertools.chain(itertools.product([""], PUMPS), itertools.product(STARTS, PUMPS[:12] + STARTED)):
        if searched_s(pattern, whole, start, pump, length // 4, bound=WHOLE_S) >= QUARTER_S:
            assert searched_s(pattern, whole, start, pump, length, bound=PATTERN_S) < PATTERN_S, (start, pump)


def searched_s(pattern: Any, whole: bool, start: str, pump: str, length: int, bound: float) -> float:
    text: Any = filled(start, pump, length)
    text = text.encode("utf-8", "surrogatepass") if type(pattern.pattern) is bytes else text
    return cpu_s(lambda: pattern.fullmatch(text) if whole else [*pattern.finditer(text)], bound=bound)


def test_what_is_quadratic_is_slow_at_a_quarter():
    assert searched_s(re.compile("<a[^>]*>!"), False, "", "<a ", RAW_MOST // 4, bound=WHOLE_S) > QUARTER_S


KINDS_OF_DATA = frozenset(("card_number", "iban", "national_id", "email", "phone", "profanity"))
LOOKED_FOR = Safety(words=frozenset(["fool"]), looked_for=KINDS_OF_DATA | {"prompt_injection"})


def hidden(text: str) -> str:
    return masked(text, find_personal(text, kinds=KINDS_OF_DATA, words=frozenset(["fool"]), region="DE"))


WORKS = {
    "clean": lambda text: clean_text(text),
    "clean, markup": lambda text: clean_text(text, markup=True),
    "clean, kept whole": lambda text: clean_text(text, markup=True, limit=10_000_000),
    "clean, rich": lambda text: clean_text(text, rich=True),
    "Slack": lambda text: slack.read_body({"text": text}, text),
    "Teams": lambda text: teams.read_body({"text": text}),
    "Markdown": lambda text: [convert(text[:MAX_TEXT], dialect) for dialect in ("none", "whatsapp", "slack")],
    "split": lambda text: split_text(text[:RAW_MOST], 160),
    "shorten": lambda text: shorten(text[:RAW_MOST], MAX_TEXT),
    "SMS": lambda text: split_segments(text[:MAX_TEXT], 10, 1600),
    "analyse": lambda text: analyse(text[:MAX_TEXT]),
    "flags": lambda text: analyse(text[:MAX_TEXT], whole=text[:100_000], region="DE", safety=LOOKED_FOR),
    "hide": lambda text: hidden(text[:100_000]),
}


@pytest.mark.parametrize("work", WORKS)
def test_no_text_of_four_megabytes_holds_a_worker(work):
    analyse("The first call loads the model of languages.")
    for pump in ("<p>", "</a ", "<a href=http://a>", "<p></p>", "<at>", " ", "\n", "`", "**a", " __a", "[a](", "🇦", ".",
                 "a\u0301", "👨\u200d", "> ", "1 ", "A1-", "<!--", "\U000e0020", "&lt;"):  # fmt: skip
        if cpu_s(WORKS[work], filled("", pump, 1_000_000)) >= WHOLE_S / 4**3:  # as of QUARTER_S
            assert cpu_s(WORKS[work], filled("", pump, 4_000_000)) < WHOLE_S, pump


@pytest.mark.parametrize(
    "pump",
    ["4111 1111 1111 1111 ", "4111 ", "4 ", "1-", "+49151 2345678 ", "0151 23456780,", "DE89 3704 0044 0532 0130 00 ", "DE89 ",
     "ann@example.com ", "a@", "fool ", "86095742719 ", "ignore all ", "ignore the previous ", "you are now ", "12.50 € "],
    ids=str.strip,
)  # fmt: skip
def test_a_hundred_kilobytes_of_what_safety_looks_for(pump):
    """The patterns' own worst cases: finds without end, and what is nearly one."""
    text = filled("", pump, 100_000)
    for work in (hidden, WORKS["flags"]):
        assert cpu_s(work, text) < WHOLE_S


def test_the_finding_itself():
    """240 kB of a Slack message held a worker for half a minute, 4 MB for hours."""
    assert cpu_s(lambda: clean_text("<p>" * 40_000 + "</a " * 30_000, markup=True)) < WHOLE_S


def test_what_is_longer_than_is_looked_at_ends_in_the_sign():
    whole = clean_text("word " * 20_000, limit=10_000_000)
    assert (len(whole), whole[-1]) == (RAW_MOST + 1, "…")
    assert clean_text("a" * RAW_MOST, limit=10_000_000) == "a" * RAW_MOST


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<p>one</p>", "one"),
        ("a<BR/>b", "a\nb"),
        ("<b>x</b> <p>", "x"),
        ("</p><p>", "</p><p>"),  # never opened before it is closed
        ("use <div> and <p>", "use <div> and <p>"),
        ('<a href="https://a.example">here</a>', "here (https://a.example)"),
        ("<a href=https://a.example><b>b</b></a>", "b (https://a.example)"),
    ],
)
def test_html_is_still_told_from_words(written, read):
    assert clean_text(written, markup=True) == read


def test_flags_are_graphemes_of_two_as_before():
    for text in ("🇦🇧🇦", "🇦🇧🏽x", "a🇦\u0301🇧", "🇦🇧\u200d👨", "👨\u200d👩"):
        assert GRAPHEME.findall(text) == regex.findall(r"\X", text)


@pytest.mark.parametrize("dialect", ["none", "whatsapp", "slack"])
def test_quotes_within_quotes_have_no_end_of_their_own(dialect):
    assert convert("> " * 2000 + "deep", dialect).endswith("deep")
    assert convert("> > deep", "whatsapp") == "> > deep"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_show_is_said_so(kind):
    fitted = fit(Content(type="carousel", cards=(Card(title=" "),)), adapter_for(kind).capabilities)
    assert fitted.parts
