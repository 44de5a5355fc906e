from django.apps import AppConfig, apps
from django.db.models.signals import pre_migrate


class Config(AppConfig):
    name = "chatsvc"

    def ready(self) -> None:
        from chatsvc import checks as deploy_checks  # noqa: F401  they register themselves
        from chatsvc.processes.history import refuse_former
        from tenants.storage.db import on_mongo

        pre_migrate.connect(refuse_former, sender=apps.get_app_config("messaging"))
        if on_mongo():
            from chatsvc.mongo import checks, indexes  # noqa: F401  they register themselves
