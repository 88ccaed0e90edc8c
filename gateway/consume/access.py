"""Who may have what of an artifact."""

import hashlib
import ipaddress
import json
import secrets
import time
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gateway.config import DEFAULT_ROLE, RoleRules
from gateway.consume.jobs import Job, collect
from gateway.consume.slots import QUERIES
from gateway.context import Context, context_of
from gateway.grants import Grant, grant_of, require
from gateway.http import ProblemError
from gateway.product import PortArtifact, custom
from gateway.protocol import MAX_SAMPLE_ROWS
from gateway.samples import MAX_SAMPLE_BYTES, DataError, Rows, row_size
from gateway.sources import Source, source_of

SALT = "mask.salt"


@dataclass(frozen=True)
class Caller:
    """Who asks, for which artifact, and what that role sees: `rules` is None when it sees all as stored."""

    context: Context
    entry: PortArtifact
    source: Source
    grant: Grant | None
    rules: RoleRules | None
    share: str
    """Whose share of the places this takes, as `share_of` says."""

    @property
    def name(self) -> str | None:
        """The consumer; None for somebody without a token."""
        return self.grant.subject if self.grant else None

    @property
    def salt(self) -> str:
        """What `hash` masks of this gateway are salted with."""
        return salt_of(self.context)

    def record(self, action: str, status: int = 200, rows: int | None = None, size: int | None = None) -> None:
        """Write the access to the access log. Blocks nobody."""
        grant = self.grant
        self.context.log.record(
            consumer=self.name,
            role=grant.role if grant else None,
            agreement=grant.agreement if grant else None,
            artifact=self.entry.artifact.id,
            action=action,
            status=status,
            rows=rows,
            size=size,
        )


def salt_of(context: Context) -> str:
    """What `hash` masks are salted with: made once, kept in the gateway's state, never sent."""
    found = context.state.get(SALT)
    if found is None:
        found = context.state.settle(SALT, secrets.token_hex(16))
    return str(found)


def share_of(request: Request, grant: Grant | None) -> str:
    """Who shares places and quotas with whom: the subject of a grant, else the address the request comes from.

    All of an IPv6 network of 64 bits is one: that is the least that anybody is given.
    """
    if grant is not None:
        return f"sub {grant.issuer} {grant.subject}"
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"from {host}"
    return f"from {ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address}"


def owner_of(context: Context, share: str) -> str:
    """A share as it is kept with what it owns: no address is written down."""
    return hashlib.sha256(f"{salt_of(context)} {share}".encode()).hexdigest()[:32]


def artifact_of(context: Context, own_id: str) -> PortArtifact:
    """The artifact with this id. Raises ProblemError 404."""
    entry = context.live.snapshot.product.artifacts.get(own_id)
    if entry is None:
        detail = f"This product has no artifact '{own_id[:200]}'."
        raise ProblemError(404, "No such artifact", detail, "See /discover/artifacts for what there is.")
    return entry


def roles_of(context: Context, entry: PortArtifact) -> dict[str, RoleRules]:
    """What each role sees: gateway.yaml, else the contract's `roles` with custom properties `mask` and `filter`.

    Raises:
        ProblemError: 503 when a rule in the contract cannot be understood: nothing is given out then.
    """
    own = context.config.artifact(entry.artifact.name, entry.artifact.id)
    if own.roles:
        return own.roles
    found = {}
    for role in (entry.artifact.contract or {}).get("roles") or []:
        rules = {name: custom(role, name) for name in ("mask", "filter")}
        if any(value is not None for value in rules.values()):
            try:
                found[role["role"]] = RoleRules.model_validate({k: v for k, v in rules.items() if v is not None})
            except ValueError as error:
                detail = f"The contract's rules for the role '{role['role'][:80]}' cannot be understood."
                raise ProblemError(503, "Rules not clear", detail, "Tell the owner of the product.") from error
    return found


def rules_for(context: Context, entry: PortArtifact, role: str | None) -> RoleRules | None:
    """What this role sees of an artifact; None for all of it.

    Raises:
        ProblemError: 403 when the artifact has rules and none of them is for this role.
    """
    roles = roles_of(context, entry)
    if not roles:
        return None
    rules = roles.get(role or DEFAULT_ROLE) or roles.get(DEFAULT_ROLE)
    if rules is None or rules.deny:
        who = f"The role '{role[:80]}'" if role else "A caller without a role"
        detail = f"{who} may not see '{entry.artifact.name}'."
        raise ProblemError(403, "Not allowed", detail, "Ask for access in the marketplace, with a role that may.")
    return rules if rules.mask or rules.filter else None


async def admitted(request: Request, entry: PortArtifact, action: str) -> tuple[Grant | None, RoleRules | None]:
    """The grant of a request for an artifact's data, and what its role sees of it.

    An open artifact needs no token, but one sent must be valid; it counts for its role only where its scope is for
    this artifact. Any other artifact needs a token with the scope `consume` or `consume:<id>`.

    Raises:
        ProblemError: 401, 403 not allowed, also written to the access log; 503 rules or keys cannot be had.
    """
    context = context_of(request)
    scope = f"consume:{entry.artifact.id}"
    grant = None
    try:
        grant = await grant_of(request)
        allowed = grant is not None and grant.allows(scope)
        if not allowed and entry.artifact.access_rights != "open":
            await require(request, scope)  # says what is missing
        return grant, rules_for(context, entry, grant.role if grant and allowed else None)
    except ProblemError as error:
        if error.problem.status in (401, 403):
            context.log.record(
                consumer=grant.subject if grant else None, role=grant.role if grant else None,
                agreement=grant.agreement if grant else None, artifact=entry.artifact.id,
                action=action, status=error.problem.status,
            )  # fmt: skip
        raise


def record_sample(context: Context, entry: PortArtifact, grant: Grant | None, rows: int) -> None:
    """Write a sample that was given to the access log. Blocks nobody."""
    context.log.record(
        consumer=grant.subject if grant else None, role=grant.role if grant else None,
        agreement=grant.agreement if grant else None, artifact=entry.artifact.id, action="sample", status=200,
        rows=rows,
    )  # fmt: skip


async def authorise(request: Request, action: str) -> Caller:
    """Who asks for the artifact in the path, if they may. An open artifact needs no token, but one sent must be valid.

    Raises:
        ProblemError: 404 no such artifact or nothing to give; 503 paused; 401, 403 not allowed. Refusals for want of
            rights are in the access log.
    """
    context = context_of(request)
    await context.refresh()
    entry = artifact_of(context, request.path_params["id"])
    context.control.refuse_when_paused()
    grant, rules = await admitted(request, entry, action)
    source = source_of(context.live.snapshot.product, entry)
    if source is None:
        detail = f"'{entry.artifact.name}' has no data that this gateway could give."
        raise ProblemError(404, "No data here", detail, "See the artifact's contract for how to get at it.")
    if rules and not source.tabular:
        detail = f"'{entry.artifact.name}' has rules for your role, and its format cannot be filtered."
        raise ProblemError(403, "Cannot be filtered", detail, "Ask for access with a role that sees all of it.")
    return Caller(context, entry, source, grant, rules, share_of(request, grant))


async def sample_as(context: Context, entry: PortArtifact, rules: RoleRules | None, share: str) -> Rows:
    """Up to 100 first rows as a role may see them, or of a source that is not one file.

    Read once for each state of the documents and files, for 60 seconds at most where the source is elsewhere.

    Args:
        share: whose place it takes, where it must be read.

    Raises:
        ProblemError: 403 the format cannot be filtered, 404 no rows to show, 429 and 503 too many others, 503 the
            data cannot be read.
    """
    snapshot = context.live.snapshot
    source = await run_in_threadpool(source_of, snapshot.product, entry)
    if source is None or not source.tabular:
        status, title = (403, "Cannot be filtered") if rules and source else (404, "No sample")
        detail = f"'{entry.artifact.name}' has no rows that could be shown to you."
        raise ProblemError(status, title, detail, "See the artifact's contract for how to get at the data.")
    turn = 0 if source.type == "file" else int(time.monotonic() / 60)
    key = f"{entry.artifact.id} {rules.model_dump_json() if rules else ''} {turn}"
    if key not in snapshot.samples:
        async with QUERIES.turn(share, context.config.limits):
            if key not in snapshot.samples:  # somebody before had it read
                rows = await run_in_threadpool(_read_sample, context, entry, source, rules)
                for old in [k for k in list(snapshot.samples) if k.startswith(f"{entry.artifact.id} ")][:-20]:
                    snapshot.samples.pop(old, None)
                snapshot.samples[key] = rows
    return snapshot.samples[key]


def _read_sample(context: Context, entry: PortArtifact, source: Source, rules: RoleRules | None) -> Rows:
    limits = context.config.limits
    job = Job(
        source, entry.artifact.name, "rows", limits, salt_of(context), limits.query_seconds, rules,
        limit=MAX_SAMPLE_ROWS, max_bytes=MAX_SAMPLE_BYTES,
    )  # fmt: skip
    head, body, closing = collect(job)
    try:
        rows = [json.loads(line) for line in body.splitlines()]
        for row in rows:
            row_size(row)
    except (ValueError, RecursionError) as error:
        raise DataError(f"'{entry.artifact.name}' has rows that are nested more deeply than can be sent") from error
    return Rows(head["columns"], rows, closing["truncated"])
