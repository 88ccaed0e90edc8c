"""Addresses of this room."""

from django.urls import path

from marketplace.trust import views

app_name = "trust"

urlpatterns = [
    path("products/<slug:domain>/<slug:name>/checklist/", views.checklist, name="checklist"),
    path("products/<slug:domain>/<slug:name>/fair/", views.fair, name="fair"),
    path("publish/link/<str:token>/checklist/", views.preview, name="preview"),
    path("governance/checklist/", views.policy, name="policy"),
]
