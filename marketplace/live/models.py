"""The one thing that the window remembers for good: how a contract looked when it was last seen, as a fingerprint."""

from django.db import models

from registry.models import Product


class ContractPrint(models.Model):
    """A contract of a product, as last shown. Nothing of its text is here: an id, versions, fingerprints.

    `prints`: version to fingerprint, of the versions seen. `generation`: of the reading that made them; fingerprints of
    another one say nothing. `told`: events in the day that began at `told_since`; `untold`: changes that went without.
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="contract_prints")
    contract = models.CharField(max_length=200)
    version = models.CharField(max_length=100, blank=True)
    prints = models.JSONField(default=dict)
    generation = models.CharField(max_length=16, blank=True)
    asked_at = models.FloatField(default=0)
    changed_at = models.FloatField(default=0)
    told_since = models.FloatField(default=0)
    told = models.PositiveIntegerField(default=0)
    untold = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["product", "contract"], name="contract_print_once")]

    def __str__(self) -> str:
        return f"{self.contract} {self.version}"
