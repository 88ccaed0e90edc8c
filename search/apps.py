from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"
    verbose_name = "Search"

    def ready(self) -> None:
        from marketplace.celery import app
        from search import services
        from search.worker import QuestionStep

        services.subscribe()
        app.steps["worker"].add(QuestionStep)
