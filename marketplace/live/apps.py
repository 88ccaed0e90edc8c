from django.apps import AppConfig


class LiveConfig(AppConfig):
    """The live window. Has no models: what it fetches lives in Redis for a day at most."""

    name = "marketplace.live"
    label = "live"
    verbose_name = "Live window"

    def ready(self) -> None:
        from . import following

        following.subscribe()
