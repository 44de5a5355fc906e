"""``/api/v2/webchat/<key>/…``: the web chat over HTTP, for its beginning and for when no socket can be had.

Must not decide anything about the chat (rules.py).
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.adapters.web import FormField, Starter, Trigger
from messaging.live import transcript
from messaging.live.attending import answering, read_shown
from messaging.live.frames import ack_frame
from messaging.live.staff import visitor_moved
from messaging.webchat import rules as webchat
from messaging.webchat import sessions as webchat_sessions
from messaging.webchat.frames import PageFrame, PostedFrame, RateFrame, ReadFrame, Seq, SessionRequest
from messaging.webchat.pages import page_admit, page_cut, page_keep
from tenants.access.auth import credential_of
from tenants.access.limits import client_ip
from tenants.access.permissions import PUBLIC
from tenants.api.views import TenantAPIView, parse_body, parse_query
from tenants.errors import NotAuthenticated
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for


class WidgetWords(BaseModel):
    """What stands in a language in place of the members of the same names; what is left out is read as it is."""

    title: str = Field("", max_length=60)
    subtitle: str = Field("", max_length=100)
    greeting: str = Field("", max_length=500)
    launcher_text: str = Field("", max_length=40)
    privacy_url: str = ""
    starters: list[Starter] = Field([], max_length=6)
    triggers: list[Trigger] = []
    pre_chat: list[FormField] = []


class WidgetConfig(BaseModel):
    """How the widget looks and what it says first."""

    title: str
    color: str
    greeting: str
    bot_name: str
    locale: str = Field(description="Empty: the page's language, else the browser's")
    position: str
    subtitle: str
    launcher_text: str = Field(description="Words beside the launcher's icon")
    privacy_url: str
    starters: list[Starter] = Field(description="Suggestions for the first message")
    translations: dict[str, WidgetWords] = Field(description="What the channel says otherwise, by language like `de`")
    triggers: list[Trigger] = Field(description="Invitations that the widget shows beside its launcher")
    triggers_a_day: int = Field(description="How many of them a visitor sees a day")
    pages: str = Field(description="Which pages the client tells, by `page` frames: `path`, `full`; empty: none")
    uploads: bool = Field(description="Whether visitors may send files")
    pre_chat: list[FormField] = Field(description="What to ask before the chat; the answers are the `profile`")


class Opening(BaseModel):
    """When humans answer."""

    open: bool
    opens_at: str | None = Field(description="The next opening, while it is closed")
    closes_at: str | None = Field(description="Until when it is open; null: always")
    expected_reply_minutes: int | None = Field(description="How soon humans usually answer, as the tenant tells")


class Answering(BaseModel):
    """Who answers what the visitor writes next."""

    mode: str = Field(description="`bot`; `queue`: a human is asked for and has not come yet; `human`")
    name: str = Field(description="Of the human, as far as the tenant shows it")
    hours: Opening | None = Field(None, description="Of `queue`: when one may come")
    queue: int | None = Field(
        None, description="Of `queue`: the place among those who wait, 1: the next one; null: not told"
    )


class SessionAnswer(BaseModel):
    visitor_token: str = Field(description="For `Authorization: Bearer` and the socket's `hello`")
    expires_in: int = Field(description="Seconds the token lives")
    conversation: str | None = Field(description="The open conversation")
    last_seq: int = Field(description="How far its transcript goes")
    unrated: str | None = Field(description="The last conversation, while the visitor is to be asked how it was")
    socket_url: str = Field(description="Of the socket, relative to this address")
    agent: Answering
    config: WidgetConfig


class MessagesQuery(BaseModel):
    model_config = ConfigDict(extra="ignore")

    after: Seq = Field(0, description="The frames that follow this seq")
    before: Seq | None = Field(None, description="The last frames before this seq")
    limit: int = Field(50, ge=1, le=transcript.PAGE)


class MessagesPage(BaseModel):
    conversation: str | None = Field(description="Whose transcript it is: the visitor's newest conversation")
    messages: list[dict[str, Any]] = Field(description="Transcript frames, oldest first")
    last_seq: int
    read_seq: int = Field(description="How far staff have read")
    has_more: bool = Field(description="Whether there are more in the direction that was asked for")


class Ack(BaseModel):
    """That the frame is stored. Of a rating only ``t`` and ``cid``, of a read mark ``t`` and ``seq``, of a page ``t``."""

    t: str
    cid: str | None = None
    conversation: str | None = None
    seq: int | None = None
    id: str | None = None
    ts: str | None = None
    duplicate: bool | None = None


CID = "0192f0d0-7b1a-4c3e-9a55-1f0a7a3c9e10"
CONVERSATION = "019a2f6e-6d1c-7e5b-9c55-0e3b9f5f1a77"
MESSAGE = {
    "t": "msg", "conversation": CONVERSATION, "seq": 2, "id": "019a2f6e-7a10-7c4f-8f0e-5a1b2c3d4e5f", "ts": "2026-01-31T12:00:00.000Z",
    "from": {"role": "bot", "name": "Assistant", "picture": None}, "kind": "text", "text": "Your parcel arrives tomorrow.",
    "format": "plain", "quick_replies": [], "content": {"type": "text", "text": "Your parcel arrives tomorrow."},
    "cid": None, "lang": "en",
}  # fmt: skip
VISITOR: Any = [{"visitor": []}]  # the scheme of operations that a visitor calls


class WebchatView(TenantAPIView):
    """Base of both: public, for pages of the channel's allowed origins, in the channel's tenant's scope."""

    permission = PUBLIC
    http_method_names = ["get", "post", "options"]
    needs_origin = False
    allowed_origin = ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        origin = request.headers.get("Origin")
        # Browsers send no Origin with a GET to their own site; the token is the credential there.
        demanded = (origin or "") if self.needs_origin or request.method == "OPTIONS" else origin
        self.channel = webchat.channel_open(kwargs["key"], demanded)
        self.allowed_origin = origin or ""  # known before the limits: their refusal must be readable too
        super().initial(request, *args, **kwargs)
        self.scope.enter_context(tenant_scope(self.channel.tenant_id))

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """The browser's question before it lets a page call us."""
        return Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                "Access-Control-Allow-Headers": "authorization, content-type",
                "Access-Control-Max-Age": "600",
            },
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Vary"] = "Origin"
        response["Cache-Control"] = "no-store"
        if self.allowed_origin:
            response["Access-Control-Allow-Origin"] = self.allowed_origin
            response["Access-Control-Expose-Headers"] = "retry-after, x-request-id"
        return response

    def visitor(self, request: Request) -> webchat.Visitor:
        """Raises NotAuthenticated."""
        token = credential_of(request.headers)
        if not token:
            raise NotAuthenticated("Give the visitor token as `Authorization: Bearer`.")
        return webchat.visitor_for(self.channel, token)


class SessionView(WebchatView):
    needs_origin = True

    @extend_schema(
        operation_id="webchat_session_create",
        description="Answers the visitor token, what the widget shows, and the address of the socket. With a token that is still valid its session goes on.",
        summary="Begin or continue a web chat session",
        tags=["webchat"],
        request=SessionRequest,
        responses=SessionAnswer,
        examples=[
            OpenApiExample(
                "A visitor the site knows",
                value={
                    "visitor_token": None,
                    "identity": {"user_id": "user-4711", "ts": 1763690000, "sig": "61849bbf803a…", "name": "Mira"},
                },
                request_only=True,
            ),
            OpenApiExample(
                "A session",
                value={
                    "visitor_token": "eyJjIjoi…", "expires_in": webchat.TOKEN_LIFE_S, "conversation": CONVERSATION,
                    "last_seq": 2, "unrated": None, "socket_url": "/ws/chat/h2k9Qm/",
                    "agent": {"mode": "bot", "name": ""},
                    "config": {"title": "Chat", "color": "#2563eb", "greeting": "Hello!", "bot_name": "Assistant",
                               "locale": "", "position": "right", "subtitle": "We like questions",
                               "launcher_text": "Help", "privacy_url": "https://shop.example.com/privacy",
                               "starters": [{"title": "Where is my order?", "payload": "intent:order_status"}],
                               "translations": {"de": {"greeting": "Hallo!", "triggers": [
                                   {"text": "Noch Fragen?", "after_s": 20, "path": "/cart*", "on_exit": False}]}},
                               "triggers": [{"text": "Any questions?", "after_s": 20, "path": "/cart*", "on_exit": False}],
                               "triggers_a_day": 1, "pages": "path", "uploads": True, "pre_chat": []},
                },
                response_only=True,
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request, key: str) -> Response:
        wanted = parse_body(request, SessionRequest)
        session = webchat_sessions.session_begin(self.channel, wanted, client_ip(request._request))
        found = session.conversation
        return Response(
            {
                "visitor_token": session.token,
                "expires_in": webchat.TOKEN_LIFE_S,
                "conversation": str(found.id) if found else None,
                "last_seq": found.last_seq if found else 0,
                "unrated": str(session.unrated.id) if session.unrated else None,
                "socket_url": f"/ws/chat/{self.channel.key}/",
                "agent": answering(found),
                "config": self._config(),
            }
        )

    def _config(self) -> dict[str, Any]:
        config, tenant = self.channel.adapter_config(), settings_for(self.channel.tenant_id)
        return {
            **config.model_dump(include=set(WidgetConfig.model_fields) & set(type(config).model_fields)),
            "translations": {language: config.words_in(language) for language in config.translations},
            "greeting": config.greeting or tenant.greeting,
            "bot_name": tenant.bot_name,
            "uploads": tenant.features.uploads,
        }


class MessagesView(WebchatView):
    @extend_schema(
        operation_id="webchat_message_list",
        description="What the visitor may see of their conversation, in order, with the place to go on from.",
        summary="Read the visitor's transcript",
        tags=["webchat"],
        auth=VISITOR,
        parameters=[MessagesQuery],  # type: ignore[list-item]
        responses=MessagesPage,
        examples=[
            OpenApiExample(
                "A page",
                value={
                    "conversation": CONVERSATION,
                    "messages": [MESSAGE],
                    "last_seq": 2,
                    "read_seq": 0,
                    "has_more": False,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, key: str) -> Response:
        visitor = self.visitor(request)
        webchat.draw(f"webchat:read:{self.channel.id}:{visitor.key}", 2.0, 60)
        query = parse_query(request, MessagesQuery)
        conversation = webchat.conversation_of(self.channel, visitor)
        if conversation is None:
            return Response({"conversation": None, "messages": [], "last_seq": 0, "read_seq": 0, "has_more": False})
        wanted = query.limit + 1
        if query.before is None:
            frames = transcript.frames_after(conversation.id, query.after, wanted)
            page = frames[: query.limit]
        else:
            frames = transcript.frames_before(conversation.id, query.before, wanted)
            page = frames[-query.limit :]
        return Response(
            {
                "conversation": str(conversation.id),
                "messages": page,
                "last_seq": conversation.last_seq,
                "read_seq": read_shown(conversation),
                "has_more": len(frames) > query.limit,
            }
        )

    @extend_schema(
        operation_id="webchat_message_send",
        description="The same bodies as the socket's frames, for clients that cannot hold a socket. A `cid` that comes again is answered with the message that it made.",
        summary="Send a message, a rating, a read mark or a page without a socket",
        tags=["webchat"],
        auth=VISITOR,
        request=PostedFrame,
        responses=Ack,
        examples=[
            OpenApiExample(
                "A message",
                value={"t": "send", "cid": CID, "kind": "text", "text": "Where is my parcel?"},
                request_only=True,
            ),
            OpenApiExample(
                "Stored",
                value={
                    "t": "ack",
                    "cid": CID,
                    "conversation": CONVERSATION,
                    "seq": 1,
                    "id": MESSAGE["id"],
                    "ts": MESSAGE["ts"],
                    "duplicate": False,
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, key: str) -> Response:
        visitor = self.visitor(request)
        frame = parse_body(request, PostedFrame).root
        if isinstance(frame, RateFrame):
            return Response(webchat.rate(self.channel, visitor, frame))
        if isinstance(frame, ReadFrame):
            webchat.draw(f"webchat:read:{self.channel.id}:{visitor.key}", 2.0, 60)
            webchat.read(self.channel, visitor, frame)
            return Response({"t": "ack", "seq": frame.seq})
        if isinstance(frame, PageFrame):
            return self._page(visitor, frame)
        webchat.admit(self.channel, visitor, client_ip(request._request))
        accepted = webchat.say(self.channel, visitor, frame)
        return Response(ack_frame(accepted.message, duplicate=accepted.duplicate))

    def _page(self, visitor: webchat.Visitor, frame: PageFrame) -> Response:
        page_admit(self.channel, visitor)
        page = page_cut(self.channel.adapter_config(), frame.url)
        found = webchat.conversation_of(self.channel, visitor)
        if page_keep(self.channel, visitor, page) and found:
            visitor_moved(self.channel.tenant_id, found.id)
        return Response({"t": "ack"})
