from django.apps import AppConfig


class Config(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        from tenants.access import logins
        from tenants.people import sessions
        from tenants.tenant_settings import is_active, suspended
        from tenants.work.leases import hold_by

        hold_by(is_active, suspended)
        logins.follow()
        sessions.follow()
