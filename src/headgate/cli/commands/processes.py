"""How are the processes started? All together (`up`), or each by itself."""

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headgate.cli.connection import data_folder
from headgate.cli.output import Output
from headgate.cli.rest import USED_WRONGLY, with_examples
from headgate.core.problems import Problem

if TYPE_CHECKING:
    from headgate.core.logging import LogFormat  # structlog: half of the time of a help page

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder, by default .headgate [env: HEADGATE_DATA]."),
]
Listen = Annotated[str, typer.Option("--listen", help="Address to listen on.")]
GatewayPort = Annotated[
    int, typer.Option("--gateway-port", min=1, max=65535, help="Port of the gateway.")
]
WebPort = Annotated[
    int, typer.Option("--web-port", min=1, max=65535, help="Port of the control plane.")
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--gateway-tls-cert",
        help="PEM file: the gateway speaks TLS. A renewed one is taken within seconds.",
    ),
]
Key = Annotated[Path | None, typer.Option("--gateway-tls-key", help="PEM file: its key.")]
Authorities = Annotated[
    Path | None,
    typer.Option(
        "--gateway-client-ca",
        help="PEM file of authorities: callers may show certificates (policy `mtls`).",
    ),
]
Proxies = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        help="Address or network of a proxy in front; its X-Forwarded-For says who calls. "
        "Repeatable.",
    ),
]
Hops = Annotated[
    int,
    typer.Option("--trusted-hops", min=1, max=10, help="How many trusted proxies stand in a row."),
]
ControlPlane = Annotated[
    str | None,
    typer.Option(
        "--control-plane",
        help="Address of the control plane; without it, the one of the data folder.",
    ),
]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="File with a token of the scope `node`.")
]
RefuseWhenFull = Annotated[
    bool,
    typer.Option(
        "--refuse-when-full",
        help="Refuse calls when their records can no longer be kept, instead of dropping the "
        "oldest records.",
    ),
]
NodeName = Annotated[
    str | None, typer.Option("--name", help="The node's name, as given to `headgate node add`.")
]
Workers = Annotated[
    int, typer.Option("--workers", min=0, help="Envoy's threads; 0: one per processor.")
]
KeepEnvoy = Annotated[
    bool, typer.Option("--keep-envoy", help="Leave Envoy serving when the agent stops.")
]
LOOPBACK = "127.0.0.1"


class Format(StrEnum):
    """How logs are written."""

    CONSOLE = "console"
    JSON = "json"


LogFormatOption = Annotated[
    Format | None,
    typer.Option("--log-format", help="Of the logs on stderr [env: HEADGATE_LOG_FORMAT]."),
]


def add(app: typer.Typer) -> None:
    """Put `up`, `web` and `jobs` at the top; `node` is put there with its group."""
    examples = {
        up: [
            "headgate up",
            "headgate up --data /srv/headgate --listen 0.0.0.0",
            "headgate up --demo",
        ],
        web: ["headgate web --data /srv/headgate --web-port 8000"],
        jobs: ["headgate jobs --data /srv/headgate"],
    }
    for function, lines in examples.items():
        name = function.__name__
        app.command(name, help=with_examples(function.__doc__, lines))(function)


def up(
    *,
    data: Data = None,
    gateway_port: GatewayPort = 8080,
    web_port: WebPort = 8000,
    listen: Listen = LOOPBACK,
    gateway_tls_cert: Certificate = None,
    gateway_tls_key: Key = None,
    gateway_client_ca: Authorities = None,
    trusted_proxy: Proxies = None,
    trusted_hops: Hops = 1,
    log_format: LogFormatOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Put a real API behind the gateway and call it.")
    ] = False,
    demo_port: Annotated[
        int | None,
        typer.Option("--demo-port", min=1, max=65535, help="Port of the demonstration's API."),
    ] = None,
) -> None:
    """Run everything on this machine: control plane, jobs, gateway. Ctrl-C stops it.

    Prints "ready" once both ports answer. The first start prints the administrator's token.
    """
    from headgate.cli.up.run import up as run_up
    from headgate.cli.up.settings import UpSettings

    settings = UpSettings(
        data=_absolute(data),
        listen=listen,
        gateway_port=gateway_port,
        web_port=web_port,
        tls_certificate=gateway_tls_cert,
        tls_key=gateway_tls_key,
        client_authorities=gateway_client_ca,
        trusted_proxies=tuple(trusted_proxy or ()),
        trusted_hops=trusted_hops,
        log_format=_format(log_format),
        is_demo=demo,
        demo_port=demo_port,
    )
    raise typer.Exit(run_up(settings))


def web(
    *,
    data: Data = None,
    web_port: WebPort = 8000,
    listen: Listen = LOOPBACK,
    log_format: LogFormatOption = None,
) -> None:
    """Run the control plane's web process alone (`headgate up` does it for you)."""
    folder = _enter(data)
    from headgate.web.main import run

    chosen = _format(log_format)
    _serve(lambda: run(data=folder, host=listen, port=web_port, log_format=chosen))


def jobs(*, data: Data = None, log_format: LogFormatOption = None) -> None:
    """Run the loops alone: ingest, compaction, retention (`headgate up` does it for you)."""
    folder = _enter(data)
    from headgate.jobs.main import run

    chosen = _format(log_format)
    _serve(lambda: run(data=folder, log_format=chosen))


def node(
    context: typer.Context,
    *,
    control_plane: ControlPlane = None,
    token_file: TokenFile = None,
    gateway: Annotated[str, typer.Option("--gateway", help="The gateway it serves.")] = "default",
    name: NodeName = None,
    data: Data = None,
    gateway_port: GatewayPort = 8080,
    listen: Listen = LOOPBACK,
    gateway_tls_cert: Certificate = None,
    gateway_tls_key: Key = None,
    gateway_client_ca: Authorities = None,
    trusted_proxy: Proxies = None,
    trusted_hops: Hops = 1,
    workers: Workers = 0,
    refuse_when_full: RefuseWhenFull = False,
    keep_envoy: KeepEnvoy = False,
    log_format: LogFormatOption = None,
) -> None:
    """Run a gateway node: the agent and its Envoy (`headgate up` does it for you).

    On another machine than the control plane, name the control plane, the node and the file
    with the token that `headgate node add NAME` made. Without a control plane it is the node of
    the data folder, `local`.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    name = _node_name(name, control_plane)
    folder = _enter(data)
    _refuse_newer(folder)
    from headgate.core.logging import configure
    from headgate.node.main import run
    from headgate.node.settings import AgentSettings, FullSpool

    try:
        settings = AgentSettings(
            data=folder,
            control_plane=control_plane or "",
            token_file=token_file,
            gateway=gateway,
            name=name,
            listen_address=listen,
            port=gateway_port,
            tls_certificate=gateway_tls_cert,
            tls_key=gateway_tls_key,
            client_authorities=gateway_client_ca,
            trusted_proxies=tuple(trusted_proxy or ()),
            trusted_hops=trusted_hops,
            workers=workers,
            inbox=None if control_plane else folder / "inbox",
            keep_envoy=keep_envoy,
            on_full_spool=FullSpool.REFUSE if refuse_when_full else FullSpool.DROP_OLDEST,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    configure(_format(log_format))
    _serve(lambda: run(settings))


def _node_name(given: str | None, control_plane: str | None) -> str:
    """The name that the node's token is bound to."""
    from headgate.store.setup import LOCAL_NODE

    if given is None and control_plane:
        raise typer.BadParameter("with --control-plane, say which node this is: --name NAME")
    return given or LOCAL_NODE


def _refuse_options(context: typer.Context) -> None:
    """The process's own options say nothing to a sub-command: do not swallow them."""
    given = [
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        option = given[0].replace("_", "-")
        raise typer.BadParameter(f"write --{option} behind `{context.invoked_subcommand}`")


def _refuse_newer(folder: Path) -> None:
    """A folder that a newer version wrote is left alone."""
    from headgate.cli.up.checks import format_mistakes

    for sentence in format_mistakes(folder):
        typer.echo(f"error: {sentence}", err=True)
        raise typer.Exit(USED_WRONGLY)


def _serve(run: Callable[[], int | None]) -> None:
    """Run a process to its end; a Problem at its start is a mistake in how it was started."""
    try:
        code = run()
    except Problem as problem:
        Output(is_json=False).problem(problem)
        raise typer.Exit(USED_WRONGLY) from problem
    raise typer.Exit(code or 0)


def _enter(data: Path | None) -> Path:
    """Make the folder this process's own, for everything that reads the environment."""
    folder = _absolute(data)
    os.environ["HEADGATE_DATA"] = str(folder)
    return folder


def _absolute(data: Path | None) -> Path:
    return data_folder(data).expanduser().absolute()


def _format(given: Format | None) -> "LogFormat":
    text = given.value if given else os.environ.get("HEADGATE_LOG_FORMAT", "console")
    if text not in {"console", "json"}:
        raise typer.BadParameter("HEADGATE_LOG_FORMAT is neither console nor json")
    return "json" if text == "json" else "console"
