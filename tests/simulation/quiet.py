"""Bringing a world to rest, and what must be true of it then.

Owns the promises that hold at the latest when every fault is over. Must not strike any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.simulation.oracle import Oracle, need
from tests.simulation.town import Said
from tests.simulation.view import Entry, Talk
from tests.simulation.world import Broken

if TYPE_CHECKING:
    from tests.simulation.run import Simulation

MOST_ROUNDS = 400
#: why we do not send what we were to send
OURS = ("contact_stopped", "expired", "window_closed", "worker_lost")
#: rows that are work, and when they are due next
WORK = (
    "SELECT due_at FROM messaging_inboundevent WHERE status = 'received'",
    "SELECT due_at FROM messaging_turn WHERE status IN ('waiting', 'running')",
    "SELECT due_at FROM messaging_delivery WHERE status IN ('queued', 'sending')",
    """SELECT coalesce((SELECT max(due_at) FROM messaging_outboxlane), created_at)
        FROM conversations_event WHERE published_at IS NULL""",
)


def come_to_rest(sim: Simulation) -> None:
    """No more faults and no new messages: every process does what is due until nothing is. Raises Broken."""
    sim.world.broker_back_at = 0.0
    sim.platform.refusing.clear()
    sim.world.say("— no more faults —")
    kept_house = False
    for seed in range(MOST_ROUNDS):
        _do_what_is_due(sim, seed)
        if _skip_to_what_is_due(sim):
            sim.world.step("sweep", seed, calm=True)
        elif not kept_house:
            sim.world.step("house", seed, calm=True)
            kept_house = True
        else:
            break
    else:
        raise Broken(f"never quiet: {len(_left(sim))} rows wait, the first since {min(_left(sim), default=None)}")
    for promise in PROMISES:
        promise(sim.oracle)


def _do_what_is_due(sim: Simulation, seed: int) -> None:
    """Until there is nothing left to post, to report or to follow at this time."""
    for _ in range(MOST_ROUNDS * 20):
        if sim.town.mail:
            sim.world.step("post", seed, calm=True)
        elif sim.platform.reports:
            sim.world.step("report", seed, calm=True)
        elif sim.world.due():
            sim.world.step("work", seed, calm=True)
        else:
            return
        seed += 1
    raise Broken("never quiet: something is tried again and again")


def _left(sim: Simulation) -> list[datetime]:
    rows = [due_at for sql in WORK for (due_at,) in sim.world.raw.execute(sql)]
    return [datetime.fromisoformat(str(due_at)).replace(tzinfo=UTC) for due_at in rows]


def _skip_to_what_is_due(sim: Simulation) -> bool:
    """Let time pass until the next row or call is due; False when there is none. What is overdue gets a sweep's
    time; when that was in vain (the lease of a dead worker, a clock that was set back) the next is waited for."""
    clock = sim.world.clock
    waits = [call.due - clock.monotonic for call in sim.world.calls if call.task != "messaging.tasks.show_typing"]
    waits += [(at - clock.wall).total_seconds() for at in _left(sim)]
    if not waits:
        return False
    in_vain = sim.oracle.view.raw.total_changes == sim.swept_at
    sim.swept_at = sim.oracle.view.raw.total_changes
    ahead = [wait for wait in waits if wait > 0]
    overdue = len(ahead) < len(waits) and not (in_vain and ahead)
    clock.pass_s(2.1 if overdue else min(ahead) + 2.1)  # the sweep leaves what is due only just to its call
    return True


# --------------------------------------------------------------------------- promises


def all_that_was_acknowledged_is_stored(oracle: Oracle) -> None:
    for said in oracle.sim.town.said.values():
        need(not said.acked or oracle.stored[said.id] == 1, "acknowledged and lost", said.by, said.text)
    failed = oracle.view.raw.execute("SELECT reason FROM messaging_inboundevent WHERE status = 'failed'").fetchall()
    need(not failed, "a receipt was given up", failed)


def every_question_is_answered(oracle: Oracle) -> None:
    """By the bot or a colleague; or a human has it and it shows as waiting; or the person stopped us."""
    for entry in oracle.view.entries:
        if entry.role != "visitor" or _answered(oracle, entry):
            continue
        talk = oracle.view.talks[entry.conversation]
        promise = f"ended as idle while the person waits for the {'bot' if talk.owner == 'bot' else 'colleague'}"
        need(talk.ended_reason != "idle", promise, f"{entry.text!r}", _where(talk))
        waits = talk.is_open and talk.owner == "human" and talk.waiting_since
        need(waits or talk.ended_reason, "never answered", f"{entry.text!r}", _where(talk))


def _answered(oracle: Oracle, entry: Entry) -> bool:
    rest = (oracle.by_seq.get((entry.conversation, seq)) for seq in range(entry.seq + 1, 10_000))
    for later in iter(lambda: next(rest), None):
        if later.role in ("bot", "agent"):
            return True
    said = oracle.sim.town.said[entry.said_id]
    stopped = any(_may_come_behind(one, said) for one in said.by.said if one.stops)
    return stopped or said.text == "START" or entry.text in oracle.sim.engine.left


def _may_come_behind(stop: Said, said: Said) -> bool:
    """The platform's time or ours says so, or the webhooks of both were under way at the same time."""
    return stop.at >= said.at or stop.began >= said.began or not stop.acked or stop.acked > said.began


def _where(talk: Talk) -> str:
    state = "open" if talk.is_open else talk.ended_reason
    return f"({talk.owner}, {state}, answered up to {talk.answered_seq} of {talk.last_seq})"


def every_reply_is_at_its_platform(oracle: Oracle) -> None:
    """At least once; or it failed for a reason that we were given."""
    taken = {one.heard.ref.partition(".")[0].replace("-", "") for one in oracle.sim.platform.taken}
    instant = {line.id for line in oracle.sim.town.lines if line.kind == "web"}
    reported = {one.replace("-", "").partition(".")[0] for one in oracle.sim.platform.refused}
    for out in oracle.view.outs.values():
        talk = oracle.view.talks[out.conversation]
        if talk.channel in instant or out.id in taken:
            continue
        reason = out.error_code in OURS or out.attempts >= 8
        given_up = out.status == "failed" and (reason or out.id in reported)
        need(
            given_up, "never sent", f"#{out.seq} {out.status} {out.error_code} after {out.attempts} tries", talk.id[-6:]
        )


def what_is_replayed_is_sent(oracle: Oracle) -> None:
    """A message that its platform reported as failed goes out again when staff say so, or we say why not."""
    platform = oracle.sim.platform
    for id, since in oracle.sim.replays_told.items():
        tried = [one.heard.ref for one in platform.taken if one.at > since] + list(platform.refused)
        sql = "SELECT count(*) FROM messaging_deliverypart WHERE delivery_id = ? AND status = 'failed'"
        out, lost = oracle.view.outs[id], oracle.view.one(sql, id)
        again = any(ref.replace("-", "").startswith(id) for ref in tried) or out.error_code in OURS
        need(again or not lost, "replayed, and nothing was sent", f"#{out.seq} is {out.status}")


def reports_are_believed(oracle: Oracle) -> None:
    """The last word of the platform is what we show, where each call was taken once."""
    of: dict[str, list[str]] = {}
    for one in oracle.sim.platform.taken:
        of.setdefault(one.heard.ref.partition(".")[0].replace("-", ""), []).append(one.heard.ref)
    for id, refs in of.items():
        out = oracle.view.outs[id]
        parts = oracle.view.one("SELECT count(*) FROM messaging_deliverypart WHERE delivery_id = ?", id)
        if len(set(refs)) == len(refs) == parts and out.status != "failed" and id not in oracle.sim.replayed:
            best = "delivered" if oracle.sim.line(oracle.view.talks[out.conversation].channel).kind == "sms" else "read"
            need(out.status == best, "a report is not believed", f"#{out.seq} is {out.status}, not {best}")


def consent_is_the_last_word(oracle: Oracle) -> None:
    """Where the order of receipt, the platform's clock and ours agree about which word was the last."""
    for person in oracle.sim.town.people:
        ours = [one for one in person.said if oracle.stored[one.id]]
        stops = [one for one in ours if one.stops]
        if person.line.kind not in ("whatsapp", "sms") or not stops:
            continue
        last = max(ours, key=lambda one: (one.began, one.id))
        undisputed = all(
            one is last or (one.acked < last.began and one.at < last.at and one.wall < last.wall) for one in ours
        )
        is_stopped = (person.line.id, person.address) in oracle.stopped
        need(not undisputed or is_stopped == last.stops, "consent is not what was last said", person, last.text)


def nothing_is_held_for_ever(oracle: Oracle) -> None:
    waiting = oracle.view.one("SELECT count(*) FROM conversations_event WHERE published_at IS NULL")
    need(not waiting, "the outbox does not empty", waiting, "events")


PROMISES: list[Callable[[Oracle], None]] = [
    all_that_was_acknowledged_is_stored, every_question_is_answered, every_reply_is_at_its_platform,
    what_is_replayed_is_sent,
    reports_are_believed,
    consent_is_the_last_word, nothing_is_held_for_ever,
]  # fmt: skip
