"""What a turn of the built-in assistant finds beside intents: articles, what was meant by other words, what is to be asked back.

Owns how these are looked for. Must not decide when.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from assistant import slots
from assistant.builtin.covered import least_covered
from assistant.builtin.replies import Replies, told_of
from assistant.builtin.turn import CONFIRMING, MARKS, SOMETHING_ELSE
from assistant.builtin.wording import MAX_OFFERED
from assistant.intents.common import HELP, HUMAN
from assistant.intents.skills import Skill
from assistant.intents.spelling import WORD
from assistant.knowledge.facts import FEWEST, stem_of
from assistant.knowledge.search import Passage, known_from
from assistant.port import EngineReply
from channels_app.content.types import Content
from channels_app.words.automatic import is_automatic
from channels_app.words.text import is_elsewhere

PLAIN = 0.22  # how much more alike an article's letters must be to be told without a look at what is meant
#: … and how much surer that look must be to be told without asking, where one of the words was never met, and where the
#: article has nothing near to one
SURE, STRANGE, FAR = 0.1, 0.2, 0.3
MUCH = 1_500  # beginnings of words that are taught, from which on one that is not among them tells something
NEAR = 0.44  # from which likeness on a word is near to one of the article's
#: articles that are asked about together, and how much less likely than the first they may be
MOST_LIKELY, CLOSE = 3, 0.04


class Found(Replies):
    """Each gives the whole reply, or None where there is nothing of that kind."""

    def reply(self) -> EngineReply:
        """To the whole turn."""
        raise NotImplementedError  # assistant/builtin/dialogue.py has it

    def fact_found(self, then: Content | None = None, more: float = 0.0) -> EngineReply | None:
        """The knowledge has it. ``then`` is a question to come back to; ``more``: how much surer it must be than elsewhere."""
        if self.is_talk or is_automatic(self.text):  # "message not delivered" is about no article on deliveries
            return None
        known, best = self.options.known + more, next(iter(self.findings), None)
        plain = known if self.look is None else max(known, self.options.known + PLAIN)
        if best and best.score >= plain and (self.look is None or best.fact.language in ("", self.language)):
            return self.tell(best.fact, best.score, then)
        passage, told_from = self.passage, known_from(self.options.known) + more
        if passage is None or passage.score < told_from:
            return None
        if then is None and self.is_doubtful(passage, passage.score - told_from):
            return self.article_asked_about(passage)
        return self.tell(told_of(passage), passage.score, then)

    def is_doubtful(self, passage: Passage, surer: float) -> bool:
        """``surer``: by how much the score is above the line."""
        if surer < SURE or (surer < STRANGE and self.has_strange_word()):
            return True
        return surer < FAR and self.names_more_than(passage)

    def has_strange_word(self) -> bool:
        """Whether one of the words is in no example and no article, where most of them are: "can I pay in *bitcoin*". Of a
        language that none is written in nothing is told by that, nor of a tenant that has taught little."""
        known = self.lessons.spelling.stems | self.lessons.knowledge.stems
        said = self.lessons.spelling.corrected(self.text) or self.text
        stems = [stem_of(word) for word in WORD.findall(said.casefold()) if len(word) >= FEWEST]
        return len(known) >= MUCH and len(stems) / 2 <= sum(stem in known for stem in stems) < len(stems)

    def names_more_than(self, passage: Passage) -> bool:
        """Whether one of the words is near to none of the article's: "can I bring my *dog*". Of another language than the
        article's nothing is told by that."""
        theirs = passage.language
        if theirs and (theirs != self.language or is_elsewhere(self.text, frozenset({theirs}))):
            return False
        fact = self.lessons.knowledge.fact(str(passage.article_id))
        article = "\n".join((passage.title, *(fact.questions if fact else ()), passage.text))
        return least_covered(self.text, article) < NEAR

    def article_asked_about(self, passage: Passage) -> EngineReply:
        """It may be this article, or one that is nearly as likely, and a wrong one told for right is worse than a question."""
        near = self.look(self.text, self.language, MOST_LIKELY) if self.look else []
        likely = {f"knowledge:{one.article_id}": one.title for one in near if one.score >= passage.score - CLOSE}
        question = self.wording.did_you_mean([(title, payload) for payload, title in likely.items()], SOMETHING_ELSE)
        on_yes = next(iter(likely)) if len(likely) == 1 else ""
        return self.asked_back(question, on_yes=on_yes, expected=tuple(likely))

    def asked_back(self, question: Content, *, on_yes: str, expected: tuple[str, ...]) -> EngineReply:
        """Where that was one time too many and a human takes over, nothing has answered."""
        reply = self.misunderstood([question], stage=CONFIRMING, on_yes=on_yes, expected=expected)
        return replace(reply, unanswered=reply.handover)

    def read_as(self, words: str, of: Skill | None = None) -> EngineReply | None:
        """What is said to these words in place of those that were written. None where they are not understood, or as something
        else than ``of``."""
        if not words:
            return None
        reply = type(self)(self.options, self.lessons, self.saying(words), self.look, self.ask_shop).reply()
        missed = reply.unanswered or reply.context["assistant"]["missed"] > self.missed
        return None if missed or (of and reply.intent != of.name) else reply

    def denial_asked_about(self) -> EngineReply | None:
        """What a text forbids is not begun, but asked about: only they know whether it was under way."""
        if self.recognised or not self.denied or self.classification.confidence < self.options.medium:
            return None
        skill = self.skill(self.classification.intent)
        if skill is None or not skill.own:
            return None
        payload = f"intent:{skill.name}"
        question = self.wording.left(skill.title, payload, SOMETHING_ELSE)
        confidence = self.classification.confidence
        return self.answer([question], stage=CONFIRMING, on_yes=payload, expected=(payload,), confidence=confidence)

    def number_alone(self) -> EngineReply | None:
        """A number that several intents ask for, and nothing else: what it is for is asked. No likeness of letters says."""
        if self.collecting or not slots.NUMBER_ALONE.fullmatch(self.text):
            return None
        ways = []
        for name, known in self.lessons.skills.items():
            skill = self.skill(name) if known.own else None
            given = slots.number_in(skill.slots, self.text, self.options.region) if skill else {}
            if skill and given:
                self.filled |= given  # "where is it?" then means that one
                ways.append((skill.title, f"intent:{name}?{urlencode(given)}"))
        if not ways:
            return None
        question = self.wording.about(self.text.strip(MARKS), ways[: MAX_OFFERED - 1], SOMETHING_ELSE)
        on_yes = ways[0][1] if len(ways) == 1 else ""
        return self.answer([question], stage=CONFIRMING, on_yes=on_yes, expected=tuple(payload for _, payload in ways))

    def nearly_recognised(self) -> EngineReply | None:
        """Not sure enough to answer, sure enough to ask back."""
        if self.classification.confidence < self.options.medium:
            return None
        names = self.classification.between(self.options.medium / 2)[: MAX_OFFERED - 1]
        meant = [skill for name in names if (skill := self.skill(name)) and (skill.own or name in (HUMAN, HELP))]
        likely = [(self.wording.title(skill), f"intent:{skill.name}") for skill in meant]
        likely += [
            (f.fact.title, f"knowledge:{f.fact.id}") for f in self.findings[:1] if f.score >= self.options.known / 2
        ]
        if not likely:
            return None
        question = self.wording.did_you_mean(likely, SOMETHING_ELSE)
        on_yes = likely[0][1] if len(likely) == 1 else ""
        return self.asked_back(question, on_yes=on_yes, expected=tuple(payload for _, payload in likely))

    def not_understood(self) -> EngineReply:
        """It does not know, says so, and offers a human."""
        said = [self.wording.unknown(HUMAN)]
        offer: dict[str, Any] = {"on_yes": HUMAN, "expected": (HUMAN,)}
        if self.is_talk:  # no reason to call a colleague
            reply = self.answer(said, confidence=self.classification.confidence, **offer)
        else:
            reply = self.misunderstood(said, **offer)
        return replace(reply, unanswered=True)
