"""What of an HTTP exchange may be written down: secrets masked, words of people left out.

Owns the lists of telling field names. Must not open connections or know any platform's API.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

MASK = "***"
MAX_STRING = 200  # characters of one value that a trace keeps
MAX_ITEMS = 50  # members of one list or object that a trace keeps

#: fields (and query parameters, and headers) whose value is a secret whatever it is
SECRET_KEYS = frozenset(
    "accesskey accesstoken apikey appsecret appsecretproof assertion authorization authtoken bearer botoauthtoken "
    "clientassertion clientsecret cookie credentials hubverifytoken idtoken key pass password privatekey "
    "proxyauthorization refreshtoken secret setcookie sig signature signingsecret token verifytoken xamzcredential "
    "xamzsecuritytoken xamzsignature xapikey xhubsignature xhubsignature256 xslacksignature xtwiliosignature "
    "webhooksignature tempauth".split()
)
#: fields that carry what people say or who they are
TEXT_KEYS = frozenset(
    "address alt alttext arguments body caption completion content description displayname displaytext fallback "
    "fallbacktext firstname footer formattedname header input label lastname message name parameter plaintext "
    "profilename prompt question query quote say speak speech subject subtitle summary text title "
    "transcript twiml".split()
)
#: in an answer, ``message`` is what the platform has to say about an error
ANSWER_TEXT_KEYS = TEXT_KEYS - {"message"}
#: hosts whose paths are credentials themselves
SECRET_PATH_HOSTS = frozenset({"hooks.slack.com"})


def redact(value: Any, secrets: Iterable[str] = ()) -> Any:
    """``value`` (JSON-like) as a trace may keep it: no secret, no secret field, no message text."""
    return Redactor(secrets).value(value)


class Redactor:
    """Redacts one exchange after another. It remembers the words it left out, so that an answer
    which quotes the message back does not give away what the request withheld."""

    def __init__(self, secrets: Iterable[str] = ()):
        needles = {form for secret in secrets if secret for form in _written_forms(secret)}
        # longest first: a secret that contains another one is masked as a whole
        alternatives = "|".join(re.escape(needle) for needle in sorted(needles, key=len, reverse=True))
        self._secret = re.compile(alternatives) if alternatives else None
        self._said: set[str] = set()

    def value(self, value: Any, key: str = "", text_keys: frozenset[str] = TEXT_KEYS) -> Any:
        """A JSON-safe copy; ``key`` is the name of the field that holds ``value``."""
        name = _plain(key)
        if name in SECRET_KEYS and value not in (None, "", {}, []):
            return MASK
        if isinstance(value, Mapping):
            members = list(value.items())[:MAX_ITEMS]
            return {self.string(str(k), 80): self.value(v, str(k), text_keys) for k, v in members}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item, key, text_keys) for item in list(value)[:MAX_ITEMS]]
        if isinstance(value, (bytes, bytearray)):
            return f"<{len(value)} bytes>"
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            shown = self.string(str(value))
            return value if shown == str(value) else shown
        text = str(value)
        return self._left_out(text) if name in text_keys else self.string(text)

    def string(self, text: str, limit: int = MAX_STRING) -> str:
        """``text`` without secrets and without words left out before, at most ``limit`` characters."""
        if self._secret is not None:
            text = self._secret.sub(MASK, text)
        for words in self._said:
            text = text.replace(words, "…")
        return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Header names lower-case; what proves who we are is masked."""
        return {name.lower(): str(self.value(value, name)) for name, value in headers.items()}

    def url(self, url: str) -> str:
        """The address without user info; telling query parameters masked."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return "<unreadable address>"
        host = f"[{host}]" if ":" in host else host
        path = f"/{MASK}" if host in SECRET_PATH_HOSTS else parts.path
        query = [(k, self.value(v, k)) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
        shown = urlunsplit((parts.scheme, host + port, path, urlencode(query, safe="*…"), ""))
        return self.string(shown, 500)

    def body(self, body: bytes, content_type: str, status: int = 200) -> Any:
        """An answer: JSON by its fields; anything else as its size, with its beginning when it tells
        of an error."""
        if "json" in content_type or body[:1] in (b"{", b"["):
            try:
                return self.value(json.loads(body), "", ANSWER_TEXT_KEYS)
            except (ValueError, RecursionError):
                pass
        size = f"<{len(body)} bytes {content_type.split(';')[0]}>".replace(" >", ">")
        if status < 400 or not body:
            return size
        return f"{size} {self.string(body[:2000].decode('utf-8', 'replace'))}"

    def _left_out(self, text: str) -> str:
        words = text.strip()
        if len(words) >= 4 and len(self._said) < MAX_ITEMS:
            self._said.add(words)
        return f"<{len(text)} characters>" if text else ""


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(".", "")


def _written_forms(secret: str) -> set[str]:
    """The ways a secret turns up on the wire: as it is, in a URL, in JSON, in Basic credentials."""
    raw = secret.encode("utf-8", "replace")
    encoded = base64.b64encode(raw).decode()
    return {secret, quote(raw, safe=""), quote_plus(raw), json.dumps(secret)[1:-1], encoded}
