"""People, the teams they work in, and what they may do for the whole mesh."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from knox.models import AbstractAuthToken


class Role(models.TextChoices):
    """What a person may do beyond finding and consuming, which everybody may."""

    PRODUCER = "producer", "Producer"
    STEWARD = "steward", "Steward"
    ADMIN = "admin", "Administrator"


class User(AbstractUser):
    """A person. Signed in, one is a consumer; roles add to that."""

    email = models.EmailField("email address", unique=True)
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), default=list, blank=True)
    is_demo = models.BooleanField(
        default=False, help_text="Its password is public: it may sign in only while the demo is on."
    )
    service_of = models.OneToOneField(
        "Team", null=True, blank=True, on_delete=models.CASCADE, related_name="service_account",
        help_text="The team whose programs act by this account. It is no person and cannot sign in.",
    )  # fmt: skip

    def has_role(self, role: Role) -> bool:
        """Whether the person holds the role; an administrator holds them all."""
        return self.is_superuser or role in self.roles or Role.ADMIN in self.roles

    @property
    def display_name(self) -> str:
        """The full name where one is given, else the user name."""
        return self.get_full_name() or self.username


class Team(models.Model):
    """Who owns data products. A person without a team gets one of their own with the first product."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class ApiToken(AbstractAuthToken):
    """A key with which a program acts over the REST API: as a person, or for a team by the team's service account.

    Only its SHA-512 is kept (`digest`), and its first 15 characters (`token_key`) to tell it from others.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    last_used = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    made_by = models.CharField(max_length=150, blank=True, help_text="User name of who made it for a team.")
    is_demo = models.BooleanField(default=False, help_text="Made for a team by a demo account; works as that does.")

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user}"

    @property
    def prefix(self) -> str:
        """The first characters, as people see them where a token is listed."""
        return str(self.token_key)[:10]

    @property
    def team(self) -> Team | None:
        """The team that it acts for; None for a person's. Reads the user."""
        return self.user.service_of

    @property
    def has_expired(self) -> bool:
        """Whether its lifetime is over."""
        return self.expiry is not None and self.expiry <= timezone.now()
