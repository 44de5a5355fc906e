from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class Config(AppConfig):
    name = "assistant"
    verbose_name = "Assistant"

    def ready(self) -> None:
        from assistant.engines import models_changed
        from assistant.evaluations import models as _evaluations  # noqa: F401  with the other tables
        from assistant.intents.versions import models as _versions  # noqa: F401
        from assistant.knowledge.sites import models as _sites  # noqa: F401
        from assistant.llm_models import LanguageModel, Provider
        from assistant.products import models as _products  # noqa: F401
        from assistant.prompts import models as _prompts  # noqa: F401
        from assistant.tools import models as _tools  # noqa: F401

        def changed(instance: Any, **_: Any) -> None:
            models_changed(instance.tenant_id)

        for model in (LanguageModel, Provider):
            for signal in (post_save, post_delete):
                signal.connect(
                    changed, sender=model, weak=False, dispatch_uid=f"models_changed_{model.__name__}_{id(signal)}"
                )
