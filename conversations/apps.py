from django.apps import AppConfig
from django.db.models.signals import post_migrate


class Config(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        from conversations.search.index import triggers_keep
        from conversations.search.people_index import people_triggers_keep

        post_migrate.connect(triggers_keep, sender=self)
        post_migrate.connect(people_triggers_keep, sender=self)
