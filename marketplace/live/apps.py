from django.apps import AppConfig


class LiveConfig(AppConfig):
    """The live window. What it fetches lives in Redis; its model holds fingerprints of contracts (docs/drift.md)."""

    name = "marketplace.live"
    label = "live"
    verbose_name = "Live window"

    def ready(self) -> None:
        from . import following

        following.subscribe()
