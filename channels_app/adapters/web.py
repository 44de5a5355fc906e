"""The web widget: the adapter of the channel that is our own.

Owns its configuration and what the widget can show. Must not deliver: the live push already did,
and messages come in by WebSocket and REST, never by webhook.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, StringConstraints

from channels_app.adapters.base import Adapter, ChannelConfig
from channels_app.content import MAX_MEDIA_BYTES, MIME_TYPES, Capabilities, ContentType
from channels_app.contract import BadSignature, Http, OutboundMessage, Payload, RawRequest, SendResult

Origin = Annotated[str, StringConstraints(pattern=r"^(\*|https?://[A-Za-z0-9.\-]+(:\d{1,5})?)$", max_length=255)]


class WebConfig(ChannelConfig):
    """One widget. ``allowed_origins`` are the sites that may embed it; "*" is for demos only.

    ``identity_secret`` signs the site's statement of who its visitor is; "" allows only visitors
    without a name. ``locale`` "" follows the visitor's browser.
    """

    title: str = Field(default="Chat", min_length=1, max_length=60)
    color: str = Field(default="#2563eb", pattern=r"^#[0-9a-fA-F]{6}$")
    greeting: str = Field(default="", max_length=500)
    allowed_origins: tuple[Origin, ...] = ()
    identity_secret: str = ""
    locale: str = Field(default="", pattern=r"^([a-z]{2}(-[A-Z]{2})?)?$")
    position: Literal["left", "right"] = "right"

    def allows(self, origin: str) -> bool:
        """Whether the widget may run on ``origin`` (scheme://host[:port], as browsers send it)."""
        return "*" in self.allowed_origins or origin.lower() in {allowed.lower() for allowed in self.allowed_origins}


class Web(Adapter):
    kind: ClassVar[str] = "web"
    label: ClassVar[str] = "Web widget"
    config_class: ClassVar[type[ChannelConfig]] = WebConfig
    secret_keys: ClassVar[frozenset[str]] = frozenset({"identity_secret"})
    instant: ClassVar[bool] = True
    capabilities = Capabilities(
        types=frozenset(get_args(ContentType)),
        max_text=4096,
        max_caption=4096,
        max_buttons=3,
        button_types=frozenset({"postback", "url", "phone", "share"}),
        max_quick_replies=10,
        max_list_rows=100,
        max_row_title=80,
        max_row_description=200,
        max_cards=10,
        markdown="markdown",
        media_types=dict.fromkeys(MIME_TYPES, MAX_MEDIA_BYTES),
        typing=True,
        typing_interval_s=3,
        read_marks=True,
        receipts=frozenset({"delivered", "read"}),
    )

    def verify(self, raw: RawRequest, config: WebConfig, http: Http) -> None:
        raise BadSignature("the web widget has no webhook")

    def render(self, message: OutboundMessage, config: WebConfig) -> Sequence[Payload]:
        return ()

    def send(self, payload: Payload, config: WebConfig, http: Http) -> SendResult:
        """Nothing outside is called; render gives nothing to send."""
        return SendResult()
