"""Can this upstream be reached by name? Asked before anything is changed."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

from cryptography import x509

from headgate.core.phrases import phrase
from headgate.core.problems import Detail, Problem, ProblemType
from headgate.model.snapshot import Upstream
from headgate.store.services.values import invalid

RESOLVE_SECONDS = 5.0  # longest wait for the name of one host
HOSTS_MAX = 64
WEIGHT_MAX = 128
PORT_MAX = 65_535

Resolver = Callable[[str], bool]
"""Whether a host name leads to an address."""


def system_resolver(host: str) -> bool:
    """Ask the machine's resolver; an answer that takes over `RESOLVE_SECONDS` is none."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="resolve")
    try:
        return bool(pool.submit(socket.getaddrinfo, host, None).result(RESOLVE_SECONDS))
    except (OSError, UnicodeError, FutureTimeoutError):
        return False
    finally:
        pool.shutdown(wait=False)


def check_upstream(upstream: Upstream, resolve: Resolver) -> None:
    """Let only upstreams pass whose hosts are well-formed and known.

    Raises:
        Problem: INVALID_INPUT; UNREACHABLE: a host's name is unknown.
    """
    if not 1 <= len(upstream.hosts) <= HOSTS_MAX:
        raise invalid(
            phrase("An upstream has 1 to {most} hosts.", most=HOSTS_MAX), "/upstream/hosts"
        )
    for index, host in enumerate(upstream.hosts):
        at = f"/upstream/hosts/{index}"
        if not host.host or any(character in host.host for character in " /@?#\0"):
            raise invalid(
                phrase("{host!r} is not the name of a host.", host=host.host[:60]), f"{at}/host"
            )
        if not 1 <= host.port <= PORT_MAX:
            raise invalid(phrase("A port is 1 to {most}.", most=PORT_MAX), f"{at}/port")
        if not 1 <= host.weight <= WEIGHT_MAX:
            raise invalid(phrase("A weight is 1 to {most}.", most=WEIGHT_MAX), f"{at}/weight")
    if upstream.tls is not None and upstream.tls.ca_pem:
        try:
            x509.load_pem_x509_certificates(upstream.tls.ca_pem.encode())
        except ValueError as error:
            raise invalid("This is no certificate in PEM.", "/upstream/tls/ca_pem") from error
    unknown = [
        Detail(
            phrase("the name {host!r} does not resolve", host=host.host),
            f"/upstream/hosts/{index}/host",
        )
        for index, host in enumerate(upstream.hosts)
        if not resolve(host.host.strip("[]"))
    ]
    if unknown:
        raise Problem(
            ProblemType.UNREACHABLE,
            phrase("The upstream cannot be found: {message}.", message=unknown[0].message),
            "Check the host's name, and that this machine can resolve it.",
            unknown,
        )
