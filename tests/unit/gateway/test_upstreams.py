"""Is an upstream that Envoy would refuse named before it is published?"""

from dataclasses import replace
from pathlib import Path

import pytest

from headgate.gateway.upstreams import upstream_mistakes
from headgate.model.snapshot import (
    HealthCheck,
    OutlierEjection,
    Upstream,
    UpstreamHost,
    UpstreamTLS,
)
from tests.support.certificates import Authority

GOOD = Upstream((UpstreamHost("api.example", 443),))


def at(host: str = "a", port: int = 80, weight: int = 1) -> Upstream:
    return replace(GOOD, hosts=(UpstreamHost("ok", 1), UpstreamHost(host, port, weight)))


@pytest.mark.parametrize(
    ("upstream", "place"),
    [
        (replace(GOOD, hosts=()), "hosts"),
        (at("no such name"), "hosts/1/host"),
        (at("10.0.0.300"), "hosts/1/host"),
        (at("http://a"), "hosts/1/host"),
        (at(""), "hosts/1/host"),
        (at(port=0), "hosts/1/port"),
        (at(port=65_536), "hosts/1/port"),
        (at(weight=0), "hosts/1/weight"),
        (replace(GOOD, path_prefix="v2"), "path_prefix"),
        (replace(GOOD, connect_timeout_seconds=0), "connect_timeout_seconds"),
        (replace(GOOD, timeout_seconds=-1), "timeout_seconds"),
        (replace(GOOD, retries_max=11), "retries_max"),
        (replace(GOOD, connections_max=0), "connections_max"),
        (replace(GOOD, tls=UpstreamTLS(ca_pem="not a certificate")), "tls/ca_pem"),
        (replace(GOOD, tls=UpstreamTLS(server_name="a b")), "tls/server_name"),
        (replace(GOOD, health_check=HealthCheck("health")), "health_check/path"),
        (
            replace(GOOD, health_check=HealthCheck("/", interval_seconds=0)),
            "health_check/interval_seconds",
        ),
        (
            replace(GOOD, outlier_ejection=OutlierEjection(ejected_percent_max=101)),
            "outlier_ejection/ejected_percent_max",
        ),
    ],
)
def test_what_envoy_would_refuse_is_named_where_it_stands(upstream: Upstream, place: str) -> None:
    assert [one.pointer for one in upstream_mistakes(upstream, "/u")] == [f"/u/{place}"]


@pytest.mark.parametrize(
    "host", ["api.example", "localhost", "my_service", "10.0.0.3", "::1", "[2001:db8::1]", "a.b."]
)
def test_names_and_addresses_are_taken(host: str) -> None:
    assert upstream_mistakes(at(host), "/u") == []


def test_a_whole_upstream_is_taken(tmp_path: Path) -> None:
    tls = UpstreamTLS("api.example", Authority(tmp_path).pem)
    whole = replace(GOOD, tls=tls, path_prefix="/v2", health_check=HealthCheck("/health"))
    assert upstream_mistakes(replace(whole, timeout_seconds=0), "/u") == []
