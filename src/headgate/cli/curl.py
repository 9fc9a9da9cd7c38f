"""Which request does a curl command line make? For `headgate explain -- curl …`.

The options that shape a request are read, those that only shape curl's output are passed over, and
any other is named: a request that is not the one that curl would send explains nothing.

Source: curl(1).
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from headgate.core.problems import Problem, ProblemType

WITH_VALUE = {
    "-X": "--request",
    "-H": "--header",
    "-d": "--data",
    "-u": "--user",
    "-A": "--user-agent",
    "-b": "--cookie",
    "-e": "--referer",
    "-o": "--output",
    "-w": "--write-out",
    "-m": "--max-time",
    "-E": "--cert",
}
"""Short options with a value."""
LONG_WITH_VALUE = frozenset(
    {
        *WITH_VALUE.values(),
        "--data-ascii",
        "--data-binary",
        "--data-raw",
        "--json",
        "--url",
        "--connect-timeout",
        "--key",
        "--cacert",
    }
)
WITHOUT_VALUE = {
    "-G": "--get",
    "-I": "--head",
    "-s": "--silent",
    "-S": "--show-error",
    "-v": "--verbose",
    "-i": "--include",
    "-k": "--insecure",
    "-f": "--fail",
    "-N": "--no-buffer",
}
LONG_WITHOUT_VALUE = frozenset({*WITHOUT_VALUE.values(), "--compressed"})
PASSED_OVER = frozenset(
    {
        "--silent",
        "--show-error",
        "--verbose",
        "--include",
        "--insecure",
        "--fail",
        "--no-buffer",
        "--output",
        "--write-out",
        "--max-time",
        "--connect-timeout",
        "--key",
        "--cacert",
    }
)
"""Options that change nothing of the request."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class CurlRequest:
    """The request; `target` is path and query, `certificate` PEM without the key."""

    method: str
    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    certificate: str = field(default="", repr=False)


@dataclass(slots=True)
class _Said:
    """What the command line has said so far."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: list[str] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    further: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)


def request_of(words: Sequence[str]) -> CurlRequest:
    """The request that curl would send; `words` are what follows `curl`.

    Raises:
        Problem: INVALID_INPUT: an option is not known, has no value, names a file that cannot be
            read, or there is not exactly one URL.
    """
    said = _Said()
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            said.urls += left
            break
        if word.startswith("--"):
            _long(said, word, left)
        elif word.startswith("-") and len(word) > 1:
            _short(said, word, left)
        else:
            said.urls.append(word)
    if len(said.urls) != 1:
        raise _wrong(f"curl is given {len(said.urls)} URLs", "Give exactly one.")
    return _request(said, said.urls[0])


def _long(said: _Said, word: str, left: list[str]) -> None:
    name = word.partition("=")[0]
    if word in LONG_WITHOUT_VALUE:
        said.flags.add(word)
    elif word in LONG_WITH_VALUE:
        _take(said, word, _value(word, left))
    else:
        raise _unknown(name)


def _short(said: _Said, word: str, left: list[str]) -> None:
    """`-sS`, `-XPOST`, `-X POST`: letters without values, then at most one with its value."""
    for place, letter in enumerate(word[1:], start=2):
        option = f"-{letter}"
        if option in WITHOUT_VALUE:
            said.flags.add(WITHOUT_VALUE[option])
        elif option in WITH_VALUE:
            _take(said, WITH_VALUE[option], word[place:] or _value(option, left))
            return
        else:
            raise _unknown(option)


def _value(option: str, left: list[str]) -> str:
    if not left:
        raise _wrong(f"curl's option {option} has no value", "Give it one.")
    return left.pop(0)


def _take(said: _Said, option: str, value: str) -> None:
    if option == "--url":
        said.urls.append(value)
    elif option == "--request":
        said.method = value
    elif option == "--header":
        said.headers.append(value)
    elif option in {"--data", "--data-ascii", "--data-binary", "--data-raw", "--json"}:
        said.data.append(_data(option, value))
        if option == "--json":
            said.flags.add("--json")
    elif option not in PASSED_OVER:
        said.further[option] = value


def _data(option: str, value: str) -> bytes:
    """What an option of data adds to the body; `@file` is read."""
    if option == "--data-raw" or not value.startswith("@"):
        return value.encode()
    try:
        content = Path(value[1:]).read_bytes()
    except OSError as error:
        raise _wrong(f"{value[1:]} cannot be read: {error.strerror}", "Name a file.") from error
    if option in {"--data", "--data-ascii"}:
        return content.replace(b"\r", b"").replace(b"\n", b"")  # as curl does
    return content


def _request(said: _Said, url: str) -> CurlRequest:
    address = urlsplit(url if "://" in url else f"http://{url}")
    joined = (b"" if "--json" in said.flags else b"&").join(said.data)
    query = address.query
    body = joined
    if "--get" in said.flags and said.data:
        query = "&".join(part for part in (query, joined.decode()) if part)
        body = b""
    target = (address.path or "/") + (f"?{query}" if query else "")
    method = said.method or ("HEAD" if "--head" in said.flags else "POST" if body else "GET")
    headers = _headers(said, address.netloc, has_body=bool(body))
    return CurlRequest(method, target, headers, body, _certificate(said.further.get("--cert", "")))


def _certificate(given: str) -> str:
    """The certificates of a file, which may hold the key as well: that stays here.

    As curl has it, a password of the key may stand behind the name, after a colon.
    """
    if not given:
        return ""
    name = given if Path(given).exists() else given.partition(":")[0]
    try:
        found = _PEM.findall(Path(name).read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise _wrong(f"{name} cannot be read: {error.strerror}", "Name a file.") from error
    if not found:
        raise _wrong(f"{name} holds no certificate in PEM form", "Name a file that does.")
    return "\n".join(found)


def _headers(said: _Said, host: str, *, has_body: bool) -> tuple[tuple[str, str], ...]:
    """Curl's own fields, then those of the options; `-H 'Name:'` takes one of curl's away."""
    found = {"host": host.rpartition("@")[2], "user-agent": "curl", "accept": "*/*"}
    if "--json" in said.flags:
        found |= {"content-type": "application/json", "accept": "application/json"}
    elif has_body:
        found["content-type"] = FORM
    if "--compressed" in said.flags:
        found["accept-encoding"] = "deflate, gzip, br, zstd"
    user = said.further.get("--user", host.rpartition("@")[0])
    if user:
        found["authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    for option, name in (
        ("--user-agent", "user-agent"),
        ("--cookie", "cookie"),
        ("--referer", "referer"),
    ):
        if option in said.further:
            found[name] = said.further[option]
    own: list[tuple[str, str]] = []
    for text in said.headers:
        name, colon, value = text.partition(":")
        if not colon:
            name, value = text.rstrip(";"), ""
        found.pop(name.strip().lower(), None)
        if value.strip() or not colon:
            own.append((name.strip(), value.strip()))
    return (*found.items(), *own)


def _unknown(option: str) -> Problem:
    return _wrong(
        f"curl's option {option} is not known here", "Leave it out, or say it with -H, -d or -X."
    )


def _wrong(what: str, next_step: str) -> Problem:
    return Problem(ProblemType.INVALID_INPUT, f"{what}.", next_step)
