"""Domains, and the resolver: the mesh's DNS."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseRedirect
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, mixins, permissions, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import Role
from registry import queries, services
from registry.access import person, visible_or_404
from registry.models import Domain, Lifecycle, Link, Rel


class DomainSerializer(serializers.ModelSerializer):
    """A domain; `count` is its listed products and those below it."""

    parent: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True, allow_null=True)
    count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Domain
        fields = ["slug", "parent", "path", "title", "summary", "count"]


class NewDomainSerializer(serializers.Serializer):
    """A domain to add."""

    slug = serializers.CharField(max_length=63, help_text="Small letters, digits and hyphens; unique in the mesh.")
    title = serializers.CharField(max_length=120)
    parent = serializers.SlugRelatedField(
        slug_field="slug", queryset=Domain.objects.all(), required=False, allow_null=True, default=None
    )  # type: ignore[assignment] # DRF looks it up by name; Field.parent is set on instances only
    summary = serializers.CharField(max_length=400, required=False, allow_blank=True, default="")


class MayGovern(permissions.BasePermission):
    """Everybody reads; stewards and administrators write."""

    message = "Only stewards and administrators may add domains."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """No query beyond the session's."""
        user = person(request.user)
        return request.method in permissions.SAFE_METHODS or (user is not None and user.has_role(Role.STEWARD))


class DomainViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """The domain tree, by path. Two queries however many domains."""

    permission_classes = [MayGovern]

    queryset = Domain.objects.all()
    serializer_class = DomainSerializer
    lookup_field = "slug"
    pagination_class = None
    filter_backends: list[Any] = []

    def get_queryset(self) -> QuerySet[Domain]:
        return super().get_queryset().select_related("parent")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All domains."""
        return Response(self.get_serializer(queries.domains_with_counts(), many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One domain."""
        slug = kwargs["slug"]
        found = next((row for row in queries.domains_with_counts() if row.slug == slug), None)
        if found is None:
            raise exceptions.NotFound(f"There is no domain {slug!r}.")
        return Response(self.get_serializer(found).data)

    @extend_schema(request=NewDomainSerializer, responses={201: DomainSerializer})
    def create(self, request: Request) -> Response:
        """Adds a domain."""
        wanted = NewDomainSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        domain = services.create_domain(**wanted.validated_data)
        domain.count = 0
        return Response(self.get_serializer(domain).data, status=status.HTTP_201_CREATED)


class LinkSerializer(serializers.ModelSerializer):
    """Where a product answers."""

    class Meta:
        model = Link
        fields = ["rel", "url", "media_type", "title"]


class ResolvedSerializer(serializers.Serializer):
    """What an address resolves to."""

    urn = serializers.CharField()
    title = serializers.CharField()
    lifecycle = serializers.ChoiceField(choices=Lifecycle.choices)
    links = LinkSerializer(many=True)


class GoneError(exceptions.APIException):
    """The product was retired."""

    status_code = status.HTTP_410_GONE
    default_code = "gone"


class ResolveView(APIView):
    """From the address of a data product to its links."""

    @extend_schema(
        operation_id="resolve",
        parameters=[
            OpenApiParameter(
                "rel", str, enum=Rel.values, description="Redirects to the product's first link of this relation."
            )
        ],
        responses={
            200: ResolvedSerializer,
            302: OpenApiResponse(description="To the link asked for with `rel`"),
            404: OpenApiResponse(description="No such product, or no link of that relation"),
            410: OpenApiResponse(description="The product was retired"),
        },
    )
    def get(self, request: Request, domain: str, name: str) -> Response | HttpResponseRedirect:
        """The product's links; with `?rel=discovery` a redirect to the first of that relation."""
        found = queries.by_address(domain, name)
        if found is not None and found.lifecycle == Lifecycle.RETIRED:
            raise GoneError(f"{found.urn} was retired and answers no more.")
        product = visible_or_404(request.user, found, domain, name)
        links = list(product.links.all())
        rel = request.query_params.get("rel")
        if rel is None:
            resolved = {"urn": product.urn, "title": product.title, "lifecycle": product.lifecycle, "links": links}
            return Response(ResolvedSerializer(resolved).data)
        if rel not in Rel.values:
            raise exceptions.ValidationError({"rel": f"Use one of {', '.join(Rel.values)}."})
        chosen = next((link for link in links if link.rel == rel), None)
        if chosen is None:
            raise exceptions.NotFound(f"{product.urn} has no link of the relation {rel}.")
        return HttpResponseRedirect(chosen.url)
