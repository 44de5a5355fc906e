from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ValidateTokenRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class ValidateTokenResponse(_message.Message):
    __slots__ = ("user", "error_code", "expires_at")
    USER_FIELD_NUMBER: _ClassVar[int]
    ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    user: UserContext
    error_code: str
    expires_at: int
    def __init__(self, user: _Optional[_Union[UserContext, _Mapping]] = ..., error_code: _Optional[str] = ..., expires_at: _Optional[int] = ...) -> None: ...

class UserContext(_message.Message):
    __slots__ = ("tenant_id", "subject", "kind", "key_prefix", "extra", "learners")
    class ExtraEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    LEARNERS_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    subject: str
    kind: str
    key_prefix: str
    extra: _containers.ScalarMap[str, str]
    learners: Learners
    def __init__(self, tenant_id: _Optional[str] = ..., subject: _Optional[str] = ..., kind: _Optional[str] = ..., key_prefix: _Optional[str] = ..., extra: _Optional[_Mapping[str, str]] = ..., learners: _Optional[_Union[Learners, _Mapping]] = ...) -> None: ...

class Learners(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckPermissionsRequest(_message.Message):
    __slots__ = ("token", "permissions")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    token: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, token: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckPermissionsResponse(_message.Message):
    __slots__ = ("granted",)
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    granted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, granted: _Optional[_Iterable[str]] = ...) -> None: ...
