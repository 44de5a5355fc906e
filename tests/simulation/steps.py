"""Everything that can happen next: people, staff, workers, platforms, time.

Owns the steps and their weights. Each is one act of one process; what goes wrong within it is the world's. Must not
look at rows to judge them (oracle.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from channels_app.content.types import text
from channels_app.selectors import channel_for_id
from messaging import tasks
from messaging.api.chat import SendMessageRequest, message_send
from messaging.deliver import redeliver
from messaging.health.watch import channel_release
from messaging.models import Delivery
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.webchat.frames import SendFrame
from messaging.webchat.rules import Visitor, say
from tenants.models import User
from tenants.scope import tenant_scope
from tests.simulation.town import ADDRESSES, Letter, Person, Said

if TYPE_CHECKING:
    from tests.simulation.run import Simulation

# ---------------------------------------------------------------------------- people


def write(sim: Simulation) -> None:
    """A person writes by a platform, which posts it now or later."""
    process = sim.world.process
    person = sim.town.writer(process.rng)
    words = process.rng.choice(("STOP", "STOP", "START")) if process.happens(sim.world.faults.stop_words) else ""
    batch = 2 if person.line.kind == "whatsapp" and process.rng.random() < 0.1 else 1
    letter = sim.town.write(person, [sim.town.says(person, words) for _ in range(batch)])
    sim.acts_for(person.line.tenant_id)
    if process.happens(process.faults.late_post):
        sim.world.say(f"{letter.told} is late")
    else:
        _post(sim, letter)


def post(sim: Simulation) -> None:
    """A platform posts what is late, or was not acknowledged, or comes twice although not asked for."""
    rng, mail = sim.world.process.rng, sim.town.mail
    if mail:
        letter = mail[0] if rng.random() < 0.6 else rng.choice(mail)
        sim.acts_for(letter.line.tenant_id)
        _post(sim, letter)


def _post(sim: Simulation, letter: Letter) -> None:
    if sim.town.deliver(letter) and letter in sim.town.mail and sim.world.process.rng.random() < 0.85:
        sim.town.mail.remove(letter)


def report(sim: Simulation) -> None:
    """A platform tells how far a message of ours came; in the order it likes, at times twice."""
    rng = sim.world.process.rng
    found = sim.platform.report(rng)
    if found:
        sim.acts_for(found.line.tenant_id)
        told = False
        try:
            told = sim.town.deliver(Letter(found.line, found.post, (), found.told))
        finally:
            if not told or rng.random() < 0.05:
                sim.platform.reports.append(found)


def rest(sim: Simulation) -> None:
    """A program sends a visitor's message by the API and waits for the answer, or does not."""
    if person := sim.town.visitor(sim.world.process.rng, ADDRESSES[0]):
        said, tenant_id = _client_says(sim, person), uuid.UUID(person.line.tenant_id)
        content = {"type": "text", "text": said.text}
        body = SendMessageRequest(message_id=said.id, user_id=person.address, channel="web", content=content)
        with tenant_scope(tenant_id):
            message_send(tenant_id, body, wait=sim.world.process.rng.random() < 0.7)
        said.acked = said.acked or sim.world.tick()


def chat(sim: Simulation) -> None:
    """A visitor writes in the web chat."""
    if person := sim.town.visitor(sim.world.process.rng, ADDRESSES[1]):
        said, channel = _client_says(sim, person), channel_for_id(uuid.UUID(person.line.id))
        with tenant_scope(uuid.UUID(person.line.tenant_id)):
            say(channel, Visitor(person.address), SendFrame(t="send", cid=said.id, text=said.text))
        said.acked = said.acked or sim.world.tick()


def _client_says(sim: Simulation, person: Person) -> Said:
    """Something new, or once more what the client is not sure to have sent."""
    rng = sim.world.process.rng
    sim.acts_for(person.line.tenant_id)
    unsure = [one for one in person.said[-3:] if not one.acked or rng.random() < 0.1]
    said = unsure[0] if unsure else sim.town.says(person, "")
    said.begins(sim.world)
    sim.world.say(f"{person} sends {said.text!r}")
    return said


# ---------------------------------------------------------------------------- workers

TOGETHER = 0.4  # of the calls that others like them wait beside


def work(sim: Simulation) -> None:
    """A worker follows a call that is due; when there is none, time passes until the next."""
    world = sim.world
    rng, due = world.process.rng, world.due()
    if not due:
        following = min((call.due for call in world.calls), default=0.0)
        world.clock.pass_s(min(max(following - world.clock.monotonic, 0.0), 30.0))
        due = world.due()
    if due:
        call = due[0] if rng.random() < 0.7 else rng.choice(due)
        if not world.process.happens(world.process.faults.repeated_call):
            world.calls.remove(call)
        sim.acts_for(sim.tenant_of(call))
        alike = [one for one in due if call.lane and (one.task, one.lane) == (call.task, call.lane) and one is not call]
        also = alike[: rng.randint(1, 5)] if alike and rng.random() < TOGETHER else []
        world.calls = [one for one in world.calls if one not in also]
        world.follow(call, also)


def sweep(sim: Simulation) -> None:
    sim.acts_for(None)
    tasks.sweep.run()


def house(sim: Simulation) -> None:
    sim.acts_for(None)
    tasks.keep_house.run()


def silence(sim: Simulation) -> None:
    """Longer than a conversation stays open nothing is said; people come back while the house is kept."""
    sim.acts_for(None)
    process = sim.world.process
    sim.world.clock.pass_s(1000)
    process.faults = replace(process.faults, interleave=8 * process.faults.interleave)
    tasks.keep_house.run()


def overtake(sim: Simulation) -> None:
    """Who is in the middle of something was held up for longer than any lease: others take its work up."""
    sim.acts_for(None)
    sim.world.clock.pass_s(70)
    tasks.sweep.run()
    for call in sim.world.due()[-8:]:  # the sweep's: what a lease has just ended for is among them
        if call in sim.world.calls:  # no other process has followed it meanwhile
            sim.world.calls.remove(call)
            sim.world.follow(call)


# ------------------------------------------------------------------------------ staff


def _of_staff(verb: Callable[[uuid.UUID, User | None], object]) -> Callable[[Simulation], None]:
    """A colleague does something to one of the last conversations, open or not."""

    def step(sim: Simulation) -> None:
        rng = sim.world.process.rng
        talks = sim.world.raw.execute(
            "SELECT id, tenant_id FROM conversations_conversation ORDER BY is_open DESC, last_message_at DESC LIMIT 6"
        ).fetchall()
        if talks:
            conversation_id, tenant_id = talks[min(int(rng.expovariate(0.5)), len(talks) - 1)]
            sim.acts_for(tenant_id)
            sim.world.say(f"staff: {sim.world.process.name} {conversation_id[-6:]}")
            with tenant_scope(uuid.UUID(tenant_id)):
                user = User.objects.filter(username=f"colleague-{sim.tenants[tenant_id]}").first()
                verb(uuid.UUID(conversation_id), user)

    return step


def _reply(sim: Simulation) -> None:
    rng = sim.world.process.rng
    number = rng.randrange(10**6)

    def answer(conversation_id: uuid.UUID, user: User | None) -> None:
        agent_reply(conversation_id, user, text(f"colleague {number}"), client_message_id=f"a{number}")

    _of_staff(answer)(sim)


def replay(sim: Simulation) -> None:
    """Staff send dead letters once more."""
    tenant_id = sim.world.process.rng.choice(list(sim.tenants))
    sim.acts_for(tenant_id)
    with tenant_scope(uuid.UUID(tenant_id)):
        dead = list(Delivery.objects.filter(status=Delivery.Status.FAILED).values_list("id", flat=True))
        sim.world.say(f"staff of {sim.tenants[tenant_id]}: replay {len(dead)}")
        again = dict.fromkeys((one.hex for one in dead), sim.world.tick())
        sim.replayed.update(again)
        redeliver(Delivery.objects.filter(id__in=dead))  # what fails meanwhile is not of these
        sim.replays_told.update(again)  # after a crash staff have been told nothing


def heal(sim: Simulation) -> None:
    """Staff repair a channel whose credential was refused."""
    sim.acts_for(None)
    sim.platform.refusing.clear()
    for line in sim.town.lines:
        channel_release(channel_for_id(uuid.UUID(line.id)))


# ------------------------------------------------------------------------------- time


def wait(sim: Simulation) -> None:
    seconds = sim.world.process.rng.choices((1, 5, 30, 70, 250, 1000), (6, 6, 4, 3, 1, 1))[0]
    sim.world.say(f"{seconds} s pass")
    sim.world.clock.pass_s(seconds)


def jump(sim: Simulation) -> None:
    """The wall clock is set; the monotonic one is not."""
    process = sim.world.process
    if process.happens(process.faults.clock):
        seconds = process.rng.choice((-7200, -60, -2, 2, 60, 7200)) * process.rng.random()
        sim.world.say(f"the wall clock jumps by {seconds:.1f} s")
        sim.world.clock.jump_s(seconds)


def broker(sim: Simulation) -> None:
    """The broker is away for a while, and what it held is lost."""
    process = sim.world.process
    if process.happens(process.faults.lost_call):
        sim.world.say("broker away, empty when it comes back")
        sim.world.calls.clear()
        sim.world.broker_back_at = sim.world.clock.monotonic + process.rng.random() * 20


Step = Callable[["Simulation"], Any]
#: name → how often it happens, how often in the middle of another, and what
STEPS: dict[str, tuple[int, int, Step]] = {
    "write": (14, 10, write),
    "post": (5, 5, post),
    "report": (7, 8, report),
    "rest": (5, 6, rest),
    "chat": (4, 6, chat),
    "work": (50, 40, work),
    "sweep": (3, 6, sweep),
    "house": (1, 4, house),
    "overtake": (0, 8, overtake),
    "take over": (2, 5, _of_staff(lambda id, user: take_over(id, user))),
    "hand back": (3, 5, _of_staff(lambda id, user: hand_back(id))),
    "end": (1, 2, _of_staff(lambda id, user: conversation_end(id))),
    "reply": (2, 5, _reply),
    "replay": (1, 1, replay),
    "heal": (1, 1, heal),
    "wait": (4, 8, wait),
    "jump": (1, 1, jump),
    "broker": (1, 1, broker),
    "silence": (1, 0, silence),
}
