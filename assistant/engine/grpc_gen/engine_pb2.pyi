from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProcessMessageRequest(_message.Message):
    __slots__ = ("tenant_id", "conversation_id", "channel_kind", "message_content", "history", "conversation_context_json", "user_profile_json", "processing_hints_json", "language", "channel_id", "channel_name", "person", "message_ids", "control_epoch")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_CONTEXT_JSON_FIELD_NUMBER: _ClassVar[int]
    USER_PROFILE_JSON_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_HINTS_JSON_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_NAME_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    conversation_id: str
    channel_kind: str
    message_content: _containers.RepeatedScalarFieldContainer[str]
    history: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    conversation_context_json: str
    user_profile_json: str
    processing_hints_json: str
    language: str
    channel_id: str
    channel_name: str
    person: Person
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    control_epoch: int
    def __init__(self, tenant_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., channel_kind: _Optional[str] = ..., message_content: _Optional[_Iterable[str]] = ..., history: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ..., conversation_context_json: _Optional[str] = ..., user_profile_json: _Optional[str] = ..., processing_hints_json: _Optional[str] = ..., language: _Optional[str] = ..., channel_id: _Optional[str] = ..., channel_name: _Optional[str] = ..., person: _Optional[_Union[Person, _Mapping]] = ..., message_ids: _Optional[_Iterable[str]] = ..., control_epoch: _Optional[int] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("contact_id", "scheme", "identity", "verified")
    CONTACT_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    contact_id: str
    scheme: str
    identity: str
    verified: bool
    def __init__(self, contact_id: _Optional[str] = ..., scheme: _Optional[str] = ..., identity: _Optional[str] = ..., verified: _Optional[bool] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("role", "text", "unasked")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    UNASKED_FIELD_NUMBER: _ClassVar[int]
    role: str
    text: str
    unasked: bool
    def __init__(self, role: _Optional[str] = ..., text: _Optional[str] = ..., unasked: _Optional[bool] = ...) -> None: ...

class ProcessMessageResponse(_message.Message):
    __slots__ = ("response_content", "updated_context_json", "next_expected_inputs", "intent", "confidence", "confidence_scores", "handover", "handover_reason", "engine", "model", "usage", "sources", "why_json", "unanswered")
    class ConfidenceScoresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class UsageEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    RESPONSE_CONTENT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_CONTEXT_JSON_FIELD_NUMBER: _ClassVar[int]
    NEXT_EXPECTED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_SCORES_FIELD_NUMBER: _ClassVar[int]
    HANDOVER_FIELD_NUMBER: _ClassVar[int]
    HANDOVER_REASON_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    WHY_JSON_FIELD_NUMBER: _ClassVar[int]
    UNANSWERED_FIELD_NUMBER: _ClassVar[int]
    response_content: _containers.RepeatedScalarFieldContainer[str]
    updated_context_json: str
    next_expected_inputs: _containers.RepeatedScalarFieldContainer[str]
    intent: str
    confidence: float
    confidence_scores: _containers.ScalarMap[str, float]
    handover: bool
    handover_reason: str
    engine: str
    model: str
    usage: _containers.ScalarMap[str, float]
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    why_json: str
    unanswered: bool
    def __init__(self, response_content: _Optional[_Iterable[str]] = ..., updated_context_json: _Optional[str] = ..., next_expected_inputs: _Optional[_Iterable[str]] = ..., intent: _Optional[str] = ..., confidence: _Optional[float] = ..., confidence_scores: _Optional[_Mapping[str, float]] = ..., handover: _Optional[bool] = ..., handover_reason: _Optional[str] = ..., engine: _Optional[str] = ..., model: _Optional[str] = ..., usage: _Optional[_Mapping[str, float]] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., why_json: _Optional[str] = ..., unanswered: _Optional[bool] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("kind", "id", "title", "url", "score")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    id: str
    title: str
    url: str
    score: float
    def __init__(self, kind: _Optional[str] = ..., id: _Optional[str] = ..., title: _Optional[str] = ..., url: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class MessageChunk(_message.Message):
    __slots__ = ("delta", "response")
    DELTA_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    delta: str
    response: ProcessMessageResponse
    def __init__(self, delta: _Optional[str] = ..., response: _Optional[_Union[ProcessMessageResponse, _Mapping]] = ...) -> None: ...

class ReplyRefusedRequest(_message.Message):
    __slots__ = ("tenant_id", "conversation_id", "message_ids", "code", "where")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_IDS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    conversation_id: str
    message_ids: _containers.RepeatedScalarFieldContainer[str]
    code: str
    where: str
    def __init__(self, tenant_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., message_ids: _Optional[_Iterable[str]] = ..., code: _Optional[str] = ..., where: _Optional[str] = ...) -> None: ...

class ReplyRefusedResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PushRequest(_message.Message):
    __slots__ = ("conversation_id", "control_epoch", "message_id", "content")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    control_epoch: int
    message_id: str
    content: str
    def __init__(self, conversation_id: _Optional[str] = ..., control_epoch: _Optional[int] = ..., message_id: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class PushResponse(_message.Message):
    __slots__ = ("message_id", "seq")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    seq: int
    def __init__(self, message_id: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class TypingRequest(_message.Message):
    __slots__ = ("conversation_id", "control_epoch", "on")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    control_epoch: int
    on: bool
    def __init__(self, conversation_id: _Optional[str] = ..., control_epoch: _Optional[int] = ..., on: _Optional[bool] = ...) -> None: ...

class TypingResponse(_message.Message):
    __slots__ = ("again_s",)
    AGAIN_S_FIELD_NUMBER: _ClassVar[int]
    again_s: float
    def __init__(self, again_s: _Optional[float] = ...) -> None: ...

class SetStatusRequest(_message.Message):
    __slots__ = ("conversation_id", "control_epoch", "status", "reason")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    control_epoch: int
    status: str
    reason: str
    def __init__(self, conversation_id: _Optional[str] = ..., control_epoch: _Optional[int] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SetStatusResponse(_message.Message):
    __slots__ = ("status", "control_owner", "held_by", "control_epoch")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CONTROL_OWNER_FIELD_NUMBER: _ClassVar[int]
    HELD_BY_FIELD_NUMBER: _ClassVar[int]
    CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    status: str
    control_owner: str
    held_by: str
    control_epoch: int
    def __init__(self, status: _Optional[str] = ..., control_owner: _Optional[str] = ..., held_by: _Optional[str] = ..., control_epoch: _Optional[int] = ...) -> None: ...
