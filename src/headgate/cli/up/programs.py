"""What are the processes of the tree? Their command lines, in one place."""

import os

from headgate.cli.up.child import Program
from headgate.cli.up.settings import UpSettings
from headgate.store.setup import LOCAL_NODE

DRAIN_SECONDS = 20.0  # the node lets Envoy finish what is under way
COMMAND = ("-m", "headgate.cli")
DEMO_THREADS = 8


def prepare_program() -> Program:
    """Makes or migrates the data folder."""
    return Program("prepare", ("-m", "headgate.cli.up.prepare"))


def web_program(settings: UpSettings) -> Program:
    """The control plane's REST and node API."""
    listen = ("--listen", settings.listen, "--web-port", str(settings.web_port))
    said = os.environ.get("HEADGATE_GATEWAY_URL")
    environment = {} if said else {"HEADGATE_GATEWAY_URL": settings.gateway_url}
    return Program("web", (*COMMAND, "web", *listen), environment)


def jobs_program() -> Program:
    """The loops: ingest, compaction, retention."""
    return Program("jobs", (*COMMAND, "jobs"))


def node_program(settings: UpSettings) -> Program:
    """The node agent, which runs Envoy; it finds the control plane in the data folder."""
    listen = ("--listen", settings.listen, "--gateway-port", str(settings.gateway_port))
    tls: tuple[str, ...] = ()
    if settings.tls_certificate and settings.tls_key:
        tls = ("--gateway-tls-cert", str(settings.tls_certificate))
        tls += ("--gateway-tls-key", str(settings.tls_key))
    if settings.client_authorities:
        tls += ("--gateway-client-ca", str(settings.client_authorities))
    proxies = tuple(word for one in settings.trusted_proxies for word in ("--trusted-proxy", one))
    if proxies:
        proxies += ("--trusted-hops", str(settings.trusted_hops))
    arguments = (*COMMAND, "node", "--name", LOCAL_NODE, *listen, *tls, *proxies)
    return Program("node", arguments, stop_seconds=DRAIN_SECONDS)


def demo_service(port: int) -> Program:
    """httpbin as its own package serves it: gunicorn, with threads."""
    arguments = (
        "-m",
        "gunicorn",
        "--worker-class=gthread",
        f"--threads={DEMO_THREADS}",
        f"--bind=127.0.0.1:{port}",
        "--log-level=warning",
        "--no-control-socket",
        "httpbin:app",
    )
    return Program("httpbin", arguments, stop_seconds=3.0)


def demo_driver(settings: UpSettings, port: int) -> Program:
    """Shows the main job, once."""
    arguments = ("-m", "headgate.cli.demo", settings.gateway_url, f"http://127.0.0.1:{port}")
    return Program("demo", arguments)
