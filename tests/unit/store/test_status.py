"""Does the state of the whole say what is wrong, and what to do about it?"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from headgate.model.node import EnvoyState
from headgate.model.snapshot import UpstreamTLS
from headgate.store.services import feed, status
from headgate.store.services.actor import Actor
from headgate.store.services.catalog import apis
from headgate.store.services.gateway import nodes, publishing
from headgate.store.services.status import ACCESS_BEHIND_MAX, Severity
from tests.support.store import AT, REPORT, UPSTREAM, import_api


def _about_the_node(admin: Actor) -> list[status.Finding]:
    return [found for found in status.overview(admin).findings if "'local'" in found.what]


def test_status_says_what_is_wrong_and_what_to_do(admin: Actor, node: Actor) -> None:
    assert "has never reported" in status.overview(admin).findings[0].what
    bad = replace(
        REPORT,
        envoy_state=EnvoyState.DOWN,
        revision_seen=1,
        revision_error="no such host",
        spool_bytes=2 * 1024**3,
        problems=("The disk is full. Free some space.",),
    )
    nodes.report(node, bad)
    findings = _about_the_node(admin)
    assert len(findings) == 4
    text = " ".join(f"{finding.what} {finding.next_step}" for finding in findings)
    for words in ("Envoy is down", "no such host", "publish again", "wait on the node", "disk"):
        assert words in text
    nodes.report(node, REPORT)
    assert _about_the_node(admin) == []


def test_what_the_node_says_itself_is_said_once(admin: Actor, node: Actor) -> None:
    sentence = "Revision 1 is refused by Envoy: no such host. Correct it and publish again."
    said = replace(REPORT, revision_seen=1, revision_error="no such host", problems=(sentence,))
    nodes.report(node, said)
    (found,) = _about_the_node(admin)
    assert sentence in found.what


def test_counts_of_the_past_are_no_present_trouble(admin: Actor, node: Actor) -> None:
    nodes.report(node, replace(REPORT, log_write_failures=2, table_dropped=1, clock_steps=1))
    assert _about_the_node(admin) == []


def test_a_node_far_behind_the_access_rows_is_named(admin: Actor, node: Actor) -> None:
    feed.next_sequence(ACCESS_BEHIND_MAX)
    last = feed.last_sequence()
    nodes.report(node, replace(REPORT, access_sequence=last - ACCESS_BEHIND_MAX))
    assert _about_the_node(admin) == []
    feed.next_sequence()
    (found,) = _about_the_node(admin)
    assert "10,001 access changes behind" in found.what
    assert found.severity is Severity.WARNING


def test_status_finds_a_node_behind_its_gateway(admin: Actor, node: Actor) -> None:
    nodes.report(node, REPORT)
    import_api(admin)
    publishing.publish(admin, "pets")
    assert not [f for f in status.overview(admin).findings if "serves revision" in f.what]
    later = AT + timedelta(seconds=15)
    (found,) = [
        f for f in status.overview(admin.later(later)).findings if "serves revision" in f.what
    ]
    assert found.severity is Severity.ERROR
    later = AT + timedelta(minutes=5)
    bad = replace(REPORT, problems=("The disk is full.",))
    nodes.report(node, bad)
    told = str(status.overview(admin.later(later)).findings)
    assert "silent for 300 s" in told
    assert "The disk is full" not in told  # old words of a silent node are not repeated


def certificate(ends_at: datetime) -> str:
    """A self-signed certificate that is valid until then, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "upstream.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(AT - timedelta(days=365)).not_valid_after(ends_at)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("days", "severities"), [(-1, [Severity.ERROR]), (7, [Severity.WARNING]), (60, [])]
)
def test_a_certificate_that_ends_is_named_in_time(
    admin: Actor, days: int, severities: list[Severity]
) -> None:
    import_api(admin)
    tls = UpstreamTLS(ca_pem=certificate(AT + timedelta(days=days)))
    apis.update(admin, "pets", upstream=replace(UPSTREAM, tls=tls))
    found = [f for f in status.overview(admin).findings if "certificate" in f.what]
    assert [finding.severity for finding in found] == severities
