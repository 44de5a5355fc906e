from django.apps import AppConfig


class Config(AppConfig):
    name = "channels_app"
    verbose_name = "Channels"

    def ready(self) -> None:
        from channels_app.http import client
        from tenants.work.crew import outside

        client.while_waiting = outside
