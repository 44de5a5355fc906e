"""What an adapter and the rest of the service say to each other: frozen dataclasses and the closed family of send errors.

Must not import Django, models or any adapter: adapters are tested without a database.
"""

from channels_app.content.types import Capabilities, Content
from channels_app.contract.errors import (
    ConfigError,
    ContactBlocked,
    MediaLost,
    OutcomeUnknown,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
    WindowClosed,
)
from channels_app.contract.http import Http, HttpAnswer
from channels_app.contract.inbound import (
    ChannelNotice,
    Ignored,
    InboundItem,
    InboundMessage,
    MediaRef,
    Reaction,
    Revision,
    Sender,
    Signal,
    StatusUpdate,
    TemplateStatus,
)
from channels_app.contract.outbound import (
    CheckResult,
    Complaint,
    OutboundMessage,
    Payload,
    Recipient,
    RemoteTemplate,
    SendResult,
)
from channels_app.contract.request import (
    EVERYBODY,
    BadPayload,
    BadSignature,
    RawRequest,
    Reply,
    TooDeep,
    erased,
    lane_of,
    read_json,
)

__all__ = [
    "EVERYBODY",
    "BadPayload",
    "BadSignature",
    "Capabilities",
    "ChannelNotice",
    "CheckResult",
    "Complaint",
    "ConfigError",
    "ContactBlocked",
    "Content",
    "Http",
    "HttpAnswer",
    "Ignored",
    "InboundItem",
    "InboundMessage",
    "MediaLost",
    "MediaRef",
    "OutboundMessage",
    "OutcomeUnknown",
    "Payload",
    "RawRequest",
    "Reaction",
    "Recipient",
    "Rejected",
    "RemoteTemplate",
    "Reply",
    "Revision",
    "SendError",
    "SendResult",
    "Sender",
    "Signal",
    "StatusUpdate",
    "TemplateStatus",
    "Throttled",
    "TooDeep",
    "Unreachable",
    "WindowClosed",
    "erased",
    "lane_of",
    "read_json",
]
