from django.apps import AppConfig


class Config(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"
