"""How does Envoy reach an API's upstream? One cluster for all APIs that it reaches alike.

Connection pools, breakers, health checks and ejections belong to the upstream: a thousand APIs
on one host are one pool of warm connections, not a thousand cold ones.
"""

import json
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address

import orjson

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.wire import JSON
from headgate.model.snapshot import Upstream, UpstreamHost, UpstreamTLS

DNS_REFRESH_SECONDS = 5.0
DNS_FAILURE_REFRESH_SECONDS = 2.0
DNS_QUERY_SECONDS = 2  # per try: a dead name server holds up a first start for two tries
DNS_TRIES = 2
BUFFER_BYTES_MAX = 1024 * 1024  # per upstream connection, before back pressure
RETRY_SHARE_PERCENT = 20.0  # of the requests under way: a failing upstream is not hit twice over
RETRIES_MIN = 3  # that many may always be under way
HTTP2_STREAMS_MAX = 100
CHECK_MARGIN_SECONDS = 1.0
EJECTION_INTERVAL_SECONDS = 1.0
NAME_DIGITS = 16  # 64 bits: nobody makes settings that take over another upstream's name
NAMES_REMEMBERED_MAX = 4096
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def cluster_name(upstream: Upstream) -> str:
    """The cluster of this upstream: the same for all that Envoy would reach in the same way.

    It is a digest of the cluster itself. What only routes use (deadline, retries, path prefix) does
    not count: to change it leaves the connections warm.
    """
    # 60 and 60.0 are equal settings, so they must read the same
    content = json.loads(orjson.dumps(_content(upstream, ca_bundle="")), parse_int=float)
    digest = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"upstream-{digest[:NAME_DIGITS]}"


def cluster(upstream: Upstream, node: NodeSettings) -> JSON:
    """The upstream as a cluster. Source: envoy.config.cluster.v3.Cluster."""
    name = cluster_name(upstream)
    made: JSON = {"name": name}
    made |= _content(upstream, ca_bundle=str(node.ca_bundle))
    made["load_assignment"] = {"cluster_name": name} | made["load_assignment"]
    return made


def _content(upstream: Upstream, *, ca_bundle: str) -> JSON:
    """Everything of the cluster but its name."""
    made: JSON = {
        "connect_timeout": wire.seconds(upstream.connect_timeout_seconds),
        "lb_policy": "LEAST_REQUEST" if len(upstream.hosts) > 1 else "ROUND_ROBIN",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES_MAX,
        "load_assignment": {
            "endpoints": [{"lb_endpoints": [_endpoint(h, upstream) for h in upstream.hosts]}],
        },
        "circuit_breakers": {"thresholds": [_thresholds(upstream)]},
        "typed_extension_protocol_options": {HTTP_OPTIONS: _protocol(upstream)},
        # a name that fails to be checked or found must not be worse than no check at all
        "common_lb_config": {"healthy_panic_threshold": {"value": 0.0}},
    }
    made |= _discovery(upstream)
    if upstream.tls is not None:
        made["transport_socket"] = _tls(upstream, upstream.tls, ca_bundle)
    if upstream.health_check is not None:
        made["health_checks"] = [_health_check(upstream)]
    if upstream.outlier_ejection is not None:
        made["outlier_detection"] = _outliers(upstream)
    return made


def is_address(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address rather than a name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _discovery(upstream: Upstream) -> JSON:
    if all(is_address(host.host) for host in upstream.hosts):
        return {"type": "STATIC"}
    resolver = wire.extension(
        "envoy.network.dns_resolver.cares",
        "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        query_timeout_seconds=DNS_QUERY_SECONDS,
        query_tries=DNS_TRIES,
    )
    return {
        "cluster_type": wire.extension(
            "envoy.cluster.dns",
            "envoy.extensions.clusters.dns.v3.DnsCluster",
            dns_lookup_family="V4_PREFERRED",  # `localhost` of what listens on IPv4 only
            dns_refresh_rate=wire.seconds(DNS_REFRESH_SECONDS),
            dns_failure_refresh_rate={
                "base_interval": wire.seconds(DNS_FAILURE_REFRESH_SECONDS),
                "max_interval": wire.seconds(DNS_FAILURE_REFRESH_SECONDS * 5),
            },
            respect_dns_ttl=True,
            typed_dns_resolver_config=resolver,
        )
    }


def _endpoint(host: UpstreamHost, upstream: Upstream) -> JSON:
    """`hostname` becomes the Host header and, where SNI is per host, the server's name."""
    made: JSON = {
        "endpoint": {
            "address": {
                "socket_address": {"address": host.host.strip("[]"), "port_value": host.port}
            },
            "hostname": _authority(host, is_tls=upstream.tls is not None),
        }
    }
    if host.weight != 1:
        made["load_balancing_weight"] = host.weight
    return made


def _authority(host: UpstreamHost, *, is_tls: bool) -> str:
    """Host and port as a client would write them. Source: RFC 9110 §7.2."""
    name = f"[{host.host.strip('[]')}]" if ":" in host.host else host.host
    return name if host.port == (443 if is_tls else 80) else f"{name}:{host.port}"


def _thresholds(upstream: Upstream) -> JSON:
    streams = HTTP2_STREAMS_MAX if upstream.is_http2 else 1
    return {
        "max_connections": upstream.connections_max,
        "max_pending_requests": upstream.pending_requests_max,
        "max_requests": upstream.connections_max * streams + upstream.pending_requests_max,
        "retry_budget": {
            "budget_percent": {"value": RETRY_SHARE_PERCENT},
            "min_retry_concurrency": RETRIES_MIN,
        },
    }


def _protocol(upstream: Upstream) -> JSON:
    version: JSON = (
        {"http2_protocol_options": {"max_concurrent_streams": HTTP2_STREAMS_MAX}}
        if upstream.is_http2
        else {"http_protocol_options": {}}
    )
    return wire.typed(
        HTTP_OPTIONS,
        common_http_protocol_options={"idle_timeout": wire.seconds(_kept_seconds(upstream))},
        explicit_http_config=version,
    )


def _kept_seconds(upstream: Upstream) -> float:
    """How long an unused connection is kept: no shorter than a health check may take.

    Envoy 1.40 counts that time for a check's connection while its first check is waited for, and
    would cut it (`tests/integration/node/test_upstreams.py`).
    """
    check, kept = upstream.health_check, upstream.keepalive_seconds
    return max(kept, check.timeout_seconds + CHECK_MARGIN_SECONDS) if check and kept else kept


def _tls(upstream: Upstream, tls: UpstreamTLS, ca_bundle: str) -> JSON:
    """Verified unless the API says otherwise: authority, server name, dates."""
    names = {tls.server_name} if tls.server_name else {host.host for host in upstream.hosts}
    context: JSON = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": ["h2"] if upstream.is_http2 else ["http/1.1"],
    }
    if tls.is_verified:
        trusted = {"inline_string": tls.ca_pem} if tls.ca_pem else {"filename": ca_bundle}
        context["validation_context"] = {
            "trusted_ca": trusted,
            "match_typed_subject_alt_names": [_subject(name) for name in sorted(names)],
        }
    fields: JSON = {"common_tls_context": context}
    single = next(iter(names))
    if len(names) > 1:
        fields["auto_host_sni"] = True
    elif not is_address(single):
        fields["sni"] = single
    return wire.extension("envoy.transport_sockets.tls", TLS, **fields)


def _subject(name: str) -> JSON:
    kind = "IP_ADDRESS" if is_address(name) else "DNS"
    return {"san_type": kind, "matcher": {"exact": name.strip("[]")}}


def _health_check(upstream: Upstream) -> JSON:
    check = upstream.health_check
    assert check is not None  # noqa: S101  # the caller looked
    return {
        "interval": wire.seconds(check.interval_seconds),
        "timeout": wire.seconds(check.timeout_seconds),
        "unhealthy_threshold": check.unhealthy_threshold,
        "healthy_threshold": check.healthy_threshold,
        "no_traffic_interval": wire.seconds(check.interval_seconds),
        "http_health_check": {
            "path": check.path,
            "codec_client_type": "HTTP2" if upstream.is_http2 else "HTTP1",
        },
    }


def _outliers(upstream: Upstream) -> JSON:
    outliers = upstream.outlier_ejection
    assert outliers is not None  # noqa: S101  # the caller looked
    return {
        "consecutive_5xx": outliers.consecutive_errors,
        "base_ejection_time": wire.seconds(outliers.base_ejection_seconds),
        "max_ejection_percent": outliers.ejected_percent_max,
        "interval": wire.seconds(EJECTION_INTERVAL_SECONDS),
        "enforcing_success_rate": 0,  # a statistical judgement nobody asked for
        "enforcing_consecutive_gateway_failure": 0,  # counted among the 5xx already
    }
