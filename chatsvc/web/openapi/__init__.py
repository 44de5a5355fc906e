"""The OpenAPI document beyond what drf-spectacular makes by itself (API-4)."""
