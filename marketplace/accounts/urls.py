from django.urls import path

from marketplace.accounts import views

app_name = "accounts"

urlpatterns = [
    path("tokens/", views.token_list, name="tokens"),
    path("tokens/<uuid:token>/revoke/", views.token_revoke, name="token-revoke"),
]
