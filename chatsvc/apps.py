from django.apps import AppConfig


class Config(AppConfig):
    name = "chatsvc"

    def ready(self) -> None:
        from tenants.storage.db import on_mongo

        if on_mongo():
            from chatsvc.mongo import checks, indexes  # noqa: F401  they register themselves
