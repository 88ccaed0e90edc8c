"""Addresses of the dashboards: one file of addresses a side."""

from django.urls import include, path

app_name = "dashboards"

urlpatterns = [
    path("", include("marketplace.dashboards.consumer.urls")),
    path("search/", include("marketplace.dashboards.quality.urls")),
    path("producer/", include("marketplace.dashboards.producer.urls")),
]
