"""Products over REST: find, read, see live, register, change, and move through the lifecycle."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import exceptions, mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts import queries as accounts
from marketplace.accounts.models import Team, User
from marketplace.accounts.services import home_team
from marketplace.catalogue.live_serializers import LiveProductSerializer
from marketplace.catalogue.serializers import (
    NewDeprecation,
    NewProduct,
    NewTransfer,
    OfferSerializer,
    ProductSerializer,
    ProductUpdate,
    product_data,
)
from marketplace.live import services as live
from registry import access, goals, queries, services, transfers
from registry.models import LISTED, AccessMode, Domain, Lifecycle, Product, ProductType, Tag


class Conflict(exceptions.APIException):
    """What was asked does not fit the state the product is in now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class ProductFilter(filters.FilterSet):
    """`domain` takes in what is below it; several `tag`s must all be there."""

    domain = filters.ModelChoiceFilter(
        queryset=Domain.objects.all(),
        to_field_name="slug",
        method="in_domain",
        help_text="Slug of a domain; what is below it is taken in.",
    )
    tag = extend_schema_field({"type": "array", "items": {"type": "string"}})(
        filters.ModelMultipleChoiceFilter(
            field_name="tags__slug",
            to_field_name="slug",
            # Only what everybody sees: else one could ask which tags hidden drafts have.
            queryset=Tag.objects.filter(products__lifecycle__in=LISTED).distinct(),
            conjoined=True,
            help_text="Slug of a tag; several must all be there.",
        )
    )
    goal = filters.CharFilter(method="serving", help_text="Slug of a goal and its use cases, or of one use case.")
    name = filters.CharFilter(help_text="Name of a product, whole; it is unique in a domain.")
    type = filters.ChoiceFilter(choices=ProductType.choices)
    access_mode = filters.ChoiceFilter(choices=AccessMode.choices)
    lifecycle = filters.ChoiceFilter(choices=Lifecycle.choices)
    ordering = filters.OrderingFilter(fields=["title", "name", "published_at", "updated_at"])

    def in_domain(self, products: QuerySet[Product], name: str, domain: Domain) -> QuerySet[Product]:
        """Products in the domain or below it."""
        return products.filter(queries.in_domain(domain.path))

    def serving(self, products: QuerySet[Product], name: str, slug: str) -> QuerySet[Product]:
        """Products that serve the goal."""
        return products.filter(goals.serving(slug))


_moved = {
    200: ProductSerializer,
    409: OpenApiResponse(description="The lifecycle does not allow this step from where it is."),
}


@extend_schema_view(
    list=extend_schema(summary="List products"),
    retrieve=extend_schema(summary="One product"),
)
class ProductViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Product]):
    """Registered data products. Drafts and retired products are there for their own team only."""

    serializer_class = ProductSerializer
    filterset_class = ProductFilter
    queryset = Product.objects.none()  # only names the model; get_queryset decides
    lookup_field = "uuid"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Product]:
        """What the person may see. Four queries a page, however many rows."""
        return queries.whole(queries.visible_to(access.person(self.request.user)))

    def get_object(self) -> Product:
        """The product of the address. Raises Http404 for what the person may not see."""
        product = _products().filter(uuid=self.kwargs["uuid"]).first()
        if product is None or not (product.is_listed or access.may_edit(self.request.user, product)):
            raise Http404("There is no such data product.")
        return product

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One product: what is registered of it."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="What the product says of itself now", responses=LiveProductSerializer)
    @action(detail=True, methods=["get"], url_path="live", url_name="live")
    def now(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Each part with its state, age and latency, at once.

        What is not fresh is being asked by a worker meanwhile: read it again after `poll_after_ms`, which is null when
        nothing is under way.
        """
        found = live.look(self.get_object().pk)
        return Response(LiveProductSerializer(found).data, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Register a draft", request=NewProduct, responses={201: ProductSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Registers a draft for one of your teams; publish it when it is ready."""
        given = NewProduct(data=request.data)
        given.is_valid(raise_exception=True)
        actor = cast(User, request.user)
        with transaction.atomic():  # a team of one's own is not left behind by a refused product
            owner = _team(actor, given.validated_data.get("owner"))
            product = services.register(actor, owner, product_data(given.validated_data))
        return self._changed(product, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a product",
        request=ProductUpdate,
        responses={
            200: ProductSerializer,
            409: OpenApiResponse(description="Somebody else changed it since `revision`."),
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Changes what is given; `revision` is the one you read."""
        given = ProductUpdate(data=request.data)
        given.is_valid(raise_exception=True)
        product = self.get_object()
        data = product_data(given.validated_data, product)
        try:
            product = services.update(
                cast(User, request.user), product, data, revision=given.validated_data["revision"]
            )
        except services.StaleRevisionError as error:
            raise Conflict(error.message) from error
        return self._changed(product)

    @extend_schema(summary="Publish a draft", request=None, responses=_moved)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Lists it: everybody can find it."""
        return self._move(services.publish)

    @extend_schema(summary="Pause a product", request=None, responses=_moved)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Asks not to use it for now; it stays listed."""
        return self._move(services.pause)

    @extend_schema(summary="End a pause", request=None, responses=_moved)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Makes it usable again."""
        return self._move(services.resume)

    @extend_schema(summary="Deprecate a product", request=NewDeprecation, responses=_moved)
    @action(detail=True, methods=["post"])
    def deprecate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Says that it will go; it stays listed. What follows it, the day it goes and a message may be left out."""
        given = NewDeprecation(data=request.data)
        given.is_valid(raise_exception=True)
        return self._move(lambda actor, product: services.deprecate(actor, product, **given.validated_data))

    @extend_schema(summary="Retire a product", request=None, responses=_moved)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Takes it out of every list; its address stays taken."""
        return self._move(services.retire)

    @extend_schema(
        summary="Take the last step back",
        request=None,
        responses={
            200: ProductSerializer,
            409: OpenApiResponse(description="Too late, or changed since."),
        },
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Undoes a pause, deprecation, retirement or change of the last minute, while nothing else changed."""
        return self._move(services.undo)

    @extend_schema(
        summary="Give a product to another team",
        request=NewTransfer,
        responses={200: ProductSerializer, 202: OfferSerializer},
    )
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Given at once (200) by administrators and who is in both teams; else offered to the team (202)."""
        given = NewTransfer(data=request.data)
        given.is_valid(raise_exception=True)
        product = self.get_object()
        if transfers.transfer(cast(User, request.user), product, given.validated_data["team"]):
            return self._changed(product)
        return Response(OfferSerializer(transfers.offer_of(product)).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="End the offer of a product",
        request=None,
        responses={204: None, 409: OpenApiResponse(description="The product is not offered.")},
    )
    @transfer.mapping.delete
    def end_offer(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The owner takes the offer back, or the team declines it."""
        with _conflicts():
            transfers.end_offer(cast(User, request.user), self._offered())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Accept a product",
        request=None,
        responses={200: ProductSerializer, 409: OpenApiResponse(description="The product is not offered.")},
    )
    @action(detail=True, methods=["post"], url_path="transfer/accept")
    def accept_transfer(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A member of the team it is offered to takes it."""
        with _conflicts():
            return self._changed(transfers.accept(cast(User, request.user), self._offered()))

    def _offered(self) -> Product:
        """The product of the address, which the team that it is offered to sees too, as a draft even."""
        offer = transfers.offers_to(cast(User, self.request.user)).filter(product__uuid=self.kwargs["uuid"]).first()
        return offer.product if offer else self.get_object()

    def _move(self, verb: Callable[[User, Product], Product]) -> Response:
        with _conflicts():
            return self._changed(verb(cast(User, self.request.user), self.get_object()))

    def _changed(self, product: Product, code: int = status.HTTP_200_OK) -> Response:
        """The product as it is now; read anew, since what was prefetched is of before."""
        return Response(self.get_serializer(_products().get(pk=product.pk)).data, status=code)


@contextmanager
def _conflicts() -> Iterator[None]:
    """What does not fit the product's state is a conflict; what names a field is bad input, and goes on as that."""
    try:
        yield
    except ValidationError as error:
        if hasattr(error, "error_dict"):
            raise
        raise Conflict(" ".join(error.messages)) from error


def _products() -> QuerySet[Product]:
    return queries.whole(queries.products())


def _team(actor: User, slug: str | None) -> Team:
    """The person's team of that name, or the one they publish for when they name none. Raises ValidationError."""
    if not slug:
        return home_team(actor)
    team = accounts.teams_of(actor).filter(slug=slug).first()
    if team is None:
        raise ValidationError({"owner": f"You are not in a team {slug!r}."})
    return team
