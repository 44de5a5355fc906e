"""Microsoft Teams through Azure Bot (Bot Framework connector): the adapter and its configuration.

Owns the calls; who may call us (keys), tokens, inbound, outbound, addresses and errors lie in the files
of those names. Must not send a token to an address that the configuration does not trust.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from channels_app.adapters.base import Adapter, ChannelConfig, require_no_page
from channels_app.adapters.teams.address import activities_url, activity_of, message_id, require_trusted, trusted
from channels_app.adapters.teams.config import TeamsConfig
from channels_app.adapters.teams.errors import ERRORS, GONE, raise_error
from channels_app.adapters.teams.events import READ
from channels_app.adapters.teams.inbound import INVOKES, items
from channels_app.adapters.teams.keys import SKEW_S, TOKEN_MOST_S, published_keys, verify_caller
from channels_app.adapters.teams.outbound import (
    CAPABILITIES,
    activities_for,
    conversation_of,
    service_url_of,
    with_pictures,
)
from channels_app.adapters.teams.quotes import quoting
from channels_app.adapters.teams.scene import person
from channels_app.adapters.teams.tokens import fresh_token, token_for, token_forget
from channels_app.adapters.wire import identifier, obj, string
from channels_app.contract import (
    BadPayload,
    CheckResult,
    ConfigError,
    Http,
    HttpAnswer,
    InboundItem,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Payload,
    RawRequest,
    Recipient,
    Rejected,
    Reply,
    Sender,
    SendError,
    SendResult,
)

__all__ = ["Teams", "TeamsConfig"]

JSON_TYPE = "application/json; charset=utf-8"
#: an object id of the directory, or the bot's own id for a person ("29:…", "8:orgid:…")
RECIPIENT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{1,2}:[\w:.=-]{1,250}", re.ASCII)
NEW_CONVERSATION = "/v3/conversations"


class Teams(Adapter):
    kind: ClassVar[str] = "teams"
    errors = ERRORS
    label: ClassVar[str] = "Microsoft Teams"
    platform: ClassVar[str] = "Teams"
    icon: ClassVar[str] = "groups"
    address_hint: ClassVar[str] = "A person's id like 29:1abc…"
    signature_header: ClassVar[str] = "authorization"
    replay_window_s: ClassVar[int] = TOKEN_MOST_S + SKEW_S
    config_class: ClassVar[type[ChannelConfig]] = TeamsConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"client_secret"})
    address_keys: ClassVar[frozenset[str]] = frozenset({"api_base", "login_base", "openid_url", "service_hosts"})
    capabilities = CAPABILITIES
    starts_conversations: ClassVar[bool] = True
    debounce_s: ClassVar[float] = 1.0
    rate: ClassVar[tuple[float, int]] = (30.0, 30)  # per app and directory; a conversation takes 7 a second

    # ---- inbound -------------------------------------------------------------------

    def verify(self, raw: RawRequest, config: TeamsConfig, http: Http) -> None:
        verify_caller(raw, config, http)

    def lane(self, raw: RawRequest, config: TeamsConfig) -> str:
        activity = raw.json()
        author = person(obj(activity, "from"), "")
        return author.value if author and string(activity, "name") != READ else ""

    def parse(self, raw: RawRequest, config: TeamsConfig) -> Sequence[InboundItem]:
        activity = raw.json()
        if not string(activity, "type") or not identifier(activity, "conversation", "id"):
            raise BadPayload("not an activity: type or conversation.id is missing")
        return tuple(items(activity, config))

    def acknowledge(self, raw: RawRequest, config: TeamsConfig) -> Reply:
        """An ``invoke`` wants its answer in the same exchange; 501 says that its name is unknown here."""
        try:
            activity = raw.json()
        except BadPayload:
            return Reply(400)
        if string(activity, "type") != "invoke":
            return Reply()
        if string(activity, "name") not in INVOKES:
            return Reply(501)
        body: dict[str, Any] = {}
        if string(activity, "name") == "adaptiveCard/action":
            words = "application/vnd.microsoft.activity.message"
            body = {"statusCode": 200, "type": words, "value": config.card_answer}
        return Reply(200, json.dumps(body), JSON_TYPE)

    # ---- outbound ------------------------------------------------------------------

    def check_recipient(self, address: str, config: TeamsConfig) -> str:
        return (
            ""
            if RECIPIENT.fullmatch(address)
            else "Teams needs a user's id in the directory, or the bot's id for them."
        )

    def sender_at(self, address: str, name: str, config: TeamsConfig) -> Sender:
        """A person of the app's own directory."""
        return Sender("teams", address, scope=config.tenant_id, name=name)

    def personal(self, thread: str) -> bool:
        return not thread or thread.startswith("a:")

    def render(self, message: OutboundMessage, config: TeamsConfig) -> Sequence[Payload]:
        """Raises Rejected for content the platform would refuse (media_not_public)."""
        recipient, base = message.recipient, service_url_of(message.recipient, config)
        first, *more = activities_for(message, config)
        conversation = conversation_of(recipient)
        if not conversation:
            new = _new_conversation(recipient, config)
            return tuple(Payload(f"{base}{NEW_CONVERSATION}", json={**new, "activity": one}) for one in (first, *more))
        quoted = activity_of(message.reply_to)
        if quoted and string(recipient.reference, "conversation_type") == "channel":  # in there an answer has a thread
            thread = activities_url(base, conversation, quoted)
            return tuple(Payload(thread, json={**one, "replyToId": quoted}) for one in (first, *more))
        answer = quoting(first, quoted) if quoted else first
        return tuple(Payload(activities_url(base, conversation), json=one) for one in (answer, *more))

    def send(self, payload: Payload, config: TeamsConfig, http: Http) -> SendResult:
        """A payload for a person whom we have no conversation with is two calls: the first finds or makes
        the conversation (the platform gives the same one every time), the second posts."""
        url, activity, detail, conversation = payload.path, dict(payload.json or {}), {}, ""
        if url.endswith(NEW_CONVERSATION):
            first = activity.pop("activity")
            made = _authorised(http, config, url, activity).json()
            conversation = identifier(made, "id")
            if not conversation:
                raise OutcomeUnknown("no_conversation_id", "the platform's answer names no conversation")
            base = string(made, "serviceUrl", limit=500) or url.removesuffix(NEW_CONVERSATION)
            activity = {**first, "conversation": {"id": conversation}}
            url, detail = activities_url(base, conversation), {"conversation": conversation}
        if payload.method != "POST":
            return _change(http, config, payload)
        answer = _authorised(http, config, url, with_pictures(activity, http))
        posted = identifier(answer.json(), "id")
        return SendResult(message_id(string(activity, "conversation", "id"), posted), detail, thread=conversation)

    def edit(self, platform_id: str, payload: Payload, recipient: Recipient, config: TeamsConfig) -> Payload:
        return Payload(_address(platform_id, recipient, config), json=payload.json, method="PUT")

    def delete(self, platform_id: str, reference: str, recipient: Recipient, config: TeamsConfig) -> Payload:
        return Payload(_address(platform_id, recipient, config), method="DELETE")

    def signal(self, action: str, recipient: Recipient, config: TeamsConfig) -> Payload | None:
        """Typing shows for about three seconds; bots cannot mark as read."""
        conversation = conversation_of(recipient)
        if action != "typing" or not conversation:
            return None
        body = {"type": "typing", "from": {"id": config.bot_id}, "conversation": {"id": conversation}}
        return Payload(activities_url(service_url_of(recipient, config), conversation), json=body)

    def locate(self, ref: MediaRef, config: TeamsConfig, http: Http) -> tuple[str, Mapping[str, str]]:
        """Pictures lie with the connector and want the token; files have an address that is signed, lives
        minutes and must not get one."""
        if not ref.url:
            raise Rejected("no_media_url", "the platform named no address for this file")
        if not trusted(ref.url.partition("?")[0], config):
            return ref.url, {}
        return ref.url, _bearer(token_for(config, http).value)

    def check(self, config: TeamsConfig, http: Http) -> CheckResult:
        try:
            token = fresh_token(config, http)
        except ConfigError as error:
            return CheckResult("credential_refused", error.detail or error.sentence, {"code": error.code})
        except SendError as error:
            return CheckResult("unknown", error.detail or error.sentence, {"code": error.code})
        facts = {"token_lifetime_s": token.lifetime_s}
        try:
            published_keys(config.openid_url, http)
        except SendError as error:
            return CheckResult(
                "degraded", "The keys that prove inbound activities cannot be fetched.", {"code": error.code}
            )
        return CheckResult("healthy", facts=facts)


def _new_conversation(recipient: Recipient, config: TeamsConfig) -> dict[str, Any]:
    """https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages"""
    tenant = recipient.scope or config.tenant_id
    named = {"tenantId": tenant, "channelData": {"tenant": {"id": tenant}}} if tenant else {}
    return {"isGroup": False, "bot": {"id": config.bot_id}, "members": [{"id": recipient.address}], **named}


def _address(platform_id: str, recipient: Recipient, config: TeamsConfig) -> str:
    """Where an activity of ours lies."""
    conversation = conversation_of(recipient)
    if not conversation:
        raise Rejected("not_changeable", "the conversation of this message is not known")
    return activities_url(service_url_of(recipient, config), conversation, activity_of(platform_id))


def _change(http: Http, config: TeamsConfig, payload: Payload) -> SendResult:
    """Edit or delete what was posted. A 403 without a word of the platform's is about this activity, not about the app:
    so it answers for one that a person has deleted.

    https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability"""
    try:
        _authorised(http, config, payload.path, payload.json, payload.method)
    except ConfigError as refused:
        if refused.status != 403 or refused.code in ERRORS:
            raise
        raise Rejected(refused.code, refused.detail, status=403) from refused
    except Rejected as refused:
        if payload.method != "DELETE" or refused.code not in GONE:
            raise
    return SendResult()


def _authorised(
    http: Http, config: TeamsConfig, url: str, body: Mapping[str, Any] | None, method: str = "POST"
) -> HttpAnswer:
    """One call with the app's token; a remembered token that is refused is renewed once."""
    require_trusted(url, config)
    for _try in range(2):
        token = token_for(config, http)
        answer = http.request(method, url, headers=_bearer(token.value), json=body)
        if answer.status == 401:
            token_forget(config, token)
        if answer.status != 401 or not token.remembered:
            break
    raise_error(answer)
    require_no_page(answer)
    return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
