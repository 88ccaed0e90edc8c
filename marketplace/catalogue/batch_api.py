"""Many products in one request: each is put as a whole or refused, and the same request again changes nothing."""

from functools import partial
from typing import Any, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts.models import User
from marketplace.catalogue.serializers import NewProduct, product_data
from registry import events
from registry.models import Lifecycle
from registry.putting import put

MOST = 500
RESULTS = ("created", "updated", "unchanged", "refused")


class BatchInput(serializers.Serializer[Any]):
    """Products to put. An item that does not fit is refused by itself; the others are done."""

    products = serializers.ListField(
        child=serializers.JSONField(allow_null=True),
        min_length=1,
        max_length=MOST,
        help_text="Each as for POST /products/, with all its fields: domain, name, title and summary are needed.",
    )
    publish = serializers.BooleanField(default=True, help_text="Lists drafts; false leaves new products drafts.")
    dry_run = serializers.BooleanField(default=False, help_text="Says what would be done, and does nothing.")


class BatchSchema(BatchInput):
    """The same for the schema, where the items have a shape."""

    products = NewProduct(many=True)  # type: ignore[assignment]


class BatchChangeSerializer(serializers.Serializer[Any]):
    """One field that differs."""

    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class ItemSerializer(serializers.Serializer[Any]):
    """What was done with one product of the request."""

    index = serializers.IntegerField(help_text="Its place in the request, from 0.")
    urn = serializers.CharField(allow_null=True, help_text="Null where the item names no address.")
    result = serializers.ChoiceField(choices=RESULTS)
    lifecycle = serializers.ChoiceField(choices=Lifecycle.choices, allow_null=True)
    url = serializers.URLField(allow_null=True, help_text="The product's page.")
    changes = BatchChangeSerializer(many=True)
    errors = serializers.DictField(  # type: ignore[assignment] # DRF takes fields out of the class
        child=serializers.ListField(child=serializers.CharField()), help_text="By field, where it was refused."
    )


class BatchSerializer(serializers.Serializer[Any]):
    """What was done, item by item in the order of the request, and how many of each."""

    dry_run = serializers.BooleanField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = ItemSerializer(many=True)


class BatchView(APIView):
    """Registering and changing many products."""

    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="products_batch",
        tags=["products"],
        summary="Register, change and publish many products",
        request=BatchSchema,
        responses={200: BatchSerializer, 413: OpenApiResponse(description="Longer than 512 kB: send fewer at a time")},
    )
    def post(self, request: Request) -> Response:
        """Each product is registered, changed or left as it is, in a transaction of its own.

        A lost connection half way leaves whole products only; send the same again. Some 15 ms a product.
        """
        given = BatchInput(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        options = {key: data[key] for key in ("publish", "dry_run")}
        seen: dict[tuple[str, str], int] = {}
        with events.woken_once():
            results = [_item(request, index, entry, seen, options) for index, entry in enumerate(data["products"])]
        counts = {result: sum(row["result"] == result for row in results) for result in RESULTS}
        return Response(BatchSerializer({"dry_run": data["dry_run"], **counts, "results": results}).data)


def _item(
    request: Request, index: int, entry: Any, seen: dict[tuple[str, str], int], options: dict[str, bool]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "index": index, "urn": None, "result": "refused", "lifecycle": None, "url": None, "changes": [], "errors": {},
    }  # fmt: skip
    try:
        wanted = _checked(entry)
        address = wanted["domain"], wanted["name"]
        row["urn"] = "urn:dp:{}:{}".format(*address)
        if seen.setdefault(address, index) != index:
            raise ValidationError({"name": f"Item {seen[address]} of this request is {row['urn']} too. Name it once."})
        done = put(
            cast(User, request.user), address, partial(product_data, wanted), owner=wanted.get("owner", ""), **options
        )
    except ValidationError as error:
        row["errors"] = error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
    except exceptions.ValidationError as error:
        row["errors"] = {key: _texts(value) for key, value in cast(dict[str, Any], error.detail).items()}
    except PermissionDenied as error:
        row["errors"] = {"non_field_errors": [str(error)]}
    else:
        row["result"], row["lifecycle"] = done.result, done.product.lifecycle
        row["url"] = request.build_absolute_uri(reverse("catalogue:product", args=address))
        row["changes"] = [
            {"field": key, "before": before, "after": after} for key, (before, after) in done.changes.items()
        ]
    return row


def _checked(entry: Any) -> dict[str, Any]:
    """The item as NewProduct reads it. Raises DRF's ValidationError, also for fields that nobody would read."""
    serializer = NewProduct(data=entry)
    problems: dict[str, Any] = {}
    if isinstance(entry, dict):
        for key in sorted(set(map(str, entry)) - set(serializer.fields))[:5]:
            known = ", ".join(serializer.fields)
            problems[key[:60]] = [f"There is no such field. The fields are {known}."]
    if not serializer.is_valid():
        problems.update(serializer.errors)
    if problems:
        raise exceptions.ValidationError(problems)
    return dict(serializer.validated_data)


def _texts(value: Any) -> list[str]:
    """DRF's nested errors, of lists of links for example, as sentences."""
    if isinstance(value, dict):
        return [f"{key}: {text}" for key, inner in value.items() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [str(value)]
