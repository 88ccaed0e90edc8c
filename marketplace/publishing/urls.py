from django.urls import path

from marketplace.publishing import catalogue_views, guided, lifecycle, purposes, views

app_name = "publishing"

urlpatterns = [
    path("", views.start, name="start"),
    path("link/<str:token>/", views.inspect, name="inspect"),
    path("catalogue/<str:token>/", catalogue_views.choose, name="catalogue"),
    path("runs/<uuid:run>/", catalogue_views.run, name="run"),
    path("new/", views.describe, name="describe"),
    path("suggestions/", views.suggest, name="suggest"),
    path("guided/", guided.start, name="guided"),
    path("guided/<uuid:uuid>/", guided.check, name="guided-check"),
    path("guided/<uuid:uuid>/edit/", guided.edit, name="guided-edit"),
    path("guided/<uuid:uuid>/files.zip", guided.download, name="guided-download"),
    path("guided/<uuid:uuid>/delete/", guided.delete, name="guided-delete"),
    path("mine/", views.mine, name="mine"),
    path("<slug:domain>/<slug:name>/edit/", views.edit, name="edit"),
    path("<slug:domain>/<slug:name>/done/", views.done, name="done"),
    path("<slug:domain>/<slug:name>/lifecycle/", lifecycle.manage, name="manage"),
    path("<slug:domain>/<slug:name>/deprecate/", lifecycle.deprecate, name="deprecate"),
    path("<slug:domain>/<slug:name>/retire/", lifecycle.retire, name="retire"),
    path("<slug:domain>/<slug:name>/compare/", lifecycle.compare, name="compare"),
    path("<slug:domain>/<slug:name>/purposes/", purposes.edit, name="purposes"),
    path("<slug:domain>/<slug:name>/undo/", lifecycle.undo, name="undo"),
    path("<slug:domain>/<slug:name>/transfer/", lifecycle.transfer, name="transfer"),
    path("<slug:domain>/<slug:name>/transfer/accept/", lifecycle.accept, name="accept"),
    path("<slug:domain>/<slug:name>/transfer/end/", lifecycle.end_offer, name="end-offer"),
    path("<slug:domain>/<slug:name>/<slug:verb>/", lifecycle.move, name="move"),
]
