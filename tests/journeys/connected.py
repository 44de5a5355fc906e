"""A channel and the platform at its other end, the running twin: what the platform posts, signed by it, goes
through the real view, and the rows alone tell what there is to do.

Owns the way between the two, for every kind. Must not know any platform, nor assert anything.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db import connections
from django.test import Client

from channels_app.models import Channel
from channels_app.services import webhook_url
from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from conversations.models import Attachment, Message
from messaging import tasks
from messaging.models import Delivery, InboundEvent, Turn
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory


class Connected:
    """``say`` is the person, ``settle`` the time that passes until nothing is left to do. ``mail`` holds what
    the platform has for us and has not posted yet; the test that empties it decides how it comes."""

    def __init__(self, channel: Channel, twin: Twin) -> None:
        self.channel, self.twin, self.tenant = channel, twin, channel.tenant
        self.platform = PLATFORMS[channel.kind]
        self.mail: list[Webhook] = []
        twin.configure(channel.kind, webhook_url=webhook_url(channel))
        twin.callbacks.carry = lambda webhooks, *_: self.mail.extend(webhooks)  # type: ignore[method-assign]

    def say(self, text: str = "", **words: Any) -> str:
        """What a person does is in the mail; returns the platform's id of it."""
        return self.twin.say({"from": self.platform.person, "text": text, **words}, self.channel.kind)

    def ask(self, text: str = "", **words: Any) -> str:
        """``say``, and see to it that all that follows has happened."""
        said = self.say(text, **words)
        self.settle()
        return said

    def take_mail(self) -> list[Webhook]:
        taken, self.mail[:] = list(self.mail), []
        return taken

    def carry(self) -> list[int]:
        """Post the mail in order, also what comes of it; returns the statuses."""
        statuses = []
        while self.mail:
            webhook = self.mail.pop(0)
            if webhook.wanted():
                answer = post(webhook)
                statuses.append(answer.status_code)
                webhook.then and webhook.then(answer.content)
        return statuses

    def settle(self) -> None:
        """Webhooks and work in turns: the message, its answer, the delivery status of that."""
        for _ in range(3):
            self.carry()
            work(self.tenant)

    @property
    def heard(self) -> list[str]:
        """The words that people got, as they were shown to them."""
        return [self.platform.show(entry["body"])["text"] for entry in self.twin.sent]

    def choices(self) -> dict[str, Any]:
        """What the last message lets a person press: title → the message that a press of it is."""
        shown = self.platform.show(self.twin.sent[-1]["body"])
        return {choice["title"]: choice["message"] for choice in shown["choices"]}

    def inbound(self) -> list[Message]:
        with tenant_scope(self.tenant.id):
            return list(Message.objects.filter(direction="inbound").order_by("seq"))

    def deliveries(self) -> list[str]:
        with tenant_scope(self.tenant.id):
            return list(Delivery.objects.order_by("conversation_id", "seq").values_list("status", flat=True))

    def history(self, client: Any) -> list[dict[str, Any]]:
        """The transcript of the only conversation, over REST."""
        [conversation] = client.data_of(client.get("/api/v2/chat/conversations"))["items"]
        path = f"/api/v2/chat/conversations/{conversation['id']}/messages"
        items: list[dict[str, Any]] = client.data_of(client.get(path))["items"]
        return items


def connect(tenant: Tenant, twin: Twin, kind: str, **config: Any) -> Connected:
    """A channel of ``kind`` that speaks with the twin. ``config`` changes its configuration."""
    wanted = {**PLATFORMS[kind].channel_config(twin.url), **config}
    channel = ChannelFactory.build(tenant=tenant, kind=kind)
    hidden = channel.adapter.secret_keys
    channel.secrets = {name: value for name, value in wanted.items() if name in hidden}
    channel.config = {name: value for name, value in wanted.items() if name not in hidden}
    channel.save()
    return Connected(channel, twin)


def post(webhook: Webhook, **changes: str) -> Any:
    """Let a webhook come in by the real view; ``changes`` are headers to be other than signed, ``_`` for ``-``."""
    headers = {**webhook.headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
    content_type = headers.pop("content-type", "")
    parts = urlsplit(webhook.url)
    where = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Client().generic(webhook.method, where, webhook.body, content_type=content_type, headers=headers)


def post_at_once(webhooks: Sequence[Webhook]) -> list[int]:
    """Let them come in at the same instant; returns the statuses."""
    start, statuses = threading.Barrier(len(webhooks)), []

    def send(webhook: Webhook) -> None:
        start.wait()
        statuses.append(post(webhook).status_code)
        connections.close_all()

    threads = [threading.Thread(target=send, args=(webhook,)) for webhook in webhooks]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return statuses


def work(tenant: Tenant) -> None:
    """What the workers would do, from the rows alone: as after a lost broker."""
    with tenant_scope(tenant.id):
        _each(tasks.parse, InboundEvent.objects.filter(status="received").values_list("id", flat=True))
        _each(tasks.media, Attachment.objects.filter(state="remote").values_list("id", flat=True))
        Turn.objects.filter(status="waiting").update(due_at=now())
        _each(tasks.respond, Turn.objects.filter(status="waiting").values_list("id", flat=True))
        lanes = Delivery.objects.filter(status="queued").values_list("conversation_id", flat=True)
        _each(tasks.deliver, set(lanes))


def _each(task: Any, rows: Iterable[Any]) -> None:
    for row in list(rows):
        task(str(row))
