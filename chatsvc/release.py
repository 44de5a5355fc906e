"""Which release this is, as CHANGELOG.md counts. The API's own version stands in SPECTACULAR_SETTINGS."""

VERSION = "0.2.0-dev"
