from django.urls import path

from marketplace.publishing import views

app_name = "publishing"

urlpatterns = [
    path("", views.start, name="start"),
    path("link/<str:token>/", views.inspect, name="inspect"),
    path("new/", views.describe, name="describe"),
    path("mine/", views.mine, name="mine"),
    path("<slug:domain>/<slug:name>/edit/", views.edit, name="edit"),
    path("<slug:domain>/<slug:name>/done/", views.done, name="done"),
    path("<slug:domain>/<slug:name>/<slug:verb>/", views.move, name="move"),
]
