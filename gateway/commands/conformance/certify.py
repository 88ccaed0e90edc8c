"""Level `certifiable`: the product's own account of the policies it was given."""

from gateway.commands.conformance.examination import Examination
from gateway.commands.conformance.observe import refuses_nonsense
from gateway.protocol import MEDIA_JSON, CertificationReport, CertificationStatus


def certifiable(found: Examination) -> None:
    """Everything under /certify."""
    found.level = "certifiable"
    status = _answered(found, "status", "/certify/status", CertificationStatus)
    report = _answered(found, "report", "/certify/report", CertificationReport)
    if isinstance(report, CertificationReport):
        met = all(policy.met for policy in report.policies)
        fits = (report.status == "OK") == met
        seen = f"{report.status}, {sum(policy.met for policy in report.policies)} of {len(report.policies)} met"
        found.expect("the report is OK when all policies are met and only then", fits, "so", seen)
        own = found.index.id if found.index else None
        found.expect("the report names its product", report.product_id == own, f"productId {own}", report.product_id)
        evidence = all(policy.message for policy in report.policies)
        found.expect("each policy has a message", evidence, "a message each", "so" if evidence else "some have none")
        if isinstance(status, CertificationStatus):
            counts = f"{report.status}, {len(report.policies)} policies"
            same = (status.status, status.policies) == (report.status, len(report.policies))
            found.expect("status and report agree", same, counts, f"{status.status}, {status.policies} policies")
    url = found.place("certification-subscriptions", "/certify/subscriptions")
    if url is not None:
        refuses_nonsense(found, "subscribing to thresholds", url)


def _answered(
    found: Examination, what: str, path: str, model: type[CertificationStatus] | type[CertificationReport]
) -> CertificationStatus | CertificationReport | None:
    url = found.place(f"certification-{what}", path)
    if url is None:
        return None
    answer = found.asker.ask(url, token=found.token)
    if answer.status == 401 and not found.token:
        found.challenge(f"the certification {what} needs a grant", answer)
        return None
    return found.document(f"the certification {what}", answer, model, MEDIA_JSON)
