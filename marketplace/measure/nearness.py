"""Which domains a question without a good answer is near to, so that those who could answer it see it."""

from collections.abc import Sequence

from marketplace.measure.text import telling
from registry.models import Domain, Product

NEAREST = 5  # products of which the domains are taken


def near_domains(asked: Sequence[tuple[str, Sequence[int]]]) -> dict[str, list[str]]:
    """By question: slugs of the domains of the nearest products, and of those whose name the question has a word of.

    `asked`: normal questions with the ids of what they found, best first. Two queries, none for nothing.
    """
    if not asked:
        return {}
    nearest = {question: [pk for pk in hits if pk][:NEAREST] for question, hits in asked}
    wanted = {pk for hits in nearest.values() for pk in hits}
    domain_of = dict(Product.objects.filter(pk__in=wanted).order_by().values_list("pk", "domain__slug"))
    words = {slug: telling(f"{slug} {title}") for slug, title in Domain.objects.values_list("slug", "title")}
    return {
        question: list(
            dict.fromkeys(
                [
                    *(domain_of[pk] for pk in hits if pk in domain_of),
                    *(slug for slug, own in words.items() if own & telling(question)),
                ]
            )
        )
        for question, hits in nearest.items()
    }
