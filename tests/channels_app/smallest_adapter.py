"""A platform that posts signed JSON and takes JSON: the shortest complete adapter (docs/adding-a-channel.md)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from channels_app.adapters.base import Adapter, ChannelConfig, constant_time_equal, raise_for_status, require
from channels_app.adapters.wire import identifier, moment, obj, string
from channels_app.content.types import Content, worded
from channels_app.contract import (
    Http,
    Ignored,
    InboundItem,
    InboundMessage,
    OutboundMessage,
    Payload,
    RawRequest,
    Sender,
    SendResult,
    lane_of,
)


class PigeonConfig(ChannelConfig):
    api_base: str
    token: str
    secret: str


class Pigeon(Adapter):
    kind = "pigeon"
    label = "Pigeon post"
    config_class = PigeonConfig
    secret_keys = frozenset({"token", "secret"})
    signature_header = "x-pigeon-signature"

    def verify(self, raw: RawRequest, config: PigeonConfig, http: Http) -> None:
        expected = hmac.new(config.secret.encode(), raw.body, "sha256").hexdigest()
        require(
            constant_time_equal(raw.headers.get(self.signature_header, ""), expected), "the signature does not match"
        )

    def lane(self, raw: RawRequest, config: PigeonConfig) -> str:
        return lane_of([identifier(raw.json(), "from", "id")])

    def parse(self, raw: RawRequest, config: PigeonConfig) -> Sequence[InboundItem]:
        body = raw.json()
        message_id, person, words = identifier(body, "id"), obj(body, "from"), string(body, "text")
        if string(body, "type") != "text" or not (message_id and identifier(person, "id") and words):
            return [Ignored(f"type:{string(body, 'type', limit=60)}", message_id)]
        sender = Sender("pigeon", identifier(person, "id"), name=string(person, "name", limit=200))
        content = Content(type="text", **worded(words))  # however long they are
        return [InboundMessage(message_id, sender, content, moment(body, "at"), reply_to=identifier(body, "quotes"))]

    def render(self, message: OutboundMessage, config: PigeonConfig) -> Sequence[Payload]:
        return [
            Payload("/send", {"to": message.recipient.address, "text": message.content.text, "ref": message.client_ref})
        ]

    def send(self, payload: Payload, config: PigeonConfig, http: Http) -> SendResult:
        bearer = {"authorization": f"Bearer {config.token}"}
        answer = http.request(payload.method, config.api_base + payload.path, headers=bearer, json=payload.json)
        raise_for_status(answer)
        return SendResult(identifier(answer.json(), "id"))
