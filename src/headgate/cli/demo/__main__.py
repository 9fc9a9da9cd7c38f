"""What does the demonstration do? Set up, call, read back, and say where everything is.

`python -m headgate.cli.demo GATEWAY_URL UPSTREAM_URL`, run once by `headgate up --demo` with
HEADGATE_DATA set. Every step is a real command of this program, printed as it is run.
"""

import contextlib
import io
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from headgate.cli.client import Client, segment
from headgate.cli.connection import DATA_DEFAULT, data_folder, find_connection
from headgate.cli.demo.calls import Call, Sent, on_the_free_plan, on_the_pro_plan, send, that_fail
from headgate.cli.demo.memory import FILE_NAME, Memory, recall, remember
from headgate.cli.demo.numbers import show_numbers, stored, wait_until_stored
from headgate.cli.main import build
from headgate.cli.output import problem_text
from headgate.core.problems import DependencyError, Problem, ProblemType
from headgate.core.units import count

API = "httpbin"
BASE_PATH = "/httpbin"
FREE = "basic/free"
PRO = "basic/pro"
FAILED = 1


class StepError(Exception):
    """A command ended with an error, which it has already shown."""


def main() -> int:
    """The exit code: 0 shown, 1 something failed and stderr says what."""
    gateway_url, upstream = sys.argv[1:3]
    data = data_folder(None)
    try:
        with Client(lambda: find_connection(None, None, data)) as api:
            memory = recall(data)
            is_there = memory.is_complete and _exists(api, f"/apis/{API}")
            if is_there:
                _again(api, memory, upstream)
                if memory.upstream != upstream:
                    remember(data, Memory(upstream, memory.key, memory.key_id, is_complete=True))
            else:
                _first(api, gateway_url, upstream)
            _farewell(api, gateway_url, recall(data))
    except StepError:
        return FAILED
    except (Problem, DependencyError) as error:
        sys.stderr.write(
            (problem_text(error) if isinstance(error, Problem) else f"error: {error}") + "\n"
        )
        return FAILED
    return 0


def _first(api: Client, gateway_url: str, upstream: str) -> None:
    """The main job, from an OpenAPI document to numbers."""
    data = data_folder(None)
    say("", f"httpbin answers at {upstream}. Behind the gateway with it:", "")
    for path, command in _set_up(upstream):
        if not _exists(api, path):
            step(*command)
    key, key_id = _key(api)
    remember(data, Memory(upstream, key, key_id))
    step("publish", API)
    before = stored(api)
    sent = Sent()
    base = gateway_url + BASE_PATH
    old_key = step("key", "create", "demo", "--name", "old", is_quiet=True).strip()
    step("key", "revoke", _key_id(api, "old"))
    say("", f"$ curl -H 'X-API-Key: {key}' {base}/get        # 60 times, as fast as it goes")
    with progress("calling on the free plan", on_the_free_plan(key)) as advance:
        send(base, on_the_free_plan(key), sent, advance)
    say(f"  {_answers(sent)}", "")
    step("subscription", "change", "demo", FREE, PRO)
    say("", "More calls: allowed, without key, with a wrong and a revoked key, to an unknown path,")
    say("with a wrong method, and to an upstream that answers 503.")
    calls = on_the_pro_plan(key) + that_fail(key, old_key)
    with progress("calling", calls) as advance:
        send(base, calls, sent, advance)
    say(f"  {_answers(sent)}", "")
    with progress("waiting for the traffic store", []):
        wait_until_stored(api, before, sent)
    show_numbers(api, before, sent)
    remember(data, Memory(upstream, key, key_id, is_complete=True))


def _again(api: Client, memory: Memory, upstream: str) -> None:
    say("", "The demonstration's data is here from an earlier start; nothing is changed.")
    if memory.upstream != upstream:
        say(f"Only httpbin's port was taken; it moved from {memory.upstream} to {upstream}:")
        step("api", "update", API, "--upstream", upstream)
        step("publish", API)
    show_numbers(api, None, None)


def _set_up(upstream: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each thing's resource, and the command that makes it."""
    spec = f"{upstream}/spec.json"
    where = ("--name", API, "--upstream", upstream, "--base-path", BASE_PATH, "--allow-private")
    free = ("--rate", "10/second", "--quota", "1000/month")
    pro = ("--rate", "1000/second", "--quota", "1000000/month")
    return [
        (f"/apis/{API}", ("import", spec, *where)),
        ("/products/basic", ("product", "create", "basic", "--api", API)),
        ("/products/basic/plans/free", ("plan", "create", FREE, *free)),
        ("/products/basic/plans/pro", ("plan", "create", PRO, *pro)),
        ("/applications/acme/demo", ("app", "create", "demo", "--organization", "acme")),
        ("/subscriptions", ("subscribe", "demo", FREE)),
    ]


def _exists(api: Client, path: str) -> bool:
    if path == "/subscriptions":
        return any(api.items(path, {"application": "acme/demo"}))
    try:
        api.get(path)
    except Problem as problem:
        if problem.type is ProblemType.NOT_FOUND:
            return False
        raise
    return True


def _key(api: Client) -> tuple[str, str]:
    """The demonstration's key: the one kept from an interrupted start, or a new one."""
    kept = recall(data_folder(None))
    if kept.key and _exists(api, f"/keys/{segment(kept.key_id)}"):
        return kept.key, kept.key_id
    text = step("key", "create", "demo", "--name", "demo").strip()
    return text, _key_id(api, "demo")


def _key_id(api: Client, name: str) -> str:
    found = [k["id"] for k in api.items("/keys", {"application": "acme/demo"}) if k["name"] == name]
    return str(found[-1])


def _farewell(api: Client, gateway_url: str, memory: Memory) -> None:
    data = data_folder(None)
    web, base = api.connection.url, gateway_url + BASE_PATH
    program, where = _program(), _data_option(data)
    say(
        "",
        f"Gateway        {base}",
        f"Portal         {web}/",
        f"Console        {web}/console   (first: make its administrator with the token in"
        f" {data / 'admin.token'})",
        f"REST API       {web}/api/v1   documentation: {web}/api/v1/docs",
        f"httpbin        {memory.upstream}",
        f"API key        {memory.key}   (a demonstration's: kept in {data / FILE_NAME})",
        "",
        f"Try            curl -i -H 'X-API-Key: {memory.key}' {base}/get",
        f"Then           {program} logs -f{where}",
        f"               {program} status{where}",
        "",
        "Everything stays up until Ctrl-C.",
    )


def _program() -> str:
    """How the reader starts our commands: by name, or by the path of this installation."""
    if shutil.which("headgate"):
        return "headgate"
    path = Path(sys.executable).with_name("headgate")
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _data_option(data: Path) -> str:
    """What a command needs to find the data folder from where the reader is."""
    return "" if data == Path.cwd() / DATA_DEFAULT else f" --data {data}"


def _answers(sent: Sent) -> str:
    parts = [f"{number} × {status}" for status, number in sorted(sent.by_status.items())]
    return f"{count(sent.total, 'answer')}: {', '.join(parts)}"


def step(*arguments: str, is_quiet: bool = False) -> str:
    """Run one of our own commands as a person would, show it, and return what it printed.

    Raises:
        StepError: its exit code was not 0; what it said is on stderr.
    """
    say(f"$ headgate {shlex.join(arguments)}")
    result, remarks = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(result), contextlib.redirect_stderr(remarks):
            build()(list(arguments))
    except SystemExit as ended:
        if ended.code:
            sys.stderr.write(remarks.getvalue())
            raise StepError from ended
    if not is_quiet:
        shown = (result.getvalue() + remarks.getvalue()).splitlines()
        say(*(f"  {line}" for line in shown if line))
    return result.getvalue()


def say(*lines: str) -> None:
    """Lines for the person at the terminal."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


@contextlib.contextmanager
def progress(what: str, calls: list[Call]) -> Iterator[Callable[[], None]]:
    """A bar (or a spinner, for no calls) on a terminal; nothing elsewhere."""
    if not sys.stdout.isatty():
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task(what, total=sum(call.times for call in calls) or None)
        yield lambda: bar.advance(task)


if __name__ == "__main__":
    sys.exit(main())
