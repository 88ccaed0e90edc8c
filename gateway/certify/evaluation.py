"""Judges policies on what is known of a product, with evidence. Nothing that was not measured is ever met."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch
from typing import Any

from gateway.certify.policies import (
    ContractMet,
    Contracts,
    ContractVersion,
    Freshness,
    HealthIs,
    Policy,
    Quality,
    Stated,
)
from gateway.freshness import age_of, allowed_age
from gateway.product import Product, version_key
from gateway.protocol import Health, ObservabilityResults, PolicyResult
from gateway.quality.results import newest_ages, quality_of


@dataclass(frozen=True)
class Facts:
    """What policies are judged on."""

    product: Product
    health: Health
    results: ObservabilityResults
    now: datetime


Judgement = tuple[bool, str, dict[str, Any]]
"""Whether it is met, a sentence for people, the evidence."""


@singledispatch
def judge(policy: Any, facts: Facts) -> Judgement:
    """Judge one policy."""
    raise TypeError(f"no way is known to judge a {type(policy).__name__}")


@judge.register
def _(policy: Quality, facts: Facts) -> Judgement:
    counts = Counter(result.status for result in facts.results.results if result.type == "check")
    ratio = quality_of(facts.results)
    evidence: dict[str, Any] = {
        "resultsId": facts.results.id,
        "observedAt": facts.results.observed_at.isoformat(),
        "byStatus": dict(counts),
    }
    if ratio is None:
        return False, "No rule was evaluated yet.", evidence
    text = f"{ratio:.1%} of the rules pass; at least {policy.at_least:.1%} must."
    return ratio >= policy.at_least, text, {**evidence, "ratio": ratio}


@judge.register
def _(policy: ContractMet, facts: Facts) -> Judgement:
    broken = [
        result for result in facts.results.results if result.type == "check" and result.status in ("fail", "error")
    ]
    evidence = {"resultsId": facts.results.id, "broken": [result.id for result in broken[:20]]}
    if quality_of(facts.results) is None:
        return False, "No rule was evaluated yet.", evidence
    text = f"{len(broken)} rules are not met." if broken else "All rules that were evaluated are met."
    return not broken, text, evidence


@judge.register
def _(policy: Contracts, facts: Facts) -> Judgement:
    entries = facts.product.artifacts.values()
    without = [entry.artifact.name for entry in entries if entry.artifact.contract is None]
    evidence = {"outputPorts": len(entries), "without": without}
    text = f"No contract for: {', '.join(without)}." if without else "Every output port has a contract."
    return not without and bool(entries), text if entries else "There is no output port.", evidence


@judge.register
def _(policy: ContractVersion, facts: Facts) -> Judgement:
    versions = sorted(facts.product.contracts.get(policy.contract_id, {}), key=version_key)
    evidence = {"contractId": policy.contract_id, "versions": versions}
    if not versions:
        return False, f"There is no contract {policy.contract_id}.", evidence
    met = policy.at_least is None or version_key(versions[-1]) >= version_key(policy.at_least)
    wanted = f"; at least {policy.at_least} is asked for" if policy.at_least else ""
    return met, f"Contract {policy.contract_id} is here in version {versions[-1]}{wanted}.", evidence


@judge.register
def _(policy: Freshness, facts: Facts) -> Judgement:
    ages: dict[str, dict[str, float | None]] = {}
    old, unknown = [], []
    newest = newest_ages(facts.results, facts.now)
    for entry in facts.product.artifacts.values():
        for column, seconds, most in newest.get(entry.artifact.id, ()):
            most = policy.within.total_seconds() if policy.within else most
            name = f"{entry.artifact.name} ({column})"
            ages[name] = {"ageSeconds": seconds, "allowedSeconds": most}
            if seconds > most:
                old.append(name)
        allowed = allowed_age(entry.artifact.contract)
        limit = policy.within or (allowed.age if allowed else None)
        if limit is None or (policy.within and entry.artifact.id in newest):
            continue
        updated = entry.artifact.updated
        age = age_of(updated, facts.now) if updated else None
        ages[entry.artifact.name] = {"ageSeconds": age, "allowedSeconds": limit.total_seconds()}
        if age is None:
            unknown.append(entry.artifact.name)
        elif age > limit.total_seconds():
            old.append(entry.artifact.name)
    if old or unknown:
        parts = [f"Too old: {', '.join(old)}."] if old else []
        parts += [f"Age unknown: {', '.join(unknown)}."] if unknown else []
        return False, " ".join(parts), {"artifacts": ages}
    text = f"All {len(ages)} are fresh." if ages else "No contract promises an age."
    return True, text, {"artifacts": ages}


@judge.register
def _(policy: HealthIs, facts: Facts) -> Judgement:
    evidence = {"status": facts.health.status, "output": facts.health.output}
    return facts.health.status in policy.allow, f"Health is {facts.health.status}.", evidence


@judge.register
def _(policy: Stated, facts: Facts) -> Judgement:
    missing = {
        entry.artifact.name: absent
        for entry in facts.product.artifacts.values()
        if (absent := [f for f in policy.fields if not entry.artifact.model_dump(by_alias=True).get(f)])
    }
    text = "; ".join(f"{name} does not say its {', '.join(what)}" for name, what in missing.items())
    return not missing, f"{text}." if text else "Every artifact says so.", {"missing": missing}


def evaluate(policies: Sequence[Policy], facts: Facts) -> list[PolicyResult]:
    """Each policy with its result, in order. Ids are unique: the given one, else the check and a number."""
    found = []
    seen: Counter[str] = Counter()
    for policy in policies:
        key = policy.id or policy.check.replace(" ", "-")
        seen[key] += 1
        met, message, evidence = judge(policy, facts)
        found.append(
            PolicyResult(
                id=key if seen[key] == 1 else f"{key}-{seen[key]}",
                name=policy.name or policy.description or key,
                met=met,
                message=message,
                evidence=evidence,
            )
        )
    return found
