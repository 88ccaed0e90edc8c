"""Addresses of the consumer's dashboard, below /dashboard/."""

from django.urls import URLPattern, path

from marketplace.dashboards.consumer import views

urlpatterns: list[URLPattern] = [
    path("", views.dashboard, name="consumer"),
    path("health/", views.health, name="consumer-health"),
    path("forget/", views.forget, name="consumer-forget"),
]
