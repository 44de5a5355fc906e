"""What stands in the console's sidebar, as data. Must not decide who sees it: the pages do."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.functional import lazy

OPERATE = "deliveries:write"  # who may start again what has failed looks after the traffic


def page(title: str, icon: str, model: str, query: str = "", needs: str = "") -> dict[str, Any]:
    """A link to a model's list, shown to those who may open it, and have the permission that it ``needs`` in one of
    their tenants. ``model``: "<app>.<Model>"."""

    def may_open(request: HttpRequest) -> bool:
        from django.apps import apps
        from django.contrib import admin

        from tenants.console.pages.whose import permissions_in

        if needs and needs not in permissions_in(request, None):
            return False
        return admin.site.get_model_admin(apps.get_model(model)).has_view_permission(request)

    def active(request: HttpRequest) -> bool:
        """Two entries may lead to one list: the one with the same filter is the active one."""
        if not request.path.startswith(_address(name)):
            return False
        marked = {name: request.GET[name] for name in ("dead", "outbox") if name in request.GET}
        return marked == dict(parse_qsl(query[1:]))

    name = f"{model.replace('.', '_').lower()}_changelist"
    return {
        "title": title,
        "icon": icon,
        "link": _link(name, query),
        "permission": may_open,
        "active": active,
    }


def inbox() -> dict[str, Any]:
    """The inbox, for people who may read conversations."""

    def may_open(request: HttpRequest) -> bool:
        from tenants.console.pages.whose import permissions_in

        return "conversations:read" in permissions_in(request, None)

    return {"title": "Inbox", "icon": "inbox", "link": _link("inbox"), "permission": may_open}


def own_page(title: str, icon: str, name: str) -> dict[str, Any]:
    """A link to a page that every member of staff has. ``name``: of its address."""
    return {"title": title, "icon": icon, "link": _link(name)}


def group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": True, "collapsible": False, "items": list(items)}


def name_of(link: object) -> str:
    """What the sidebar calls the list at this address; "" for one that it does not lead to."""
    return _names(get_script_prefix()).get(str(link), "")


@cache
def _names(prefix: str) -> dict[str, str]:
    """By address. Of two entries that lead to one the first names it."""
    entries = [item for part in SIDEBAR["navigation"] for item in part["items"]]
    return {str(item["link"]): item["title"] for item in reversed(entries)}


@cache
def _looked_up(name: str, prefix: str) -> str:
    return reverse(f"admin:{name}")


def _address(name: str, query: str = "") -> str:
    """Of a page. All of them are asked for several times by every page: looked up anew, that was a tenth of what it took."""
    return _looked_up(name, get_script_prefix()) + query


_link = lazy(_address, str)


SIDEBAR: dict[str, Any] = {
    "show_search": False,
    "show_all_applications": False,
    "navigation": [
        group(
            "Support",
            inbox(),
            page("To review", "flag", "conversations.Review", "?open=yes"),
            page("Messages", "chat", "conversations.Message"),
            page("Files", "attach_file", "conversations.Attachment"),
            page("Contacts", "person", "conversations.Contact"),
            page("Scheduled replies", "schedule_send", "messaging.ScheduledReply"),
            page("Canned replies", "quickreply", "messaging.CannedReply"),
            page("Labels", "label", "messaging.Label"),
            own_page("Dashboard", "monitoring", "index"),
            own_page("My alerts", "notifications_active", "tenants_membership_alerts"),
            own_page("How I sign in", "passkey", "sign_in"),
        ),
        group(
            "Channels",
            page("Channels", "hub", "channels_app.Channel"),
            page("Incidents", "crisis_alert", "channels_app.ChannelIncident"),
            page("Templates", "article", "channels_app.MessageTemplate"),
        ),
        group(
            "Assistant",
            page("Intents", "psychology", "assistant.Intent"),
            page("Knowledge", "menu_book", "assistant.KnowledgeEntry"),
            page("Sites", "travel_explore", "assistant.Site"),
            page("Trainings", "model_training", "assistant.TrainedModel"),
            page("Prompts", "edit_note", "assistant.SystemPrompt"),
            page("Tools", "build", "assistant.Tool"),
            page("Language models", "neurology", "assistant.LanguageModel"),
            page("Providers", "cloud", "assistant.Provider"),
            page("Use of models", "payments", "assistant.ModelUse"),
            page("Evaluation", "fact_check", "assistant.EvaluationCase"),
        ),
        group(
            "Operations",
            page("All conversations", "forum", "conversations.Conversation", needs=OPERATE),
            page("Deliveries", "outbox", "messaging.Delivery", needs=OPERATE),
            page("Dead letters", "mark_email_unread", "messaging.Delivery", "?dead=yes", OPERATE),
            page("Receipts", "move_to_inbox", "messaging.InboundEvent", needs=OPERATE),
            page("Turns", "swap_horiz", "messaging.Turn", needs=OPERATE),
            page("Events", "timeline", "conversations.Event", needs=OPERATE),
            page("Outbox", "outgoing_mail", "conversations.Event", "?outbox=waiting", OPERATE),
            page("Not handled", "sync_problem", "messaging.HandledEvent", needs=OPERATE),
            page("Webhook endpoints", "webhook", "messaging.WebhookEndpoint"),
            page("Webhook calls", "send", "messaging.WebhookDelivery"),
            page("Alerts sent", "notifications", "messaging.StaffAlert", needs=OPERATE),
        ),
        group(
            "Administration",
            page("Tenants", "apartment", "tenants.Tenant"),
            page("Users", "group", "tenants.User"),
            page("Roles", "badge", "tenants.Role"),
            page("Memberships", "diversity_3", "tenants.Membership"),
            page("Invitations", "mail", "tenants.Invitation"),
            page("Teams", "groups", "tenants.Team"),
            page("API keys", "key", "tenants.ApiKey"),
            page("OAuth clients", "apps", "tenants.OAuthClient"),
            page("Token issuers", "verified_user", "tenants.TrustedIssuer"),
            page("Tokens that are out", "token", "tenants.TokenFamily"),
            page("Exports of people", "folder_zip", "messaging.Export"),
            page("Erasures of people", "person_remove", "messaging.Erasure"),
            page("Audit", "history", "tenants.AuditEntry"),
        ),
    ],
}
