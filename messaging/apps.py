from django.apps import AppConfig


class Config(AppConfig):
    name = "messaging"
    verbose_name = "Messaging"
