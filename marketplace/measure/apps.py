from django.apps import AppConfig


class MeasureConfig(AppConfig):
    name = "marketplace.measure"
    label = "measure"
    verbose_name = "Measurement"

    def ready(self) -> None:
        from marketplace.measure import recording
        from search.signals import answered

        answered.connect(recording.searched_by_program, dispatch_uid="measure")
