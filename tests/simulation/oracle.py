"""The promises, one small function each, looked at after every step (EACH) and when everything is quiet (quiet.py).

Owns what counts as broken. Must not change anything: neither rows nor the course of the world.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from messaging.models import Delivery
from tests.simulation.dialects import Heard
from tests.simulation.engine import ANSWER
from tests.simulation.platform import Line, Taken
from tests.simulation.town import Person, Said
from tests.simulation.view import Entry, Told, View
from tests.simulation.world import Broken, Process

if TYPE_CHECKING:
    from tests.simulation.run import Simulation

LEASE_S = 55.0  # a worker that is silent for longer may find that another has taken its work over
IDLE = timedelta(seconds=900)
CONFIRMED = "You will receive no more messages"
STOPPED = "SELECT 1 FROM conversations_identity WHERE channel_id = ? AND value = ? AND stopped_at IS NOT NULL"


@dataclass
class Oracle:
    """What was seen before, so that each look is at what is new."""

    sim: Simulation
    view: View
    entries: int = 0
    events: int = 0
    human: dict[str, bool] = field(default_factory=lambda: defaultdict(bool))  # conversation → a colleague has it
    stored: Counter[str] = field(default_factory=Counter)
    knew: dict[tuple[str, int], set[str]] = field(
        default_factory=dict
    )  # (call, process) → what was remembered of it then
    newest: dict[Person, Said] = field(default_factory=dict)  # of what is stored, what came last
    by_seq: dict[tuple[str, int], Entry] = field(default_factory=dict)
    visitor: dict[str, Entry] = field(default_factory=dict)  # conversation → the person's last words
    heard_at: dict[str, float] = field(default_factory=dict)  # conversation → when that was, monotonic
    control: Counter[str] = field(default_factory=Counter)  # conversation → entries that tell a change of control
    owners: dict[str, tuple[str, int]] = field(
        default_factory=dict
    )  # conversation → who had it, and those entries then
    roles: Counter[bool] = field(default_factory=Counter)  # ours or theirs → messages
    told: Counter[tuple[str, str]] = field(default_factory=Counter)  # (event type, message) → times
    types: Counter[str] = field(default_factory=Counter)
    status: dict[str, str] = field(default_factory=dict)
    stopped: dict[tuple[str, str], int] = field(default_factory=dict)  # (channel, address) → since which moment
    shapes: dict[str, Counter[str]] = field(default_factory=dict)  # tenant → what its rows look like

    def look(self) -> None:
        """After each step. Raises Broken."""
        if not self.view.look():
            return
        for entry in self.view.entries[self.entries :]:
            for rule in OF_ENTRY:
                rule(self, entry)
            self.by_seq[entry.conversation, entry.seq] = entry
        self.entries = len(self.view.entries)
        for event in self.view.events[self.events :]:
            for judge in OF_EVENT:
                judge(self, event)
        self.events = len(self.view.events)
        for check in EACH:
            check(self)


#: promises that the service is known to break, and how; a cure ends with taking its line out. The tests look behind
#: them, `make simulate` does not
KNOWN: dict[str, str] = {}
#: promises that are not looked at
IGNORED: set[str] = set()
#: when set, the promises that are looked at; nothing else is
ONLY: frozenset[str] = frozenset()


def need(holds: object, promise: str, *facts: object) -> None:
    if not holds and promise not in IGNORED and (not ONLY or promise in ONLY):
        raise Broken(f"{promise}: {' '.join(map(str, facts))}")


# ---------------------------------------------------------------- of each new transcript entry


def stored_once(oracle: Oracle, entry: Entry) -> None:
    if entry.role != "visitor":
        return
    said = oracle.sim.town.said.get(entry.said_id)
    need(said and said.text == entry.text, "no person said that", entry.text, entry.said_id)
    oracle.stored[entry.said_id] += 1
    need(oracle.stored[entry.said_id] == 1, "stored twice", entry.text, entry.said_id)


def stored_in_order_of_receipt(oracle: Oracle, entry: Entry) -> None:
    """What was acknowledged before the next came in stands before it in the transcript."""
    said = oracle.sim.town.said.get(entry.said_id) if entry.role == "visitor" else None
    if said is None:
        return
    newest = oracle.newest.get(said.by, said)
    in_order = not said.acked or said.acked > newest.began or said is newest
    need(in_order, "out of order", f"{said.text!r} ({said.id}) stands after {newest.text!r} ({newest.id})")
    oracle.newest[said.by] = max(newest, said, key=lambda one: one.began)


def never_over_a_human(oracle: Oracle, entry: Entry) -> None:
    state = entry.metadata.get("state")
    if entry.role == "bot" and "consent" not in entry.metadata:
        need(not oracle.human[entry.conversation], "the bot talks over a human", entry.text, "in", entry.conversation[-6:])  # fmt: skip
    elif entry.role == "agent" or state in ("assigned", "queued"):
        oracle.human[entry.conversation] = True
    elif state == "bot":
        oracle.human[entry.conversation] = False


def answers_what_was_last_said(oracle: Oracle, entry: Entry) -> None:
    """Between the transcript that the engine saw and its answer there is nothing."""
    match = ANSWER.match(entry.text) if entry.role == "bot" else None
    if match is None:
        return
    ask = oracle.sim.engine.asks[int(match[2]) - 1]
    need(ask.conversation == entry.conversation, "an answer in another conversation", entry.text)
    need(entry.seq == ask.last_seq + 1 + int(match[3]), "a stale answer", f"{entry.text!r} at {entry.seq}, asked at {ask.last_seq}")  # fmt: skip


def of_its_tenant(oracle: Oracle, entry: Entry) -> None:
    talk = oracle.view.talks[entry.conversation]
    name = entry.text.partition(" ")[0]
    strange = name in oracle.sim.tenants.values() and name != oracle.sim.tenants[entry.tenant]
    need(talk.tenant == entry.tenant and not strange, "another tenant's message", entry.text, "at", entry.tenant)


def counted(oracle: Oracle, entry: Entry) -> None:
    oracle.roles[entry.role == "visitor"] += 1
    oracle.control[entry.conversation] += entry.role == "agent" or "state" in entry.metadata
    if entry.role == "visitor":
        oracle.visitor[entry.conversation] = entry
        oracle.heard_at[entry.conversation] = oracle.sim.world.clock.monotonic


OF_ENTRY: list[Callable[[Oracle, Entry], None]] = [
    stored_once, stored_in_order_of_receipt, never_over_a_human, answers_what_was_last_said, of_its_tenant, counted,
]  # fmt: skip

# ------------------------------------------------------------------------ of each new event


def told_once(oracle: Oracle, event: Told) -> None:
    message = str(event.payload.get("message_id", "")).replace("-", "")
    oracle.types[event.type] += 1
    oracle.told[event.type, message] += 1
    again = event.type.startswith("chat.message.") and event.type != "chat.message.processed"
    most = 1 + (len(oracle.sim.replayed) > 0) * 9 * (event.type == "chat.message.failed")
    need(not again or oracle.told[event.type, message] <= most, "an event twice", event.type, message[-6:])


def fails_only_what_failed(oracle: Oracle, event: Told) -> None:
    if event.type != "chat.message.failed":
        return
    message = event.payload["message_id"].replace("-", "")
    [out] = [out for out in oracle.view.outs.values() if out.message == message]
    need(out.status == "failed" or out.id in oracle.sim.replayed, "told as failed, and is not", f"#{out.seq} is {out.status}")  # fmt: skip


def idle_ends_no_talk(oracle: Oracle, event: Told) -> None:
    if event.type != "chat.conversation.ended" or event.payload["reason"] != "idle":
        return
    last, talk = oracle.visitor[event.conversation], oracle.view.talks[event.conversation]
    # ours that follow count, too: after a clock that was set back they are the older ones, and then it was set on
    entries = [oracle.by_seq[event.conversation, seq] for seq in range(last.seq, talk.last_seq)]  # but for the farewell
    by_the_wall = talk.ended_at and talk.ended_at - min(entry.created_at for entry in entries)
    really = timedelta(seconds=oracle.sim.world.clock.monotonic - oracle.heard_at[event.conversation])
    silent = max(really, by_the_wall or really)
    need(silent >= IDLE, "ended as idle in the middle of a talk", last.text, silent)


OF_EVENT: list[Callable[[Oracle, Told], None]] = [told_once, fails_only_what_failed, idle_ends_no_talk]

# ------------------------------------------------------------------------- after each step

GAPS = """SELECT c.id, c.{last}, count(m.id), coalesce(max(m.seq), 0) FROM conversations_conversation c
    LEFT JOIN {table} m ON m.conversation_id = c.id AND m.seq > 0 GROUP BY c.id
    HAVING count(m.id) <> c.{last} OR coalesce(max(m.seq), 0) <> c.{last}"""


def numbers_are_dense(oracle: Oracle) -> None:
    for last, table in (("last_seq", "conversations_message"), ("event_seq", "conversations_event")):
        gaps = oracle.view.raw.execute(GAPS.format(last=last, table=table)).fetchall()
        need(not gaps, "a gap in the numbers", table, gaps)


def every_message_has_its_event(oracle: Oracle) -> None:
    for theirs, type in ((True, "chat.message.received"), (False, "chat.message.sent")):
        need(oracle.roles[theirs] == oracle.types[type], "messages without event", type, oracle.types[type], "of", oracle.roles[theirs])  # fmt: skip


def no_change_of_control_is_silent(oracle: Oracle) -> None:
    """Each has an entry of its own: the reply's guard looks at ``last_seq`` and nothing else that grows (decision 0044)."""
    for talk in oracle.view.talks.values():
        owner, entries = oracle.owners.get(talk.id, (talk.owner, 0))
        told = oracle.control[talk.id]
        need(talk.owner == owner or told > entries, "control changes in silence", f"{owner} → {talk.owner} after {told} entries")  # fmt: skip
        oracle.owners[talk.id] = (talk.owner, told)


def status_never_goes_back(oracle: Oracle) -> None:
    for out in oracle.view.outs.values():
        before = oracle.status.get(out.id, "queued")
        back = Delivery.RANK[out.status] < Delivery.RANK[before]
        need(not back or (before == "failed" and out.id in oracle.sim.replayed), "a status goes back", f"{before} → {out.status}")  # fmt: skip
        oracle.status[out.id] = out.status


def the_failed_are_told(oracle: Oracle) -> None:
    for out in oracle.view.outs.values():
        told = oracle.told["chat.message.failed", out.message]
        need(out.status != "failed" or told, "failed, and staff are not told", f"#{out.seq} {out.error_code}")


def no_other_tenant_is_touched(oracle: Oracle) -> None:
    now: dict[str, Counter[str]] = {tenant: Counter() for tenant in oracle.sim.tenants}
    for talk in oracle.view.talks.values():
        now[talk.tenant].update({"events": talk.event_seq, "messages": talk.last_seq, "epochs": talk.epoch})
    for tenant, shape in now.items():
        touched = oracle.shapes.get(tenant) != shape and tenant in oracle.shapes
        need(not touched or tenant in oracle.sim.acting, "a step of one tenant changes another", oracle.sim.tenants[tenant])  # fmt: skip
    oracle.shapes = now


def whom_it_stops(oracle: Oracle) -> None:
    """Not a promise: since when people want nothing more."""
    rows = oracle.view.raw.execute("SELECT channel_id, value FROM conversations_identity WHERE stopped_at IS NOT NULL")
    moment = oracle.sim.world.moment
    oracle.stopped = {person: oracle.stopped.get(person, moment) for person in map(tuple, rows)}


EACH: list[Callable[[Oracle], None]] = [
    numbers_are_dense, every_message_has_its_event, no_change_of_control_is_silent, status_never_goes_back,
    the_failed_are_told, no_other_tenant_is_touched, whom_it_stops,
]  # fmt: skip

# -------------------------------------------------------------- at the moment of each send


def may_be_called(oracle: Oracle, line: Line, heard: Heard) -> None:
    """A call that is about to reach a platform. What is learnt of an earlier one from here on comes too late for it."""
    process = oracle.sim.world.process
    earlier = (one for one in oracle.sim.platform.taken if one.heard.ref == heard.ref)
    oracle.knew[heard.ref, process.began] = {one.id for one in earlier if _remembered(oracle, one)}
    since = oracle.stopped.get((line.id, heard.to))
    stopped = since is not None and since < process.began and not heard.text.startswith(CONFIRMED)
    stopped = stopped and oracle.view.one(STOPPED, line.id, heard.to)  # or took us again since the last look
    need(not stopped, "sent to a person who had stopped us", f"{heard.text!r} to {line} {heard.to}")
    name = heard.text.partition(" ")[0]
    strange = name in oracle.sim.tenants.values() and name != line.tenant
    need(not strange, "sent by another tenant's channel", heard.text, line)
    delivery = heard.ref.partition(".")[0]
    for one in process.sent:
        if process.troubled or not one.heard.ref.startswith(delivery):
            continue  # nothing can be noted while the database is away; the next call is another message's then
        need(_part_known(oracle, one.heard.ref), "went on to the next call before it remembered", one.heard.ref)


def taken_in_order_and_once(oracle: Oracle, taken: Taken) -> None:
    """A call that a platform took."""
    delivery = taken.heard.ref.partition(".")[0].replace("-", "")
    row = oracle.view.raw.execute(
        "SELECT conversation_id, seq FROM messaging_delivery WHERE id = ?", [delivery]
    ).fetchone()
    need(row, "sent what is no delivery", taken.heard.ref)
    if _overdue(oracle, taken.process):
        return
    earlier = oracle.view.raw.execute(
        "SELECT id FROM messaging_delivery WHERE conversation_id = ? AND seq < ? AND status IN ('queued', 'sending')",
        row,
    ).fetchall()
    skipped = [one for (one,) in earlier if one not in oracle.sim.replayed]
    need(
        not skipped, "overtook a message of its lane", f"{taken.heard.text!r} before {len(skipped)} of earlier numbers"
    )
    for before in oracle.sim.platform.taken[:-1]:
        if before.heard.ref == taken.heard.ref and delivery not in oracle.sim.replayed:
            unknown = not before.answered or before.process.dead or before.process.troubled
            known = before.id in oracle.knew[taken.heard.ref, taken.process.began]
            excused = not known and (unknown or _overdue(oracle, before.process))
            need(excused, "sent twice", f"{taken.heard.text!r}, first as {before.id}")


def _remembered(oracle: Oracle, taken: Taken) -> bool:
    sql = "SELECT 1 FROM messaging_deliverypart WHERE channel_id = ? AND platform_id = ?"
    return oracle.view.one(sql, taken.line.id, taken.id) is not None


def _part_known(oracle: Oracle, ref: str) -> bool:
    """Whether the part is written down, as this call or as one of a worker that took over meanwhile."""
    delivery = ref.partition(".")[0]
    calls = (one.heard.ref for one in oracle.sim.platform.taken if one.heard.ref.startswith(delivery))
    index = list(dict.fromkeys(calls)).index(ref)  # the calls of a message are made in their order
    sql = 'SELECT 1 FROM messaging_deliverypart WHERE delivery_id = ? AND "index" = ?'
    return oracle.view.one(sql, delivery.replace("-", ""), index) is not None


def _overdue(oracle: Oracle, process: Process) -> bool:
    """It was held up so long, by either clock, that its lease may have ended."""
    clock = oracle.sim.world.clock
    spent = max(clock.monotonic - process.began_at, clock.wall.timestamp() - process.began_wall)
    return spent > LEASE_S
