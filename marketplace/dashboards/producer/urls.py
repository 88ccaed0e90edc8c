"""Addresses of the producer's dashboard, below /dashboard/producer/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
