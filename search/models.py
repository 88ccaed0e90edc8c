"""What is searched: one row a listed product, made from the registry alone, and made again from it at any time."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper
from pgvector.django import HalfVectorField, HnswIndex

from registry.models import Product

DIMENSION = 384
PLAIN = RegexValidator(r"^\w[\w .,&/'’()+–-]*$", "Use letters, digits, spaces and . , & / ' ( ) + – - only.")


class Document(models.Model):
    """A listed product as search sees it. What filters ask stands in the same row, to work inside the vector search."""

    product = models.OneToOneField(Product, primary_key=True, on_delete=models.CASCADE, related_name="document")
    title_key = models.TextField(
        help_text="The title's words in small letters, for exact titles and beginnings of titles."
    )
    text = SearchVectorField(help_text="Title and name A, tags B, summary C.")
    embedding = HalfVectorField(
        dimensions=DIMENSION, null=True, help_text="Unit length; absent until the embedder has been."
    )
    model = models.CharField(max_length=200, blank=True, help_text="The name of the model that made the vector.")
    content_hash = models.CharField(max_length=32, help_text="MD5 of the words that are to be embedded.")
    embedded_hash = models.CharField(max_length=32, blank=True, help_text="MD5 of the words that were embedded.")
    domains = ArrayField(
        models.CharField(max_length=63), help_text="Slugs from the root of the tree down to the product's domain."
    )
    tags = ArrayField(models.CharField(max_length=63), default=list)
    type = models.CharField(max_length=20, blank=True)
    access_mode = models.CharField(max_length=12)
    lifecycle = models.CharField(max_length=12)
    owner = models.CharField(max_length=63, default="", help_text="Slug of the team.")
    changed_at = models.DateTimeField(
        db_default=Now(), help_text="When the content changed; the embedder takes the newest first."
    )

    class Meta:
        indexes = [
            models.Index(fields=["title_key"], opclasses=["text_pattern_ops"], name="search_title"),
            GinIndex(fields=["text"], name="search_text"),
            GinIndex(fields=["tags"], name="search_tags"),
            GinIndex(fields=["domains"], name="search_domains"),
            # pgvector's own defaults, written down because the figures were measured with them.
            HnswIndex(
                fields=["embedding"], name="search_meaning", m=16, ef_construction=64, opclasses=["halfvec_cosine_ops"]
            ),
            models.Index(fields=["-changed_at"], name="search_stale", condition=~Q(embedded_hash=F("content_hash"))),
            models.Index(fields=["model"], name="search_model"),
        ]

    def __str__(self) -> str:
        return self.title_key


class Word(models.Model):
    """A word of listed products, in small letters, so that a misspelt one is noticed. Made again from the registry."""

    word = models.CharField(max_length=40, primary_key=True)
    stem = models.CharField(max_length=40, help_text="As full text search has it.")
    products = models.PositiveIntegerField(help_text="How many have it.")

    class Meta:
        indexes = [models.Index(fields=["stem"], name="search_word_stem")]

    def __str__(self) -> str:
        return self.word


class Abbreviation(models.Model):
    """What the field abbreviates: GHCN, and Global Historical Climatology Network."""

    short = models.CharField("abbreviation", max_length=30, validators=[PLAIN])
    long = models.CharField("stands for", max_length=120, validators=[PLAIN])

    class Meta:
        ordering = ["short"]
        constraints = [models.UniqueConstraint(Upper("short"), name="abbreviation_once")]

    def __str__(self) -> str:
        return f"{self.short}: {self.long}"
