from django.apps import AppConfig


class Config(AppConfig):
    name = "assistant"
    verbose_name = "Assistant"
