"""Addresses of the catalogue."""

from django.urls import path

from marketplace.catalogue import (
    atom,
    contract_changes,
    fragments,
    given_contracts,
    glossary,
    goals,
    inside,
    pages,
    suggestions,
    views,
)
from marketplace.styleguide import view as styleguide

app_name = "catalogue"

_product = "products/<slug:domain>/<slug:name>/"

urlpatterns = [
    path("", views.home_page, name="home"),
    path("live-tiles/", fragments.home_tiles, name="live-tiles"),
    path("browse/", views.browse, name="browse"),
    path("search/", views.search, name="search"),
    path("search/suggest/", suggestions.typed, name="suggest"),
    path("search/inside/", inside.everywhere, name="inside"),
    path("contract-changes/", given_contracts.start, name="given-contracts"),
    path("contract-changes/<str:token>/", given_contracts.found, name="given-contracts-found"),
    path("domains/", views.domains, name="domains"),
    path("domains/<slug:slug>/", views.domain, name="domain"),
    path("glossary/", glossary.page, name="glossary"),
    path("glossary/put/", glossary.put, name="glossary-put"),
    path("glossary/remove/", glossary.remove, name="glossary-remove"),
    path("goals/", goals.index, name="goals"),
    path("goals/new/", goals.new, name="goal-new"),
    path("goals/<slug:slug>/", goals.page, name="goal"),
    path("goals/<slug:slug>/edit/", goals.edit, name="goal-edit"),
    path("goals/<slug:slug>/remove/", goals.remove, name="goal-remove"),
    path(_product, views.product, name="product"),
    path(f"{_product}events.atom", atom.product, name="product-atom"),
    path(f"{_product}inside/", inside.product, name="product-inside"),
    path(f"{_product}similar/", suggestions.similar, name="product-similar"),
    path(f"{_product}goals/", goals.of_product, name="product-goals"),
    path(f"{_product}live/", fragments.together, name="live-parts"),
    path(f"{_product}live/card/", fragments.card, name="live-card"),
    path(f"{_product}live/<slug:part>/", fragments.section, name="live-section"),
    path(f"{_product}artifacts/<path:artifact>/", views.artifact, name="artifact"),
    path(f"{_product}contracts/<slug:contract>/", pages.contract, name="contract"),
    path(f"{_product}contract-changes/", contract_changes.page, name="contract-changes"),
    path(f"{_product}original/<slug:part>/", pages.original, name="original"),
    path(f"{_product}guides/<slug:key>/", pages.guide, name="guide"),
    path(f"{_product}live-schema/", fragments.schema, name="live-schema"),
    path(f"{_product}live-artifact/<path:artifact>/", fragments.artifact, name="live-artifact"),
    path("styleguide/", styleguide, name="styleguide"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
]
