"""What `mesh.yaml` says, as plain objects. Knows nothing of the marketplace or of the gateways."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

FOLDER = Path(__file__).resolve().parent
MESH_FILE = FOLDER / "mesh.yaml"
DEFAULT_BASE_PORT = 8100
HOST = "127.0.0.1"

Behaviour = Literal["ok", "slow", "down"]
ProductType = Literal["source-aligned", "aggregate", "consumer-aligned"]
AccessMode = Literal["open", "on_request"]


class MeshError(ValueError):
    """`mesh.yaml` cannot be used; the message says which entry and why."""


@dataclass(frozen=True)
class Domain:
    """A namespace; `parent` is the slug of the domain above, None for a root."""

    slug: str
    parent: str | None
    title: str
    summary: str


@dataclass(frozen=True)
class Team:
    """Who owns products."""

    slug: str
    name: str
    email: str


@dataclass(frozen=True)
class Product:
    """One data product as it is registered, and how its gateway behaves."""

    domain: str
    name: str
    title: str
    summary: str
    tags: tuple[str, ...]
    type: ProductType
    access_mode: AccessMode
    team: str
    port_offset: int
    behaviour: Behaviour
    delay_seconds: float
    folder: Path

    @property
    def urn(self) -> str:
        """Its address in the mesh."""
        return f"urn:dp:{self.domain}:{self.name}"

    def port(self, base_port: int = DEFAULT_BASE_PORT) -> int:
        """The port of its gateway."""
        return base_port + self.port_offset

    def base_url(self, base_port: int = DEFAULT_BASE_PORT, host: str = HOST) -> str:
        """Where its gateway is, without a trailing slash."""
        return f"http://{host}:{self.port(base_port)}"

    def discovery_url(self, base_port: int = DEFAULT_BASE_PORT, host: str = HOST) -> str:
        """The `discovery` link to register."""
        return f"{self.base_url(base_port, host)}/discover"


@dataclass(frozen=True)
class Serves:
    """A product (`domain/name`) that serves a use case, and its measure of success."""

    product: str
    hypothesis: str
    measure: str
    target: str


@dataclass(frozen=True)
class UseCase:
    """Something that people do with products."""

    slug: str
    title: str
    summary: str
    products: tuple[Serves, ...]


@dataclass(frozen=True)
class Goal:
    """What the business wants to reach; `team` is the slug of who answers for it."""

    slug: str
    title: str
    summary: str
    team: str
    use_cases: tuple[UseCase, ...]


@dataclass(frozen=True)
class Mesh:
    """The whole demo. Domains stand in an order in which each parent comes before its children."""

    name: str
    title: str
    domains: tuple[Domain, ...]
    teams: tuple[Team, ...]
    products: tuple[Product, ...]
    goals: tuple[Goal, ...] = ()
    glossary: tuple[tuple[str, str], ...] = ()


def load_mesh(path: Path = MESH_FILE) -> Mesh:
    """Reads one small file.

    Raises:
        MeshError: a missing or unknown field, a reference to nothing, a port or an address used twice.
        OSError: the file cannot be read.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise MeshError(f"{path} must hold a mapping with domains, teams and products.")
    try:
        mesh = Mesh(
            name=raw["name"],
            title=raw["title"],
            domains=tuple(
                Domain(slug=d["slug"], parent=d.get("parent"), title=d["title"], summary=d["summary"])
                for d in raw["domains"]
            ),
            teams=tuple(Team(slug=t["slug"], name=t["name"], email=t["email"]) for t in raw["teams"]),
            products=tuple(_product(p, path.parent) for p in raw["products"]),
            goals=tuple(_goal(g) for g in raw.get("goals", [])),
            glossary=tuple((str(short), str(long)) for short, long in raw.get("glossary", {}).items()),
        )
    except KeyError as error:
        raise MeshError(f"{path}: an entry has no {error}.") from error
    _check(mesh)
    return mesh


def _goal(raw: dict[str, Any]) -> Goal:
    use_cases = tuple(
        UseCase(
            slug=u["slug"],
            title=u["title"],
            summary=u["summary"],
            products=tuple(Serves(p["product"], p["hypothesis"], p["measure"], p["target"]) for p in u["products"]),
        )
        for u in raw["use_cases"]
    )
    return Goal(slug=raw["slug"], title=raw["title"], summary=raw["summary"], team=raw["team"], use_cases=use_cases)


def _product(raw: dict[str, Any], base: Path) -> Product:
    behaviour = raw.get("behaviour", "ok")
    for field, value, allowed in (
        ("behaviour", behaviour, get_args(Behaviour)),
        ("type", raw["type"], get_args(ProductType)),
        ("access_mode", raw["access_mode"], get_args(AccessMode)),
    ):
        if value not in allowed:
            raise MeshError(
                f"{raw['domain']}/{raw['name']}: {field} is {value!r}, must be one of {', '.join(allowed)}."
            )
    return Product(
        domain=raw["domain"],
        name=raw["name"],
        title=raw["title"],
        summary=raw["summary"],
        tags=tuple(raw["tags"]),
        type=raw["type"],
        access_mode=raw["access_mode"],
        team=raw["team"],
        port_offset=int(raw["port_offset"]),
        behaviour=behaviour,
        delay_seconds=float(raw.get("delay_seconds", 0)),
        folder=base / raw["folder"],
    )


def _check(mesh: Mesh) -> None:
    seen: set[str] = set()
    for domain in mesh.domains:
        if domain.parent is not None and domain.parent not in seen:
            raise MeshError(f"Domain {domain.slug}: its parent {domain.parent!r} does not stand before it.")
        if domain.slug in seen:
            raise MeshError(f"Domain {domain.slug} is listed twice.")
        seen.add(domain.slug)
    teams = {team.slug for team in mesh.teams}
    offsets: dict[int, str] = {}
    addresses: set[str] = set()
    for product in mesh.products:
        if product.domain not in seen:
            raise MeshError(f"{product.urn}: there is no domain {product.domain!r}.")
        if product.team not in teams:
            raise MeshError(f"{product.urn}: there is no team {product.team!r}.")
        if product.urn in addresses:
            raise MeshError(f"{product.urn} is listed twice.")
        if product.port_offset in offsets:
            raise MeshError(
                f"{product.urn}: port_offset {product.port_offset} is used by {offsets[product.port_offset]}."
            )
        if not product.folder.is_dir():
            raise MeshError(f"{product.urn}: there is no folder {product.folder}.")
        addresses.add(product.urn)
        offsets[product.port_offset] = product.urn
    named = {f"{product.domain}/{product.name}" for product in mesh.products}
    for goal in mesh.goals:
        if goal.team not in teams:
            raise MeshError(f"Goal {goal.slug}: there is no team {goal.team!r}.")
        for use_case in goal.use_cases:
            for serves in use_case.products:
                if serves.product not in named:
                    raise MeshError(f"Use case {use_case.slug}: there is no product {serves.product!r}.")
