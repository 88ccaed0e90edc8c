"""Goals and use cases over REST, and what a product is for."""

from typing import Any, cast

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import exceptions, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import Team, User
from registry import access, goals, queries
from registry.api import MayGovern
from registry.goals import InUseError, PurposeData
from registry.models import SLUG, SUMMARY_LIMIT, Goal, Product, Purpose
from registry.services import StaleRevisionError


class GoalConflict(exceptions.APIException):
    """What was asked does not fit the state now."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class GoalSerializer(serializers.ModelSerializer[Goal]):
    """A goal, or with a `parent` a use case of it; `count` is the listed products that serve it."""

    parent = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)  # type: ignore[assignment] # DRF looks it up by name
    owner = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)
    count = serializers.IntegerField(read_only=True)
    url = serializers.SerializerMethodField(help_text="Its page.")
    products_url = serializers.SerializerMethodField(help_text="The products that serve it, or a use case of it.")

    class Meta:
        model = Goal
        fields = ["slug", "parent", "title", "summary", "owner", "count", "url", "products_url"]

    @extend_schema_field(serializers.URLField())
    def get_url(self, goal: Goal) -> str:
        """Absolute."""
        return self.context["request"].build_absolute_uri(goal.get_absolute_url())

    @extend_schema_field(serializers.URLField())
    def get_products_url(self, goal: Goal) -> str:
        """Absolute."""
        return self.context["request"].build_absolute_uri(f"{reverse('api:product-list')}?goal={goal.slug}")


class GoalChanges(serializers.Serializer[Any]):
    """What may change of a goal. What is left out stays."""

    title = serializers.CharField(max_length=140, required=False)
    summary = serializers.CharField(max_length=SUMMARY_LIMIT, required=False, allow_blank=True)
    owner = serializers.SlugRelatedField[Team](
        slug_field="slug",
        queryset=Team.objects.all(),
        required=False,
        allow_null=True,
        help_text="Slug of the team that answers for it.",
    )


class NewGoal(GoalChanges):
    """A goal to add; with a `parent`, a use case of that goal."""

    title = serializers.CharField(max_length=140)
    slug = serializers.CharField(
        max_length=63, required=False, validators=[SLUG], help_text="Its address; absent: made from the title."
    )
    parent = serializers.SlugRelatedField[Goal](
        slug_field="slug", queryset=Goal.objects.all(), required=False, allow_null=True, help_text="Slug of a goal."
    )  # type: ignore[assignment] # DRF looks it up by name; Field.parent is set on instances only


class MayKeepGoals(MayGovern):
    """Everybody reads; stewards and administrators write."""

    message = "Only stewards and administrators may change the goals."


class GoalViewSet(viewsets.GenericViewSet[Goal]):
    """Business goals and their use cases, each goal followed by its own."""

    permission_classes = [MayKeepGoals]
    serializer_class = GoalSerializer
    queryset = Goal.objects.all()
    lookup_field = "slug"
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(summary="List goals and use cases", responses=GoalSerializer(many=True))
    def list(self, request: Request) -> Response:
        """All of them. Three queries."""
        rows = [goal for node in goals.tree() for goal in (node.goal, *node.use_cases)]
        return Response(self.get_serializer(rows, many=True).data)

    @extend_schema(summary="One goal or use case")
    def retrieve(self, request: Request, slug: str) -> Response:
        """With the number of products that serve it."""
        return self._answer(self._found(slug))

    @extend_schema(summary="Add a goal or use case", request=NewGoal, responses={201: GoalSerializer})
    def create(self, request: Request) -> Response:
        """For stewards and administrators."""
        given = NewGoal(data=request.data)
        given.is_valid(raise_exception=True)
        goal = goals.create(cast(User, request.user), **given.validated_data)
        return self._answer(goal, status.HTTP_201_CREATED)

    @extend_schema(summary="Change a goal or use case", request=GoalChanges)
    def partial_update(self, request: Request, slug: str) -> Response:
        """For stewards and administrators. Its slug and its place in the tree stay."""
        goal = self._found(slug)
        given = GoalChanges(data=request.data)
        given.is_valid(raise_exception=True)
        kept = {"title": goal.title, "summary": goal.summary, "owner": goal.owner}
        return self._answer(goals.change(cast(User, request.user), goal, **{**kept, **given.validated_data}))

    @extend_schema(
        summary="Remove a goal or use case",
        request=None,
        responses={204: None, 409: OpenApiResponse(description="Use cases or products still hang on it.")},
    )
    def destroy(self, request: Request, slug: str) -> Response:
        """For stewards and administrators."""
        try:
            goals.remove(cast(User, request.user), self._found(slug))
        except InUseError as error:
            raise GoalConflict(error.message) from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _found(self, slug: str) -> Goal:
        goal = goals.by_slug(slug)
        if goal is None:
            raise Http404(f"There is no goal or use case {slug!r}.")
        return goal

    def _answer(self, goal: Goal, code: int = status.HTTP_200_OK) -> Response:
        goal.count = goals.total(goal)
        return Response(self.get_serializer(goal).data, status=code)


class PurposeSerializer(serializers.ModelSerializer[Purpose]):
    """A goal or use case that the product serves, and its measure of success."""

    goal = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    title = serializers.CharField(source="goal.title", read_only=True)
    parent = serializers.SerializerMethodField(help_text="Slug of the goal that the use case stands below.")  # type: ignore[assignment] # DRF looks it up by name

    class Meta:
        model = Purpose
        fields = ["goal", "title", "parent", "hypothesis", "measure", "target"]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_parent(self, purpose: Purpose) -> str | None:
        """None for a goal."""
        return purpose.goal.parent.slug if purpose.goal.parent else None


class PurposesSerializer(serializers.Serializer[Any]):
    """All that a product is for."""

    revision = serializers.IntegerField(help_text="The product's.")
    purposes = PurposeSerializer(many=True)


class PurposeInput(serializers.Serializer[Any]):
    """A goal or use case to name."""

    goal = serializers.CharField(max_length=63, help_text="Slug of a goal or use case of /api/v1/goals/.")
    hypothesis = serializers.CharField(
        max_length=400, required=False, allow_blank=True, default="", help_text="What you believe the product changes."
    )
    measure = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", help_text="What is counted to see it."
    )
    target = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", help_text="The value that would be a success."
    )


class PurposesInput(serializers.Serializer[Any]):
    """All that the product is for, in place of what was said before."""

    purposes = serializers.ListField(child=PurposeInput(), max_length=goals.PURPOSE_LIMIT)
    revision = serializers.IntegerField(
        required=False, min_value=1, help_text="The one you read; given, a change of somebody else since is a conflict."
    )


class PurposesView(APIView):
    """What a product is for."""

    @extend_schema(summary="What a product is for", operation_id="purposes", responses=PurposesSerializer)
    def get(self, request: Request, uuid: Any) -> Response:
        """The goals and use cases it serves, each with hypothesis, measure and target."""
        product = self._product(request, uuid)
        return self._answer(product)

    @extend_schema(
        summary="Say what a product is for",
        operation_id="purposes_put",
        request=PurposesInput,
        responses={200: PurposesSerializer, 409: OpenApiResponse(description="Somebody changed the product since.")},
    )
    def put(self, request: Request, uuid: Any) -> Response:
        """For its owners. Replaces all of them; the same again changes nothing."""
        product = self._product(request, uuid)
        if not access.may_edit(request.user, product):
            raise exceptions.PermissionDenied(f"Only {product.owner.name} may say what this product is for.")
        given = PurposesInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = [PurposeData(**each) for each in given.validated_data["purposes"]]
        try:
            goals.set_purposes(cast(User, request.user), product, wanted, revision=given.validated_data.get("revision"))
        except StaleRevisionError as error:
            raise GoalConflict(error.message) from error
        return self._answer(product)

    def _product(self, request: Request, uuid: Any) -> Product:
        product = queries.products().filter(uuid=uuid).first()
        if product is None or not (product.is_listed or access.may_edit(request.user, product)):
            raise Http404("There is no such data product.")
        return product

    def _answer(self, product: Product) -> Response:
        said = {"revision": product.revision, "purposes": goals.purposes_of(product)}
        return Response(PurposesSerializer(said).data)
