"""Addresses of the page of search quality, below /dashboard/search/."""

from django.urls import path

from marketplace.dashboards.quality import views

urlpatterns = [
    path("", views.page, name="quality"),
    path("csv/<slug:table>.csv", views.csv, name="quality-csv"),
]
