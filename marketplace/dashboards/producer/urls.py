"""Addresses of the producer's dashboard, below /dashboard/producer/."""

from django.urls import path

from marketplace.dashboards.producer import views

urlpatterns = [
    path("", views.overview, name="producer"),
    path("gateways/", views.all_gateways, name="producer-gateways"),
    path("csv/<slug:table>.csv", views.csv, name="producer-csv"),
    path("<slug:domain>/<slug:name>/", views.product, name="producer-product"),
    path("<slug:domain>/<slug:name>/gateway/", views.one_gateway, name="producer-gateway"),
    path("<slug:domain>/<slug:name>/csv/<slug:table>.csv", views.product_csv, name="producer-product-csv"),
]
