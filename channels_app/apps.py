from django.apps import AppConfig


class Config(AppConfig):
    name = "channels_app"
    verbose_name = "Channels"
