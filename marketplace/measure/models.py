"""What was counted: a row a product and day, and for a while each search. Whose look it was is nowhere here.

`person` is 16 hex digits of SHA-1 over a salt of the day and who asked; the salt is in Redis alone and gone two days
later, so that nobody can be recognised on another day, nor by who reads this table.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from registry.models import Product

PERSON = 16  # hex digits
QUESTION = 500  # characters


class ProductDay(models.Model):
    """A product on one day (UTC). `found`: searches that showed it; `rank_sum`: the ranks they did so at, added up."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    views = models.PositiveIntegerField(default=0)
    viewers = models.PositiveIntegerField(default=0, help_text="Different people that day.")
    found = models.PositiveIntegerField(default=0)
    rank_sum = models.PositiveBigIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0, help_text="Of those searches, those that led to its page.")
    click_rank_sum = models.PositiveBigIntegerField(default=0)
    artifacts = models.PositiveIntegerField(default=0, help_text="Pages of its artifacts that were opened.")
    contracts = models.PositiveIntegerField(default=0, help_text="Pages of its contracts that were opened.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "day"], name="measured_once_a_day")]
        indexes = [models.Index(fields=["day"], name="measured_on")]

    def __str__(self) -> str:
        return f"{self.product_id} on {self.day}"


class Search(models.Model):
    """A question that a person asked on a day: the same list again that day is no other search.

    `hits` are ids of the products that were shown, in order, the first at rank `offset` + 1; 0 stands where a product
    of the asker's own team was. `key` is the list: the normal question, its filters and the page. `near`: slugs of the
    domains that a poor search is nearest to.
    """

    class Source(models.TextChoices):
        PAGE = "page", "Page"
        API = "api", "API"

    day = models.DateField()
    at = models.DateTimeField()
    person = models.CharField(max_length=PERSON)
    source = models.CharField(max_length=4, choices=Source.choices)
    question = models.CharField(max_length=QUESTION, help_text="As it was typed, without what identifies people.")
    normal = models.CharField(max_length=QUESTION)
    key = models.CharField(max_length=32)
    results = models.PositiveIntegerField()
    similarity = models.FloatField(null=True, help_text="Of the nearest product; absent where none was compared.")
    poor = models.BooleanField(default=False)
    offset = models.PositiveIntegerField(default=0)
    hits = ArrayField(models.BigIntegerField(), default=list)
    near = ArrayField(models.CharField(max_length=63), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "person", "key"], name="search_once_a_day")]
        indexes = [
            models.Index(fields=["day"], name="searched_on"),
            GinIndex(fields=["hits"], name="search_by_hit"),
            GinIndex(fields=["near"], name="poor_search_near", condition=Q(poor=True)),
        ]

    def __str__(self) -> str:
        return f"{self.question!r} on {self.day}"


class SearchClick(models.Model):
    """A hit that its asker went to."""

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="clicks")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    rank = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["search", "product"], name="click_once")]

    def __str__(self) -> str:
        return f"{self.product_id} at rank {self.rank}"


class Viewer(models.Model):
    """Who saw a product today, so that each counts once; forgotten two days later."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    person = models.CharField(max_length=PERSON)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "product", "person"], name="viewer_once")]

    def __str__(self) -> str:
        return f"{self.product_id} on {self.day}"


class Batch(models.Model):
    """A batch of the buffer that was counted, so that it never counts twice; forgotten two days later."""

    token = models.CharField(max_length=32, unique=True)
    day = models.DateField(auto_now_add=True)

    def __str__(self) -> str:
        return self.token
