from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "Registry"

    def ready(self) -> None:
        """Listens to the floor below."""
        from registry import people  # models are there only now

        people.listen()
