"""Addresses of what a person follows, keeps and is told."""

from django.urls import path

from marketplace.notices import views

app_name = "notices"

urlpatterns = [
    path("products/<slug:domain>/<slug:name>/follow/", views.follow_product, name="follow-product"),
    path("domains/<slug:slug>/follow/", views.follow_domain, name="follow-domain"),
    path("follows/", views.follows, name="follows"),
    path("saved-searches/", views.searches, name="searches"),
    path("saved-searches/<uuid:search>/", views.search_open, name="search-open"),
    path("saved-searches/<uuid:search>/rename/", views.search_rename, name="search-rename"),
    path("saved-searches/<uuid:search>/delete/", views.search_delete, name="search-delete"),
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.inbox_read, name="inbox-read"),
]
