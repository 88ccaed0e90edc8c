"""What rooms above have to say before a product is published. They register here, since the registry imports none."""

from collections.abc import Callable, Sequence

from django.core.exceptions import ValidationError

from marketplace.accounts.models import User
from registry.models import Product

Gate = Callable[[User, Product], Sequence[str]]

GATES: dict[str, Gate] = {}


def before_publishing(name: str, gate: Gate) -> None:
    """Registers a gate: the reasons against a person's publishing a product. Called from AppConfig.ready."""
    GATES[name] = gate


def require_publishable(actor: User, product: Product) -> None:
    """Raises ValidationError, under `checklist`, with the reasons of all gates."""
    reasons = [reason for gate in GATES.values() for reason in gate(actor, product)]
    if reasons:
        raise ValidationError({"checklist": reasons})
