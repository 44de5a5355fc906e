"""The table of what Slack sends, and of what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from channels_app.adapters.slack.inbound import LOST
from channels_app.content.surroundings import Quote, form_of
from channels_app.content.types import UNKNOWN_FILE, Choice, Content, Media, text
from channels_app.contract import (
    BadPayload,
    ChannelNotice,
    Ignored,
    InboundMessage,
    MediaRef,
    Reaction,
    Revision,
    Sender,
    Signal,
    StatusUpdate,
)
from tests.adapters.kit import InboundCase

TEAM = "T0AAA1111"
NOON = datetime(2026, 10, 26, 7, 33, 20, 200, tzinfo=UTC)  # 1793000000.000200
SOON = datetime(2026, 10, 26, 7, 34, 10, 100, tzinfo=UTC)  # 1793000050.000100
LATER = datetime(2026, 10, 26, 7, 35, 0, 300, tzinfo=UTC)  # 1793000100.000300
DM, CHANNEL = "D0DDD4444", "C0GGG7777"
TS, REPLY, ACTION = "1793000000.000200", "1793000050.000100", "1793000100.000300"
MIRA = Sender("slack", "U0EEE5555", scope=TEAM, address=DM)
MIRA_ANYWHERE = replace(MIRA, address="")
MIRA_NAMED = replace(MIRA, name="mira")
MIRA_NAMED_ANYWHERE = replace(MIRA, name="mira", address="")
IN_DM = {"workspace_id": TEAM, "channel_id": DM}
IN_CHANNEL = {"workspace_id": TEAM, "channel_id": CHANNEL}
HOOK = {"response_url": "https://hooks.slack.com/actions/T0AAA1111/1/x"}


def event(name: str, *items) -> InboundCase:
    return InboundCase(name, name, items)


def ignored(name: str, reason: str, platform_id: str | None = None) -> InboundCase:
    """An event's own id stands for it, unless the message has one."""
    return event(name, Ignored(reason, f"Ev-{name}" if platform_id is None else platform_id))


def said(content: Content, **more) -> InboundMessage:
    """In the direct channel, unless said otherwise."""
    facts = {"platform_id": f"{DM}:{TS}", "sender": MIRA, "sent_at": NOON, "metadata": IN_DM}
    return InboundMessage(**{**facts, "content": content, **more})


def in_channel(content: Content, **more) -> InboundMessage:
    """A mention at the top of a channel: its thread is the conversation."""
    facts = {
        "platform_id": f"{CHANNEL}:{TS}",
        "sender": MIRA_ANYWHERE,
        "thread": f"{CHANNEL}:{TS}",
        "metadata": IN_CHANNEL,
    }
    return said(content, **{**facts, **more})


def in_thread(content: Content, **more) -> InboundMessage:
    facts = {"platform_id": f"{CHANNEL}:{REPLY}", "sent_at": SOON, "reply_to": f"{CHANNEL}:{TS}", "in_thread": True}
    return in_channel(content, **{**facts, "metadata": {**IN_CHANNEL, "thread_ts": TS}, **more})


def pressed(value: str, title: str, action: str = "pick:0", around=(), **more) -> InboundMessage:
    """``around``: what surrounds the pick in its content."""
    return said(
        Content(type="quick_reply", text=title, choice=Choice(value=value, title=title), **dict(around)),
        **{
            "platform_id": f"{DM}:{TS}:U0EEE5555:{action}:{ACTION}",
            "sender": MIRA_NAMED,
            "sent_at": LATER,
            "reply_to": f"{DM}:{TS}",
            "metadata": {**IN_DM, "action_id": action},
            **more,
        },
    )


def pressed_in_channel(**more) -> InboundMessage:
    facts = {
        "platform_id": f"{CHANNEL}:{TS}:U0EEE5555:pick:0:{ACTION}",
        "sender": MIRA_NAMED_ANYWHERE,
        "reference": HOOK,
    }
    facts |= {"reply_to": f"{CHANNEL}:{TS}", "metadata": {**IN_CHANNEL, "action_id": "pick:0"}}
    return pressed("billing", "Billing & tax", **{**facts, **more})


PNG = MediaRef("image", id="F0FFF6666", mime="image/png", size=48211, name="error.png")
RAR = MediaRef("file", id="F0FFF6666", mime="application/x-rar", size=48211, name="all.rar")
PDF = MediaRef("file", id="F0FFF7777", mime="application/pdf", size=10, name="o.pdf")


def media(kind: str, ref: MediaRef, caption: str | None = None) -> Content:
    kept = Media(url=f"media:{ref.id}", type=ref.mime, name=ref.name, size_bytes=ref.size)
    return Content(type=kind, text=caption, media=kept)


def not_kept(number: int, words: str, refs=(), **facts) -> InboundMessage:
    mark = "" if number == 1 else f":{number}"
    return said(text(words), platform_id=f"{DM}:{TS}{mark}", media=refs, metadata={**IN_DM, **facts})


def unkept(file_id: str, mime: str, name: str) -> dict:
    return {"id": file_id, "mime": mime, "name": name}


MESSAGES = [
    event("dm_text", said(text("Where is my parcel? 👋"))),
    # complaint 2 (docs/testing.md): retries are deduplicated by the message's identity, never dropped by their header
    event("dm_retried", said(text("hello"))),
    event(
        "dm_formatted",
        said(
            text(
                "Tom & Ann: see the page (https://example.org/a?b=1&c=2), https://example.org, a@example.org, @rui, "
                "#help, @here, @desk, Monday 1 < 2"
            )
        ),
    ),
    event(
        "dm_in_thread",
        said(
            text("that one"),
            platform_id=f"{DM}:{REPLY}",
            sent_at=SOON,
            thread=f"{DM}:{TS}",
            reply_to=f"{DM}:{TS}",
            in_thread=True,
            metadata={**IN_DM, "thread_ts": TS},
        ),
    ),
    event("dm_app_home", said(text("hello"))),
    event("dm_shared_message", said(text("> The printer burns"))),
    event("dm_shared_picture", said(media("image", PNG, "look\n> The printer burns"), media=(PNG,))),
    event("dm_table", said(text("These two\nTent | A & B\nTarp |"))),
    event("dm_empty", said(text("[empty message]"))),
    event("dm_long", said(text("x" * 4095 + "…", full_text="x" * 5000))),
    event(
        "dm_of_guest", said(text("hello"), sender=replace(MIRA, name="Rui Melo", profile={"home_team": "T0ZZZ9999"}))
    ),
    event("me_message", said(text("waves"))),
    event("file", said(media("image", PNG), media=(PNG,))),
    event(
        "files_with_words",
        said(media("image", PNG, "two of them"), media=(PNG,)),
        said(media("file", PDF), media=(PDF,), platform_id=f"{DM}:{TS}:2"),
    ),
    event(
        "files_not_kept",
        said(
            Content(
                type="file",
                text="look",
                media=Media(url=f"media:{RAR.id}", type=UNKNOWN_FILE, name=RAR.name, size_bytes=RAR.size),
            ),
            media=(RAR,),
        ),
        not_kept(2, "[file no longer available]", media=unkept("F0FFF7777", "image/png", "error.png")),
        not_kept(3, "[file: F0FFF8888]", (MediaRef("file", id="F0FFF8888"),), media=unkept("F0FFF8888", "", "")),
        not_kept(4, "[file: Plan] https://docs.example/plan", media=unkept("F0FFF9999", "image/png", "Plan")),
        not_kept(
            5,
            "[unsupported file: big.png, image/png]",
            unsupported="file",
            media=unkept("F0FFF1010", "image/png", "big.png"),
        ),
    ),
    # Slack sends both events for one mention: they carry the same platform id
    event("mention_event", in_channel(text("where is it?"))),
    event("mention_message", in_channel(text("where is it?"))),
    event("mention_bot_unknown", in_channel(text("where is it?"))),
    event("mention_bare", in_channel(text("[empty message]"))),
    event("mention_in_thread", in_thread(text("and now, ?"))),
    event(
        "mention_group",
        in_channel(
            text("where is it?"),
            platform_id=f"G0HHH8888:{TS}",
            thread=f"G0HHH8888:{TS}",
            metadata={"workspace_id": TEAM, "channel_id": "G0HHH8888"},
        ),
    ),
    event("channel_thread_of_bot", in_thread(text("thanks"))),
    event("channel_broadcast", in_thread(text("where is it?"))),
    ignored("channel_chatter", "not_addressed", f"{CHANNEL}:{TS}"),
    ignored("channel_thread_chatter", "not_addressed", f"{CHANNEL}:{REPLY}"),
    ignored("dm_without_user", "no_sender", f"{DM}:{TS}"),
    ignored("dm_without_ts", "no_id", ""),
]

EVENTS = [
    ignored("own_echo", "ourselves", f"{DM}:{TS}"),
    event("own_echo_with_reference", StatusUpdate(f"{DM}:{TS}", "sent", NOON, client_ref="ref-1")),
    event("own_metadata", StatusUpdate(f"{DM}:{TS}", "sent", NOON, client_ref="ref-1")),
    ignored("other_metadata", "bot_message", f"{DM}:{TS}"),
    ignored("other_bot", "bot_message", f"{DM}:{TS}"),
    ignored("other_bot_with_user", "bot_message", f"{CHANNEL}:{TS}"),
    ignored("slackbot", "no_sender", f"{DM}:{TS}"),
    event("edited", Revision("Ev-edited", f"{DM}:{TS}", MIRA, text("hello & bye"), LATER)),
    event("edited_mention", Revision("Ev-edited_mention", f"{CHANNEL}:{TS}", MIRA_ANYWHERE, text("hello"), LATER)),
    ignored("edited_by_preview", "unchanged"),
    ignored("edited_by_bot", "ourselves"),
    ignored("edited_without_target", "no_target"),
    event("deleted", Revision("Ev-deleted", f"{DM}:{TS}", MIRA, None, LATER)),
    event(
        "deleted_files",
        Revision("Ev-deleted_files", f"{DM}:{TS}", MIRA, None, LATER),
        Revision("Ev-deleted_files:2", f"{DM}:{TS}:2", MIRA, None, LATER),
    ),
    event("edited_files", Revision("Ev-edited_files:2", f"{DM}:{TS}:2", MIRA, None, LATER)),
    event("deleted_with_replies", Revision("Ev-deleted_with_replies", f"{DM}:{TS}", MIRA, None, LATER)),
    ignored("deleted_of_bot", "ourselves"),
    ignored("deleted_tombstone", "no_sender"),
    ignored("subtype_join", "subtype:channel_join"),
    ignored("subtype_replied", "subtype:message_replied"),
    event("reaction", Reaction("Ev-reaction", f"{DM}:{TS}", MIRA_ANYWHERE, "👍", LATER)),
    event("reaction_custom", Reaction("Ev-reaction_custom", f"{DM}:{TS}", MIRA_ANYWHERE, ":partyparrot:", LATER)),
    event("reaction_removed", Reaction("Ev-reaction_removed", f"{DM}:{TS}", MIRA_ANYWHERE, "", LATER, taken="👍")),
    ignored("reaction_of_bot", "ourselves"),
    ignored("reaction_on_file", "no_target"),
    event("joined", Signal("joined", MIRA_ANYWHERE, "Ev-joined", thread=CHANNEL, at=LATER)),
    event("left", Signal("left", MIRA_ANYWHERE, "Ev-left", thread=CHANNEL, at=LATER)),
    ignored("joined_bot", "ourselves"),
    event("assistant_started", Signal("joined", MIRA, "Ev-assistant_started", thread=f"{DM}:{TS}", at=LATER)),
    ignored("assistant_without_user", "no_sender"),
    ignored("app_home_opened", "event:app_home_opened"),
    InboundCase(
        "app_uninstalled",
        "app_uninstalled",
        [ChannelNotice("credential_refused", LOST["app_uninstalled"], "app_uninstalled", "Ev-app_uninstalled")],
    ),
    InboundCase(
        "tokens_revoked",
        "tokens_revoked",
        [ChannelNotice("credential_refused", LOST["tokens_revoked"], "tokens_revoked", "Ev-tokens_revoked")],
    ),
    ignored("other_workspace", "other_team"),
    ignored("app_rate_limited", "type:app_rate_limited", ""),
    InboundCase("not_slack", "not_slack", BadPayload),
    InboundCase("no envelope", [], BadPayload),
]

CHECKED = pressed("a, b", "A, B", "c")
ANSWERED = form_of("", {"t": "my words"})
INTERACTIONS = [
    event("press_button", pressed("billing", "Billing & tax")),
    event("press_button_in_thread", pressed_in_channel(thread=f"{CHANNEL}:{TS}")),
    event("press_button_in_channel", pressed_in_channel(thread=CHANNEL)),
    event(
        "press_button_ephemeral",
        pressed_in_channel(thread=CHANNEL, reference={**HOOK, "ephemeral_for": "U0EEE5555"}),
    ),
    event("press_link", Ignored("action_without_value", f"{DM}:{TS}:U0EEE5555:open:1:{ACTION}")),
    event("press_select", pressed("lis", "Lisbon", "pick:list")),
    event("press_overflow", pressed("del", "Delete", "more")),
    event("press_checkboxes", CHECKED),
    event(
        "press_others",
        pressed("2026-11-21", "2026-11-21", "d", {"form": ANSWERED}),
        pressed("U0FFF6666", "U0FFF6666", "u", {"form": ANSWERED}),
        replace(pressed("my words", "my words", "t"), content=text("my words", form=ANSWERED)),
    ),
    event("press_nothing", Ignored("no_action")),
    event(
        "press_in_home",
        pressed(
            "billing",
            "Billing & tax",
            platform_id=f"V0III9999:U0EEE5555:pick:0:{ACTION}",
            sender=MIRA_NAMED_ANYWHERE,
            reply_to="",
            metadata={"workspace_id": TEAM, "channel_id": "", "action_id": "pick:0"},
        ),
    ),
    event("press_in_other_workspace", Ignored("other_team")),
    event("press_without_user", Ignored("no_sender")),
    event(
        "form_sent",
        InboundMessage(
            "view:V0III9999:1793000000.abc",
            MIRA_NAMED_ANYWHERE,
            text(
                "a@example.org\nLarge",
                form=form_of("contact", {"email": "a@example.org", "size": "Large"}, choices={"size": "L"}),
            ),
            metadata={"workspace_id": TEAM},
        ),
    ),
    event(
        "form_empty",
        InboundMessage(
            "view:V0III9999:h",
            MIRA_NAMED_ANYWHERE,
            text("[form answered]"),
            metadata={"workspace_id": TEAM},
        ),
    ),
    event(
        "form_with_file",
        InboundMessage(
            "view:V0III9999:h2",
            MIRA_NAMED_ANYWHERE,
            text(
                "It <burns>\nerror.png, F0GONE",
                form=form_of("contact", {"story": "It <burns>", "photo": "error.png, F0GONE"}),
            ),
            media=(PNG,),
            metadata={"workspace_id": TEAM},
        ),
    ),
    event("form_closed", Ignored("interaction:view_closed")),
    event("form_asks_for_options", Ignored("interaction:block_suggestion")),
    event(
        "shortcut_global",
        pressed(
            "open_ticket",
            "open_ticket",
            platform_id="shortcut:111.222.shortcut_global",
            sender=MIRA_NAMED_ANYWHERE,
            reply_to="",
            metadata={"workspace_id": TEAM},
        ),
    ),
    event(
        "shortcut_on_message",
        pressed(
            "ask_bot",
            "ask_bot",
            around={"quote": Quote(text="printer <3")},
            platform_id="shortcut:111.222.shortcut_on_message",
            sender=MIRA_NAMED_ANYWHERE,
            thread=f"{CHANNEL}:{TS}",
            reply_to=f"{CHANNEL}:{TS}",
            reference={"response_url": "https://hooks.slack.com/app/T0AAA1111/1/x"},
            metadata=IN_CHANNEL,
        ),
    ),
    event("shortcut_without_id", Ignored("no_id")),
    event("legacy_dialog", Ignored("interaction:dialog_submission")),
]


def command(name: str, words: str, **more) -> InboundCase:
    hook = {"response_url": "https://hooks.slack.com/commands/T0AAA1111/1/x"}
    facts = {"thread": CHANNEL, "reference": hook, "metadata": {"command": "/desk", **IN_CHANNEL}, **more}
    return event(name, InboundMessage("command:333.444.def", MIRA_NAMED_ANYWHERE, text(words), **facts))


COMMANDS = [
    command("slash_in_channel", "status 4711"),
    command(
        "slash_in_direct",
        "status 4711",
        thread="",
        reference={},
        metadata={"command": "/desk", "workspace_id": TEAM, "channel_id": "D0FRIENDS"},
    ),
    command("slash_payload_word", "payload & ssl_check=1\nwörld 👋"),
    command("slash_without_text", "/desk"),
    event("slash_of_other_workspace", Ignored("other_team", "command:333.444.def")),
    event("slash_without_trigger", Ignored("no_id")),
    event("ssl_check", Ignored("ssl_check")),
    InboundCase("unknown_form", "unknown_form", BadPayload),
]
INBOUND = [*MESSAGES, *EVENTS, *INTERACTIONS, *COMMANDS]
