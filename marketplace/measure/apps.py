from django.apps import AppConfig


class MeasureConfig(AppConfig):
    name = "marketplace.measure"
    label = "measure"
