"""Can Envoy be told to reach this upstream? What it would refuse is named here, before publishing.

Envoy refuses the whole set of upstreams for one that is malformed, so none may reach it.
Whether a name resolves and somebody answers is for whoever publishes to try.
"""

import re
from ipaddress import ip_address

from cryptography.x509 import load_pem_x509_certificates

from headgate.core.problems import Detail
from headgate.gateway.secrets import without_references
from headgate.model.snapshot import Upstream, UpstreamHost

HOSTS_MAX = 128
WEIGHT_MAX = 128
PORT_MAX = 65_535
SECONDS_MAX = 86_400.0
RETRIES_MAX = 10
COUNT_MAX = 1_000_000  # connections and waiting requests
CHECK_SECONDS_MIN = 0.05  # below, checks are a load of their own
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*\.?")


def upstream_mistakes(upstream: Upstream, pointer: str) -> list[Detail]:
    """Everything in `upstream` that Envoy would not take; `pointer` leads to it."""
    found = [Detail(message, f"{pointer}/{place}") for place, message in _limits(upstream)]
    if not 1 <= len(upstream.hosts) <= HOSTS_MAX:
        found.append(Detail(f"an upstream has 1 to {HOSTS_MAX} hosts", f"{pointer}/hosts"))
    for index, host in enumerate(upstream.hosts):
        found += _host_mistakes(host, f"{pointer}/hosts/{index}")
    prefix = upstream.path_prefix
    if prefix and (not prefix.startswith("/") or set("?#{}") & set(without_references(prefix))):
        message = f"{prefix!r} is not a path prefix; write it like /v2"
        found.append(Detail(message, f"{pointer}/path_prefix"))
    if upstream.tls and upstream.tls.ca_pem and not _is_pem(upstream.tls.ca_pem):
        message = "no certificate in PEM form; it begins with -----BEGIN CERTIFICATE-----"
        found.append(Detail(message, f"{pointer}/tls/ca_pem"))
    if upstream.tls and upstream.tls.server_name and not _is_host(upstream.tls.server_name):
        message = f"{upstream.tls.server_name!r} is not the name of a server"
        found.append(Detail(message, f"{pointer}/tls/server_name"))
    return found


def _limits(upstream: Upstream) -> list[tuple[str, str]]:
    """The numbers that are out of range, each with its place."""
    wanted: list[tuple[str, float, float, float]] = [
        ("connect_timeout_seconds", upstream.connect_timeout_seconds, 0.001, SECONDS_MAX),
        ("timeout_seconds", upstream.timeout_seconds, 0, SECONDS_MAX),
        ("idle_timeout_seconds", upstream.idle_timeout_seconds, 0, SECONDS_MAX),
        ("keepalive_seconds", upstream.keepalive_seconds, 0, SECONDS_MAX),
        ("retries_max", upstream.retries_max, 0, RETRIES_MAX),
        ("connections_max", upstream.connections_max, 1, COUNT_MAX),
        ("pending_requests_max", upstream.pending_requests_max, 1, COUNT_MAX),
    ]
    if check := upstream.health_check:
        place = "health_check"
        wanted += [
            (f"{place}/interval_seconds", check.interval_seconds, CHECK_SECONDS_MIN, SECONDS_MAX),
            (f"{place}/timeout_seconds", check.timeout_seconds, CHECK_SECONDS_MIN, SECONDS_MAX),
            (f"{place}/unhealthy_threshold", check.unhealthy_threshold, 1, 100),
            (f"{place}/healthy_threshold", check.healthy_threshold, 1, 100),
        ]
    if outliers := upstream.outlier_ejection:
        place = "outlier_ejection"
        base = outliers.base_ejection_seconds
        wanted += [
            (f"{place}/consecutive_errors", outliers.consecutive_errors, 1, COUNT_MAX),
            (f"{place}/base_ejection_seconds", base, 0.001, SECONDS_MAX),
            (f"{place}/ejected_percent_max", outliers.ejected_percent_max, 0, 100),
        ]
    found = [
        (place, f"{value:g} is not between {least:g} and {most:g}")
        for place, value, least, most in wanted
        if not least <= value <= most
    ]
    if upstream.health_check and not upstream.health_check.path.startswith("/"):
        found.append(("health_check/path", "the path of a health check starts with /"))
    return found


def _host_mistakes(host: UpstreamHost, pointer: str) -> list[Detail]:
    found: list[Detail] = []
    if not _is_host(host.host):
        message = f"{host.host!r} is neither a host name nor an address"
        found.append(Detail(message, f"{pointer}/host"))
    if not 1 <= host.port <= PORT_MAX:
        found.append(Detail(f"{host.port} is not a port", f"{pointer}/port"))
    if not 1 <= host.weight <= WEIGHT_MAX:
        found.append(Detail(f"a weight is 1 to {WEIGHT_MAX}", f"{pointer}/weight"))
    return found


def _is_host(text: str) -> bool:
    try:
        ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        is_number = text.replace(".", "").isdecimal()  # 10.0.0.300 is no name either
        return _NAME.fullmatch(text) is not None and not is_number
    return True


def _is_pem(text: str) -> bool:
    try:
        return bool(load_pem_x509_certificates(text.encode()))
    except ValueError:
        return False
