"""The console's pages on conversations: the list, the transcript, and the verbs of staff.

It stands here because the verbs do (messaging/rules/control.py). Must not write a message by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils.timesince import timesince
from unfold.decorators import display

from channels_app.admin import ChannelFilter
from channels_app.content.surroundings import Quote
from channels_app.content.types import MAX_TEXT, Content, TemplateUse, text
from channels_app.templates.resolve import templates_for
from conversations.admin import WordsAdmin
from conversations.models import Conversation
from messaging.admin.inbox import parts
from messaging.agents.inbox.lists import held_by_view
from messaging.agents.notes import mentions_seen, note_write
from messaging.hours.late import is_late
from messaging.live.attending import staff_read, staff_typing
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.rules.opening import write_again
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button
from tenants.console.pages.shown import shortened
from tenants.console.pages.whose import permissions_in
from tenants.errors import Invalid, ServiceError
from tenants.models import User
from tenants.storage.db import new_id, now

STATUS = {"active": "success", "escalated": "warning", "error": "danger", "completed": "info", "abandoned": "info"}
PRIORITY = {"urgent": "danger", "high": "warning", "normal": "info", "low": "info"}
A_MINUTE = timedelta(minutes=1)
URGENCY = Case(*(When(priority=name, then=Value(rank)) for rank, name in enumerate(PRIORITY)), default=Value(2))
RANK = URGENCY.asc()
TAKE_OVER = Button("take_over", "Take over", "support_agent")
HAND_BACK = Button("hand_back", "Hand back to the bot", "smart_toy")
CLOSE = Button("close", "Close", "check_circle", "Close this conversation?")
REPLY = Button("reply", "Send", "send")
TEMPLATE = Button("template", "Send template", "description")
NOTE = Button("annotate", "Add note", "sticky_note_2")
TYPING = Button("typing", "")  # pressed by the reply form itself
FORMS = (REPLY, TEMPLATE, NOTE, TYPING)  # have a place of their own on the page


class WaitingFilter(admin.SimpleListFilter):
    title, parameter_name = "waiting for a colleague", "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(held_by_view("waiting", None)) if self.value() == "yes" else queryset


class MineFilter(admin.SimpleListFilter):
    title, parameter_name = "answered by me", "mine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(held_by_view("mine", request.user.pk)) if self.value() == "yes" else queryset


@admin.register(Conversation)
class ConversationAdmin(WordsAdmin):
    personal = True
    resource = "conversations"
    deeds = frozenset()
    words = frozenset({"preview", "last_message_preview"})
    change_form_template = "admin/conversations/conversation/change_form.html"
    list_display = (
        "contact",
        "preview",
        "state",
        "urgency",
        "owner",
        "on_channel",
        "waiting",
        "last_message_at",
        "tenant",
    )
    list_filter = (
        "is_open",
        "status",
        "priority",
        "control_owner",
        WaitingFilter,
        MineFilter,
        ChannelFilter,
        TenantFilter,
    )
    list_select_related = ("contact", "channel", "tenant")
    search_fields = ("contact__name", "contact__email", "subject", "last_message_preview")
    ordering = ("-last_message_at", "-id")
    fields = ("tenant", "contact")

    @display(description="Last message")
    def preview(self, conversation: Conversation) -> str:
        return shortened(conversation.last_message_preview) or "—"

    @display(description="Channel", ordering="channel__name")
    def on_channel(self, conversation: Conversation) -> str:
        return conversation.channel.name

    @display(description="Status", label=STATUS, ordering="status")
    def state(self, conversation: Conversation) -> str:
        return conversation.status

    def get_ordering(self, request: HttpRequest) -> Any:
        """Who waits is listed by priority, and then the longest first (MSG-7)."""
        return (RANK, "waiting_since", "-id") if request.GET.get("waiting") == "yes" else self.ordering

    @display(description="Priority", label=PRIORITY, ordering=RANK)
    def urgency(self, conversation: Conversation) -> str:
        return conversation.priority

    @display(description="Answers", label={"bot": "info", "human": "warning"}, ordering="control_owner")
    def owner(self, conversation: Conversation) -> str:
        return conversation.control_owner

    @display(description="Waiting", ordering="waiting_since")
    def waiting(self, conversation: Conversation) -> str:
        if not conversation.waiting_since:
            return "—"
        at = now()
        waited = at - conversation.waiting_since
        told = timesince(conversation.waiting_since, at, depth=1) if waited >= A_MINUTE else "less than a minute"
        return f"{told}, too long" if is_late(conversation, at) else told

    # ---- the page of one conversation ----------------------------------------------

    def do_view(self, request: HttpRequest, object_id: uuid.UUID, verb: str) -> HttpResponse:
        """Words that were refused stand in the form again, beside the reason."""
        answer = super().do_view(request, object_id, verb)
        if not hasattr(request, "unsent"):
            return answer
        request.method = "GET"  # what follows is the page, not what was posted
        page = self.changeform_view(request, str(object_id))
        page.status_code = 409
        return page

    def page_context(self, request: HttpRequest, row: Conversation) -> dict[str, Any]:
        context = super().page_context(request, row)
        may_read = "messages:read" in permissions_in(request, row.tenant_id)
        if may_read and row.last_seq:
            staff_read(row.id, row.last_seq)  # who opens the page sees the end of the transcript
        mentions_seen(row.id, _member(request))
        forms = {button.verb: address for button, address in context["buttons"]}
        return {
            **context,
            "buttons": [pair for pair in context["buttons"] if pair[0] not in FORMS],
            "reply_to": forms.get("reply"),
            "typing_to": forms.get("typing"),
            "template_to": forms.get("template"),
            "templates": templates_for(row.channel) if "template" in forms else [],
            "annotate_to": forms.get("annotate"),
            "button_fields": {"epoch": row.control_epoch, "assignee": row.assignee_id or ""},
            "unsent": getattr(request, "unsent", None),
            "reply_id": new_id(),
            **parts.page_context(request, row, may_read=may_read),
        }

    def get_urls(self) -> list[Any]:
        return [*parts.addresses(self), *super().get_urls()]

    def buttons_of(self, request: HttpRequest, row: Conversation) -> Iterable[Button]:
        if not self.allowed(request, "write", row):
            return ()
        may_send = "messages:send" in permissions_in(request, row.tenant_id)
        if not row.is_open:
            again = may_send and row.channel.enabled and row.channel.adapter.speaks_after_end
            return (NOTE, *((REPLY, TEMPLATE) if again else ()))
        by_human = row.control_owner == Conversation.Owner.HUMAN
        return (
            *_take_over_of(request, row), *((HAND_BACK,) if by_human else ()), CLOSE, NOTE,
            *((REPLY, TEMPLATE, TYPING) if may_send else ()),
        )  # fmt: skip

    def verbs_of(self, request: HttpRequest, row: Conversation) -> Iterable[str]:
        """All that the member of staff may do: what the state has gone past is refused with a reason."""
        if not self.allowed(request, "write", row):
            return ()
        may_send = "messages:send" in permissions_in(request, row.tenant_id)
        buttons = (TAKE_OVER, HAND_BACK, CLOSE, NOTE, *((REPLY, TEMPLATE, TYPING) if may_send else ()))
        return [button.verb for button in buttons]

    # ---- verbs ---------------------------------------------------------------------

    def do_reply(self, request: HttpRequest, conversation: Conversation) -> str:
        said = request.POST.get("text", "").strip()
        try:
            _demand_storable(said)
            if not said or len(said) > MAX_TEXT:
                raise Invalid(f"Write between 1 and {MAX_TEXT} characters.")
            self._send(request, conversation, text(said, quote=_quoted(request)))
        except ServiceError:
            _keep_unsent(request, text=said)
            raise
        return ""

    def do_template(self, request: HttpRequest, conversation: Conversation) -> str:
        name, _, language = request.POST.get("template", "").partition("|")
        pairs = (line.partition("=") for line in request.POST.get("variables", "").splitlines() if line.strip())
        values = {key.strip(): value.strip() for key, _, value in pairs}
        try:
            _demand_storable(name, language, *values, *values.values())
            try:
                content = Content(type="template", template=TemplateUse(name=name, language=language, variables=values))
            except ValueError as error:
                raise Invalid("Choose a template.") from error
            self._send(request, conversation, content, {"template": name[:100]})
        except ServiceError:
            chosen = {"template": request.POST.get("template", ""), "variables": request.POST.get("variables", "")}
            _keep_unsent(request, **chosen)
            raise
        return ""

    def do_typing(self, request: HttpRequest, conversation: Conversation) -> str:
        staff_typing(conversation.id, _member(request), on=bool(request.POST.get("on")))
        return ""

    def _send(
        self, request: HttpRequest, conversation: Conversation, content: Content, about: dict[str, Any] | None = None
    ) -> None:
        # The id lies in the form: sending the same form twice sends one message.
        say = write_again if request.POST.get("again") else agent_reply
        sent = say(
            conversation.id, _member(request), content, client_message_id=_reply_id(request),
            seen_seq=number(request, "seen_seq"),
        )  # fmt: skip
        if not sent.repeated:
            self.note(request, "replied", sent.conversation, about)
        if sent.conversation_id != conversation.id:
            messages.success(request, "Sent. It stands in a new conversation, which is yours.")
        if sent.conversation.waiting_since:
            messages.warning(request, "Sent. The person has written more meanwhile, and waits for an answer to that.")

    def do_take_over(self, request: HttpRequest, conversation: Conversation) -> str:
        me = _member(request)
        # The page named the other agent, so the epoch may replace them; a page without one replaces no agent.
        known = request.POST.get("assignee") not in (None, "", str(me.id))
        taken = take_over(conversation.id, me, expected_epoch=number(request, "epoch") if known else None)
        if not taken.repeated:
            self.note(request, "take-over", conversation)
        return "You answer now; the bot keeps still."

    def do_hand_back(self, request: HttpRequest, conversation: Conversation) -> str:
        if not hand_back(conversation.id, expected_epoch=number(request, "epoch")).repeated:
            self.note(request, "hand-back", conversation)
        return "The bot answers again."

    def do_close(self, request: HttpRequest, conversation: Conversation) -> str:
        if not conversation_end(conversation.id, expected_epoch=number(request, "epoch")).repeated:
            self.note(request, "end", conversation)
        return "The conversation has ended."

    def do_annotate(self, request: HttpRequest, conversation: Conversation) -> str:
        words = request.POST.get("text", "")
        _demand_storable(words)
        named = note_write(conversation.id, _member(request), words).mentioned
        self.note(request, "annotated", conversation)
        return f"Noted, and told {', '.join(map(str, named))}." if named else "Noted."


def _take_over_of(request: HttpRequest, row: Conversation) -> tuple[Button, ...]:
    """Offered to everybody but the agent who answers; for another agent's conversation it asks first."""
    if row.assignee_id is None:
        return (TAKE_OVER,)
    if row.assignee_id == request.user.pk:
        return ()
    return (replace(TAKE_OVER, confirm=f"{row.assignee} answers this conversation. Take it over?"),)


def number(request: HttpRequest, name: str) -> int | None:
    """What the page showed when it was made; None from a form without it."""
    given = request.POST.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def _reply_id(request: HttpRequest) -> str:
    given = request.POST.get("reply_id", "")[:64]
    _demand_storable(given)
    return given


def _demand_storable(*words: str) -> None:
    """Raises Invalid ``nul_character``: PostgreSQL keeps none, and Django's forms, which look for it, are not used here."""
    if any("\0" in one for one in words):
        raise Invalid("NUL characters are not allowed.", code="nul_character")


def _quoted(request: HttpRequest) -> Quote | None:
    """The message that was ticked to be quoted."""
    try:
        return Quote(message_id=uuid.UUID(request.POST["quote"])) if request.POST.get("quote") else None
    except ValueError as error:
        raise Invalid("There is no such message to quote.", code="quote_unknown") from error


def _keep_unsent(request: HttpRequest, *, text: str = "", template: str = "", variables: str = "") -> None:
    request.unsent = {"text": text, "template": template, "variables": variables}  # type: ignore[attr-defined]


def _member(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the admin refuses everything else
    return request.user
