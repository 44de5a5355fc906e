"""What Slack's error words mean for a send.

Owns the table word → SendError. Must not trust the HTTP status alone: refusals come with 200.
https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

from channels_app.adapters.base import raise_for_status, retry_after
from channels_app.adapters.wire import array, obj, string
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    ContactRefuses,
    HttpAnswer,
    OutcomeUnknown,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
)

_BY_CLASS: dict[type[SendError], str] = {
    OutcomeUnknown: "internal_error fatal_error",  # both may come after the message was taken
    Unreachable: "service_unavailable request_timeout team_added_to_org",
    Throttled: "ratelimited rate_limited message_limit_exceeded",
    ConfigError: "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope no_permission "
    "org_login_required ekm_access_denied access_denied not_allowed_token_type two_factor_setup_required "
    "enterprise_is_restricted accesslimited team_access_not_granted",
    ContactBlocked: "user_not_found user_not_visible cannot_dm_bot",
    ContactRefuses: "user_disabled",
    Rejected: "channel_not_found not_in_channel is_archived restricted_action restricted_action_read_only_channel "
    "restricted_action_thread_only_channel restricted_action_non_threadable_channel cannot_reply_to_message "
    "messages_tab_disabled posting_to_channel_denied invalid_channel no_text msg_too_long msg_blocks_too_long "
    "too_many_attachments invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data "
    "invalid_post_type missing_post_type invalid_blocks invalid_blocks_format metadata_too_large "
    "markdown_text_conflict method_deprecated deprecated_endpoint storage_limit_reached file_uploads_disabled "
    "file_upload_size_restricted file_not_found file_update_failed message_not_found cant_update_message "
    "cant_delete_message edit_window_closed compliance_exports_prevent_deletion",
}
ERRORS: dict[str, type[SendError]] = {word: error for error, words in _BY_CLASS.items() for word in words.split()}
#: what stands in its words about a picture that was put there a moment ago: it looks into files before it shows them
NOT_READY = "slack_file"
FILE_READY_S = 3.0
#: what is to be deleted is there no more
GONE = "message_not_found"
#: the bot is no member of the place: a response_url may still reach it
NOT_THERE = frozenset({"channel_not_found", "not_in_channel"})


def raise_error(answer: HttpAnswer) -> None:
    """Raise the SendError that ``answer`` speaks of; return when it says ok. An unknown word falls back to
    the HTTP status; with 2xx it is Rejected."""
    body = obj(answer.json())
    code = string(body, "error", limit=80)
    if not code:
        raise_for_status(answer)
        if body.get("ok") is True:
            return
        raise OutcomeUnknown("no_answer", "the platform says neither ok nor an error", status=answer.status)
    detail = _detail(body)
    if code == "invalid_blocks" and NOT_READY in detail:
        raise Unreachable("file_not_ready", detail, retry_after=FILE_READY_S, status=answer.status)
    known = ERRORS.get(code)
    if known is None:
        raise_for_status(answer, code, detail)
        raise Rejected(code, detail, status=answer.status)
    pause = retry_after(answer.headers)
    raise known(code, detail, retry_after=pause, status=answer.status)


def _detail(body: dict[str, object]) -> str:
    """A missing scope is named apart; everything else comes as messages."""
    needed = string(body, "needed", limit=200)
    said = [line for line in array(body, "response_metadata", "messages") if isinstance(line, str)]
    return "; ".join([f"needed: {needed}"] * bool(needed) + said)
