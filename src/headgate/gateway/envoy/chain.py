"""Which filters of policies does a request pass, and in which order?

The filters of all policies stand in the listener from the start, switched off until a route has
one: a changed chain is a new listener, and Envoy says goodbye to every connection of the old one.
A filter that takes no settings from a route stands there as one that holds others by name, read
from a file of its own; routes choose among them. What a filter costs that is switched off, and why
that is enough: docs/decisions/0023.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from headgate.gateway.envoy import wire
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import CHOICES, HTTPFilter, Policy, Stage, policies

Filters = Mapping[tuple[str, str], "PlacedFilter"]
"""Filters of policies by name and choice."""


@dataclass(frozen=True, slots=True)
class PlacedFilter:
    """A policy's filter, and where in the chain it stands."""

    stage: Stage
    order: int
    filter: HTTPFilter

    @classmethod
    def of(cls, kind: type[Policy], one: HTTPFilter) -> "PlacedFilter":
        """The filter at its policy's place, or at its own."""
        stage = kind.stage if one.stage is None else one.stage
        return cls(stage, kind.order if one.order is None else one.order, one)


@cache
def standing() -> Filters:
    """What stands in every chain; of those that hold others, without any."""
    found = [
        PlacedFilter.of(policies[name], one if one.choice is None else replace(one, choice=""))
        for name in policies
        for one in policies[name].standing()
    ]
    return {one.filter.key: one for one in found}


def holder_names() -> list[str]:
    """The names of all filters that hold others."""
    return sorted(name for (name, _), one in standing().items() if one.filter.choice is not None)


def held_file(name: str) -> str:
    """The file with what this filter holds."""
    return f"{name}.json"


def held_filters(used: Filters) -> dict[str, JSON]:
    """What each filter that holds others holds, by its name."""
    held: dict[str, JSON] = {}
    for (name, choice), one in sorted(used.items(), key=lambda item: item[0]):
        if one.filter.choice is None:
            continue
        found = held.setdefault(name, {})
        if choice:
            inner = {"name": f"{name}.chosen", "typed_config": dict(one.filter.chain)}
            found[choice] = {"typed_config": [inner]}
    return {
        name: wire.extension(name, CHOICES.removeprefix(wire.TYPE), named_filter_chains=found)
        for name, found in held.items()
    }


def before_access(used: Filters, folder: Path) -> list[JSON]:
    """The filters before the access filter, as the listener has them; `folder` is of files."""
    found = [one for one in used.values() if one.stage is not Stage.TRAFFIC]
    return _switched_off(found, folder)


def after_access(used: Filters, folder: Path) -> list[JSON]:
    """Those behind it."""
    return _switched_off([one for one in used.values() if one.stage is Stage.TRAFFIC], folder)


def _switched_off(used: Iterable[PlacedFilter], folder: Path) -> list[JSON]:
    """In their order, each name once."""
    made: dict[str, JSON] = {}
    for one in sorted(used, key=lambda one: (one.stage, one.order, one.filter.name)):
        name = one.filter.name
        if one.filter.choice is None:
            settings: JSON = {"typed_config": dict(one.filter.chain)}
        else:
            source = wire.watched(folder / held_file(name))
            settings = {"config_discovery": {"config_source": source, "type_urls": [CHOICES]}}
        made[name] = {"name": name, "disabled": True, **settings}
    return list(made.values())
