"""Registers the demo mesh, as its producers would. Run again, it changes only what differs."""

from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify

from demo.loading import Mesh, load_mesh
from demo.loading import Product as MeshProduct
from marketplace.accounts.models import Membership, Role, Team, User
from registry import goals, queries, services
from registry.models import Domain, Goal, Product, Rel
from registry.text import plain_text
from search import glossary

PEOPLE: dict[str, list[Role]] = {
    "consumer": [],
    "producer": [Role.PRODUCER],
    "steward": [Role.STEWARD],
    "admin": [Role.ADMIN],
}


class Command(BaseCommand):
    """manage.py load_demo"""

    help = "Registers the demo mesh (domains, teams, accounts, products) and publishes what is not yet published."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError while the demo is off, since its accounts have public passwords."""
        if not settings.DEMO:
            raise CommandError("The demo is off. Set DEMO=1 to load it; its accounts have public passwords.")
        mesh = load_mesh()
        with transaction.atomic():
            people = {name: _person(name, roles) for name, roles in PEOPLE.items()}
            _domains(mesh)
            teams = _teams(mesh, people["producer"])
        counts = {"new": 0, "changed": 0, "as it was": 0}
        for entry in mesh.products:
            counts[_product(people["producer"], teams[entry.team], entry)] += 1
        _goals(mesh, people["steward"], people["producer"], teams)
        if not glossary.everything():  # what stewards changed afterwards stays
            for short, long in mesh.glossary:
                glossary.put(people["steward"], short, long)
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        self.stdout.write(f"Demo mesh {mesh.title}: {len(mesh.products)} data products ({told}).")


def _person(name: str, roles: list[Role]) -> User:
    user, new = User.objects.get_or_create(
        username=name,
        defaults={
            "email": f"{name}@climatequantum.example",
            "roles": roles,
            "is_demo": True,
            "first_name": name.capitalize(),
        },
    )
    if new:
        user.set_password("demo")
        user.save()
    elif not user.is_demo:
        raise CommandError(
            f"There is a real account named {name!r} here; the demo would take its place. Use another database."
        )
    return user


def _domains(mesh: Mesh) -> None:
    known = {domain.slug: domain for domain in Domain.objects.all()}
    for entry in mesh.domains:
        if entry.slug not in known:
            parent = known[entry.parent] if entry.parent else None
            known[entry.slug] = services.create_domain(entry.slug, entry.title, parent=parent, summary=entry.summary)


def _teams(mesh: Mesh, producer: User) -> dict[str, Team]:
    teams: dict[str, Team] = {}
    for entry in mesh.teams:
        team, _ = Team.objects.get_or_create(slug=entry.slug, defaults={"name": entry.name, "email": entry.email})
        Membership.objects.get_or_create(team=team, user=producer)
        teams[entry.slug] = team
    return teams


@transaction.atomic
def _goals(mesh: Mesh, steward: User, producer: User, teams: dict[str, Team]) -> None:
    """What the products are for, once: what people change of it afterwards stays."""
    if Goal.objects.filter(slug__in=[entry.slug for entry in mesh.goals]).exists():
        return
    wanted: dict[str, list[goals.PurposeData]] = {}
    for entry in mesh.goals:
        goal = goals.create(steward, entry.title, summary=entry.summary, owner=teams[entry.team], slug=entry.slug)
        for case in entry.use_cases:
            goals.create(steward, case.title, summary=case.summary, parent=goal, slug=case.slug)
            for said in case.products:
                data = goals.PurposeData(case.slug, said.hypothesis, said.measure, said.target)
                wanted.setdefault(said.product, []).append(data)
    for address, purposes in wanted.items():
        domain, name = address.split("/")
        product = queries.by_address(domain, name)
        if product is not None:
            goals.set_purposes(producer, product, [*_kept(product), *purposes])


def _kept(product: Product) -> list[goals.PurposeData]:
    return [
        goals.PurposeData(purpose.goal.slug, purpose.hypothesis, purpose.measure, purpose.target)
        for purpose in goals.purposes_of(product)
    ]


@transaction.atomic
def _product(producer: User, team: Team, entry: MeshProduct) -> str:
    data = services.ProductData(
        domain=entry.domain,
        name=entry.name,
        title=entry.title,
        summary=entry.summary,
        type=entry.type,
        tags=entry.tags,
        access_mode=entry.access_mode,
        links=[services.LinkData(Rel.DISCOVERY, entry.discovery_url(settings.DEMO_GATEWAY_PORT), "application/json")],
        ports=_ports(entry),
    )
    product = queries.by_address(entry.domain, entry.name)
    if product is None:
        services.publish(producer, services.register(producer, team, data))
        return "new"
    if _registered(product) == _wanted(data):
        return "as it was"
    services.update(producer, product, data, revision=product.revision)
    return "changed"


def _registered(product: Product) -> tuple[object, ...]:
    tags = sorted(tag.slug for tag in product.tags.all())
    links = [link.url for link in product.links.all()]
    return product.title, product.summary, product.type, product.access_mode, tags, links


def _wanted(data: services.ProductData) -> tuple[object, ...]:
    tags = sorted(slugify(tag) for tag in data.tags)
    return data.title, plain_text(data.summary), data.type, data.access_mode, tags, [link.url for link in data.links]


def _ports(entry: MeshProduct) -> list[services.PortData]:
    """Contract ids and versions of the product's ports: what lineage needs, and all that is registered of them."""
    document = yaml.safe_load((entry.folder / "product.odps.yaml").read_text(encoding="utf-8"))
    return [
        services.PortData(direction, port["name"], port["contractId"], str(port.get("version", "")))
        for direction, key in (("in", "inputPorts"), ("out", "outputPorts"))
        for port in document.get(key, [])
        if port.get("contractId")
    ]
