from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "marketplace.notices"
    label = "notices"

    def ready(self) -> None:
        """Listens to the event log."""
        from marketplace.notices import delivery  # models are there only now

        delivery.subscribe()
