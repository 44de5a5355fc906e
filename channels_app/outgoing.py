"""What a message becomes on its channel: the parts a person sees and the API calls that carry them.

The one way from content to calls: delivery sends what this gives, a preview shows it. Must not send,
and must not know messages or conversations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from channels_app.content.fit import fit
from channels_app.content.types import Content
from channels_app.contract import Complaint, OutboundMessage, Payload, Recipient, Rejected
from channels_app.models import Channel


@dataclass(frozen=True)
class Outgoing:
    """``parts`` are the fitted contents, ``payloads`` the calls in their order, ``cuts`` what was changed on
    the way (without any of the content). ``numbered``: options were written as a numbered list."""

    parts: tuple[Content, ...]
    payloads: tuple[Payload, ...]
    cuts: tuple[str, ...] = ()
    numbered: bool = False


def payloads_for(
    channel: Channel,
    content: Content,
    recipient: Recipient,
    *,
    reference: str,
    reply_to: str = "",
    by_human: bool = False,
    link: Callable[[str], str] = str,
) -> Outgoing:
    """``content`` (its template resolved) as it goes out. The same arguments give the same calls, so a part
    may be counted by its index. ``reference`` is the message's own, ``reply_to`` the platform's id of what it quotes
    (without one the quote is written out), ``link`` as in `fit`. On an instant channel the content is shown as it is and nothing is called. Raises a SendError, IncompleteChannel."""
    adapter, config = channel.adapter, channel.adapter_config()
    if adapter.instant:
        return Outgoing((content,), ())
    for complaint in adapter.check_content(content, config):
        raise Rejected(complaint.code, complaint.sentence)
    caps = channel.capabilities
    if content.quote and not reply_to:
        caps = caps.model_copy(update={"quotes": False})
    fitted = fit(content, caps, link=link)
    payloads = [
        payload
        for index, part in enumerate(fitted.parts)
        for payload in adapter.render(
            OutboundMessage(f"{reference}.{index}", recipient, part, reply_to if part.quote else "", by_human), config
        )
    ]
    return Outgoing(fitted.parts, tuple(payloads), fitted.cuts, fitted.numbered)


def complaints_of(channel: Channel, content: Content, recipient: Recipient) -> list[Complaint]:
    """Why ``content`` (its template resolved) would become a dead letter on ``channel``, as far as that shows by its form;
    [] when it would not. Plain words are not looked at: they fit everywhere. Raises IncompleteChannel."""
    plain = content.type == "text" and not (content.buttons or content.quick_replies or content.media)
    if plain or channel.adapter.instant:
        return []
    found = list(channel.adapter.check_content(content, channel.adapter_config()))
    ours = content.media is not None and content.media.url.startswith("media:")  # it gets an address when it is sent
    if found or ours:
        return found
    try:
        payloads_for(channel, content, recipient, reference="check")
    except Rejected as error:
        return [Complaint("", error.code, error.detail or error.sentence)]
    return []
