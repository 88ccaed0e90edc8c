"""Who may sign in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from marketplace.accounts.models import User
from marketplace.accounts.origin import comes_from


class Backend(AuthenticationBackend):
    """Local accounts by user name or e-mail; demo accounts only while the demo is on and only from nearby.

    Service accounts of teams never: they act by tokens alone.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        """The person, or None."""
        user = super().authenticate(request, **credentials)
        if isinstance(user, User) and user.is_demo and not (settings.DEMO and is_near(request)):
            return None
        if isinstance(user, User) and user.service_of_id:
            return None
        return user

    def get_user(self, user_id: Any) -> AbstractBaseUser | None:
        """Asked for each request of a session: turning the demo off ends its sessions."""
        user = super().get_user(user_id)
        if isinstance(user, User) and (user.service_of_id or (user.is_demo and not settings.DEMO)):
            return None
        return user


def is_near(request: HttpRequest | None) -> bool:
    """Whether a demo account may be used from where the caller is (DEMO_ACCOUNT_NETWORKS)."""
    return request is not None and comes_from(request, settings.DEMO_ACCOUNT_NETWORKS)
