"""What django-allauth asks of us."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from marketplace.accounts.origin import client_address


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts; whether visitors may create one is the operator's choice (OPEN_SIGNUP)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether the sign-up form is offered."""
        return settings.OPEN_SIGNUP

    def get_client_ip(self, request: HttpRequest) -> str:
        """What rate limits count by: the caller's address behind the trusted proxies; one word for all unknown ones."""
        return str(client_address(request) or "unknown")
