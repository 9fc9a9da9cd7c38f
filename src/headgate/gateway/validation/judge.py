"""Does a request fit its operation's contract, and does an answer?

Parameters first, then the body; all mistakes of the parameters and of the body are told together,
unless the body's type alone is wrong (415).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import jsonschema_rs

from headgate.gateway.routing import quoted
from headgate.gateway.validation import json_text
from headgate.gateway.validation.bodies import BodyJudge
from headgate.gateway.validation.mistakes import (
    MISTAKES_MAX,
    Misfit,
    Mistake,
    compiled,
    mistakes_of,
)
from headgate.gateway.validation.text import NotText, decoded, objects_of, pairs, readings
from headgate.model.contract import OperationContract, Parameter, Schema

PAIRS_MAX = 1_000  # of one query
NAME_CHARACTERS_MAX = 100  # of a foreign name in a message
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class _Checked:
    """A parameter and its compiled schema."""

    parameter: Parameter
    validator: jsonschema_rs.Validator


class OperationJudge:
    """Judges the calls of one operation.

    Raises (constructor):
        jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError: a schema is none.
    """

    def __init__(self, contract: OperationContract, schemas: Mapping[str, Schema]) -> None:
        self.row = contract.row
        by_place: dict[str, list[_Checked]] = {"path": [], "query": [], "header": [], "cookie": []}
        for one in contract.parameters:
            by_place[one.location].append(_Checked(one, compiled(one.schema, schemas)))
        self._path_names, self._path = _path_pattern(contract.path)
        self._in_path, self._in_query = by_place["path"], by_place["query"]
        self._in_headers, self._in_cookies = by_place["header"], by_place["cookie"]
        self._known = frozenset(_query_names(self._in_query))
        self._body = BodyJudge(contract.body, schemas) if contract.body else None
        self._responses = {
            status: BodyJudge(body, schemas) if body else None
            for status, body in contract.responses.items()
        }

    def request(
        self, target: str, headers: Mapping[str, str], body: bytes, *, refuses_unknown: bool = False
    ) -> Misfit | None:
        """What is wrong with a request. `headers` have lower-case names."""
        found: list[Mistake] = []
        path, _, query = target.partition("?")
        if self._in_path:
            found += self._path_mistakes(path)
        if self._in_query or refuses_unknown:
            found += self._query_mistakes(query, refuses_unknown=refuses_unknown)
        if self._in_headers:
            texts = {name: [value] for name, value in headers.items()}
            found += _mistakes(self._in_headers, texts)
        if self._in_cookies:
            found += _mistakes(self._in_cookies, _cookies(headers.get("cookie", "")))
        misfit = self._body.judge(headers, body) if self._body else None
        if misfit is not None and misfit.status != 400:
            return misfit
        found += misfit.mistakes if misfit else ()
        return Misfit(400, tuple(found[:MISTAKES_MAX])) if found else None

    def response(self, status: int, headers: Mapping[str, str], body: bytes) -> Misfit | None:
        """What is wrong with an answer: its body, or a success that is not described.

        Others are let be: hardly a document lists 304, 401 and 503 everywhere.
        """
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self._responses:
                judge = self._responses[key]
                return judge.judge(headers, body) if judge else None
        if not 200 <= status < 300:
            return None
        return Misfit(400, (Mistake(f"status {status} is not described"),))

    def _path_mistakes(self, path: str) -> Iterable[Mistake]:
        match = self._path.fullmatch(path)
        if match is None:  # the route decided on the same template: rewritten on the way
            return (Mistake("the path does not fit its template"),)
        names = zip(self._path_names, match.groups(), strict=True)
        return _mistakes(self._in_path, {name: [text] for name, text in names})

    def _query_mistakes(self, query: str, *, refuses_unknown: bool) -> Iterator[Mistake]:
        texts: dict[str, list[str]] = {}
        try:
            listed = pairs(query)
        except NotText as error:
            yield Mistake(f"a parameter's name {error}")
            return
        if len(listed) > PAIRS_MAX:
            yield Mistake(f"the query has more than {PAIRS_MAX} parameters")
            return
        for name, text in listed:
            texts.setdefault(name, []).append(text)
        yield from _mistakes(self._in_query, texts)
        if refuses_unknown:
            for name in texts:
                if name.partition("[")[0] not in self._known and name not in self._known:
                    yield Mistake("the API knows no such parameter", "", _shown("query", name))


def _mistakes(checked: Iterable[_Checked], texts: Mapping[str, list[str]]) -> Iterator[Mistake]:
    for one in checked:
        yield from _parameter_mistakes(one, texts)


def _parameter_mistakes(one: _Checked, texts: Mapping[str, list[str]]) -> tuple[Mistake, ...]:
    parameter = one.parameter
    label = _shown(parameter.location, parameter.name)
    try:
        found: tuple[Mistake, ...] = ()
        is_there = False
        for value in _values(parameter, texts):
            is_there = True
            wrong = mistakes_of(one.validator, value, label)
            if not wrong:
                return ()
            found = found or wrong
    except (NotText, json_text.NotJSON) as error:
        return (Mistake(str(error), "", label),)
    if not is_there and parameter.is_required:
        return (Mistake("the parameter is required", "", label),)
    return found


def _values(parameter: Parameter, texts: Mapping[str, list[str]]) -> Iterator[object]:
    """What a parameter's texts may stand for; nothing when it is not there."""
    name = parameter.name
    if parameter.style == "deepObject":
        named = {
            key[len(name) + 1 : -1]: [decoded(text) for text in found]
            for key, found in texts.items()
            if key.startswith(f"{name}[") and key.endswith("]")
        }
        if named:
            yield from objects_of(named, parameter.shape)
        return
    if _is_spread(parameter):
        spread = {
            key: [decoded(text) for text in texts[key]]
            for key in parameter.shape.properties
            if key in texts
        }
        if spread:
            yield from objects_of(spread, parameter.shape)
        return
    found = texts.get(name)
    if found is None or (parameter.allows_empty and found == [""]):
        return
    if parameter.is_json:
        if len(found) > 1:
            raise NotText("stands more than once")
        yield json_text.parse(decoded(found[0], parameter.location).encode())
        return
    yield from readings(found, parameter)


def _is_spread(parameter: Parameter) -> bool:
    """Whether an object's members are parameters of their own (`form`, exploded)."""
    return (
        parameter.style == "form"
        and parameter.explode
        and parameter.shape.types == ("object",)
        and not parameter.is_json
    )


def _query_names(checked: Iterable[_Checked]) -> Iterator[str]:
    for one in checked:
        if _is_spread(one.parameter):
            yield from one.parameter.shape.properties
        else:
            yield one.parameter.name


def _cookies(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in text.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            found.setdefault(name, []).append(value)
    return found


def _path_pattern(template: str) -> tuple[list[str], re.Pattern[str]]:
    """The names in a path template, and the expression that takes their raw texts out."""
    pieces = _PLACE.split(template)
    regex = [re.escape(quoted(pieces[0]))]
    names = []
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        takes_rest = name.startswith("+") or name.endswith(("+", "*"))
        names.append(name.strip("+*"))
        regex += ["([^?#]+)" if takes_rest else "([^/?#]+)", re.escape(quoted(text))]
    return names, re.compile("".join(regex))


def _shown(location: str, name: str) -> str:
    return f"{location}:{name[:NAME_CHARACTERS_MAX]}"
