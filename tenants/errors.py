"""Errors that a caller can act on: a stable code, a sentence, an HTTP status.

Must not know how they are shown; chatsvc/web/errors.py puts them into the envelope.
"""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """Base of all errors of the service that are the caller's to handle. Codes are part of the API."""

    status = 400
    code = "bad_request"
    message = "The request could not be carried out."

    def __init__(
        self, message: str = "", *, code: str = "", details: Any = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.code = code or self.code
        self.details = details
        self.retry_after = retry_after  # seconds


class Invalid(ServiceError):
    """400: the body or a parameter is not of the documented form."""

    code = "validation_error"
    message = "The request is not valid."


class NotAuthenticated(ServiceError):
    status, code, message = 401, "not_authenticated", "Give a valid access token or API key."


class Forbidden(ServiceError):
    status, code, message = 403, "permission_denied", "Your role does not allow this."


class NotFound(ServiceError):
    status, code, message = 404, "not_found", "There is no such thing here."


class Conflict(ServiceError):
    status, code, message = 409, "conflict", "This clashes with the present state."


class Outdated(ServiceError):
    """412: it is not any more as the caller has read it."""

    status, code, message = 412, "precondition_failed", "It was changed since you read it: read it again."


class PayloadTooLarge(ServiceError):
    status, code, message = 413, "payload_too_large", "The body is too large."


class Unprocessable(ServiceError):
    status, code, message = 422, "unprocessable", "Understood, but it cannot be done."


class TooMany(ServiceError):
    status, code, message = 429, "rate_limited", "Too many requests."


class NotAvailable(ServiceError):
    """501: an address that is known, and that nothing stands behind on this service yet."""

    status, code, message = 501, "not_available", "This service does not offer that yet."


class Unavailable(ServiceError):
    status, code, message = 503, "unavailable", "Please try again shortly."
