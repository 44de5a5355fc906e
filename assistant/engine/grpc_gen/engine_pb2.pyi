from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProcessMessageRequest(_message.Message):
    __slots__ = ("tenant_id", "conversation_id", "channel_kind", "message_content", "history", "conversation_context_json", "user_profile_json", "processing_hints_json", "language", "channel_id", "channel_name")
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
    def __init__(self, tenant_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., channel_kind: _Optional[str] = ..., message_content: _Optional[_Iterable[str]] = ..., history: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ..., conversation_context_json: _Optional[str] = ..., user_profile_json: _Optional[str] = ..., processing_hints_json: _Optional[str] = ..., language: _Optional[str] = ..., channel_id: _Optional[str] = ..., channel_name: _Optional[str] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("role", "text")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    role: str
    text: str
    def __init__(self, role: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ProcessMessageResponse(_message.Message):
    __slots__ = ("response_content", "updated_context_json", "next_expected_inputs", "intent", "confidence", "confidence_scores", "handover", "handover_reason", "engine", "model", "usage")
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
    def __init__(self, response_content: _Optional[_Iterable[str]] = ..., updated_context_json: _Optional[str] = ..., next_expected_inputs: _Optional[_Iterable[str]] = ..., intent: _Optional[str] = ..., confidence: _Optional[float] = ..., confidence_scores: _Optional[_Mapping[str, float]] = ..., handover: _Optional[bool] = ..., handover_reason: _Optional[str] = ..., engine: _Optional[str] = ..., model: _Optional[str] = ..., usage: _Optional[_Mapping[str, float]] = ...) -> None: ...

class MessageChunk(_message.Message):
    __slots__ = ("delta", "response")
    DELTA_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    delta: str
    response: ProcessMessageResponse
    def __init__(self, delta: _Optional[str] = ..., response: _Optional[_Union[ProcessMessageResponse, _Mapping]] = ...) -> None: ...
