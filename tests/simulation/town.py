"""The tenants, their channels and the people who write to them, and what these know to be true.

Owns the truth that the oracle compares the rows with: what was said, in which order it was received, what was
acknowledged. Must not read rows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory

from messaging.api.webhook import webhook
from tenants.models import Tenant
from tests.factories import ChannelFactory, TenantFactory, UserFactory
from tests.simulation.dialects import CONFIG, DIALECTS, SECRETS, Post, Words
from tests.simulation.platform import Line
from tests.simulation.world import World

TENANTS = {"acme": ("whatsapp", "sms", "web"), "globex": ("sms", "webhook", "web")}
#: the same numbers at both tenants: nothing of one may reach the other
ADDRESSES = ("+4915112345678", "+4915112345679")


@dataclass(eq=False)
class Person:
    line: Line
    address: str
    said: list[Said] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.line}/{self.address[-1]}"


@dataclass(eq=False)
class Said:
    """Something a person said, and when we got it. ``began``: our first look at it, ``acked``: our 2xx."""

    by: Person
    id: str
    text: str
    at: int  # Unix seconds of the platform
    began: int = 0
    acked: int = 0
    wall: float = 0.0  # our clock at our first look

    @property
    def stops(self) -> bool:
        return self.text == "STOP"

    def begins(self, world: World) -> None:
        """It reaches us, perhaps not for the first time."""
        self.wall = self.wall or world.clock.wall.timestamp()
        self.began = self.began or world.tick()

    def words(self) -> Words:
        return Words(self.id, self.text, self.by.address, self.at)


@dataclass(eq=False)
class Letter:
    """A webhook that its platform posts until it is acknowledged, and then perhaps once more."""

    line: Line
    post: Post
    said: Sequence[Said] = ()
    told: str = ""


class Town:
    """Everybody outside, in one world."""

    def __init__(self, world: World, lines: Sequence[Line]):
        self.world = world
        self.lines = lines
        everybody = [Person(line, address) for line in lines for address in ADDRESSES]
        rng = random.Random(world.seed)
        crowd = rng.choice((0.0, 0.3, 1.0))  # in a small town the same few meet more often
        sure = [rng.choice([one for one in everybody if one.line.kind != "web" and one.line.tenant == tenant]) for tenant in TENANTS]  # fmt: skip
        self.people = [one for one in everybody if one in sure or rng.random() < crowd]
        self.mail: list[Letter] = []
        self.said: dict[str, Said] = {}
        self._requests = RequestFactory()

    def writer(self, rng: random.Random) -> Person:
        """A person who writes by a platform."""
        return rng.choice([one for one in self.people if one.line.kind != "web"])

    def visitor(self, rng: random.Random, address: str) -> Person | None:
        """A visitor of this address in a web chat, if there is one."""
        found = [one for one in self.people if one.line.kind == "web" and one.address == address]
        return rng.choice(found) if found else None

    def says(self, person: Person, text: str) -> Said:
        """``text`` "": something of its own, told apart from all else by a number and its tenant's name."""
        number = len(self.said) + 1
        words = text or f"{person.line.tenant} question {number}"
        said = Said(person, f"{person.line.kind}-in-{number}", words, int(self.world.clock.wall.timestamp()))
        self.said[said.id] = said
        person.said.append(said)
        return said

    def write(self, person: Person, said: Sequence[Said]) -> Letter:
        letter = Letter(
            person.line,
            DIALECTS[person.line.kind].messages([one.words() for one in said]),
            said,
            f"{person}: {' + '.join(one.text for one in said)!r}",
        )
        self.mail.append(letter)
        return letter

    def deliver(self, letter: Letter) -> bool:
        """Post it. True when it was acknowledged: from then on it is ours to keep."""
        post, line = letter.post, letter.line
        path = f"/api/v2/webhooks/{line.kind}/{line.key}" + (f"?{post.query}" if post.query else "")
        headers = DIALECTS[line.kind].headers(post, settings.PUBLIC_URL + path, self.world.clock.wall.timestamp())
        for one in letter.said:
            one.begins(self.world)
        self.world.say(f"post {letter.told}")
        request = self._requests.post(path, post.body, content_type=post.content_type, headers=headers)
        answer: HttpResponse = webhook(request, line.kind, line.key)
        if answer.status_code != 200:
            self.world.say(f"answered {answer.status_code}")
            return False
        for one in letter.said:
            one.acked = one.acked or self.world.tick()
        return True


def populate() -> None:
    """Two tenants with their channels and a colleague each."""
    for name, kinds in TENANTS.items():
        tenant = TenantFactory(name=name.title(), slug=name)
        UserFactory(username=f"colleague-{name}")
        for kind in kinds:
            config = CONFIG[kind] if kind == "web" else {**CONFIG[kind], "api_base": f"http://{name}-{kind}.test"}
            ChannelFactory(
                tenant=tenant, kind=kind, name=kind, key=f"{name}{kind}", config=config, secrets=SECRETS[kind]
            )


def lines() -> list[Line]:
    """The channels that `populate` made."""
    return [
        Line(channel.tenant_id.hex, tenant.slug, channel.kind, channel.id.hex, channel.key)
        for tenant in Tenant.objects.order_by("slug")
        for channel in ChannelFactory._meta.model.objects.unscoped().filter(tenant=tenant).order_by("kind")
    ]
