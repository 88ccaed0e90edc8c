from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "marketplace.trust"
    verbose_name = "Trust"

    def ready(self) -> None:
        """The registry asks before it publishes."""
        from marketplace.trust import gate  # models are there only now
        from registry import gates

        gates.before_publishing("trust", gate.reasons_against)
