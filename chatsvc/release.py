"""Which release this is, as CHANGELOG.md counts, and which API it speaks."""

VERSION = "0.2.0-dev"
#: the newest date of docs/api/changelog.md, `info.version` of the OpenAPI document
API_VERSION = "2026-12-01"
