from django.apps import AppConfig


class Config(AppConfig):
    name = "channels_app"
    verbose_name = "Channels"

    def ready(self) -> None:
        from channels_app.http import client
        from tenants.storage.connections import connection_release

        client.before_waiting = connection_release
