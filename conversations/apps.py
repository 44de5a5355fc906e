from django.apps import AppConfig


class Config(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"
