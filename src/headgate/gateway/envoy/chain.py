"""Which filters of policies does a request pass, and in which order?

The filters of all policies stand in the listener from the start, switched off until a route has
one: a changed chain is a new listener, and Envoy says goodbye to every connection of the old one.
Filters that have their settings in the chain (`Policy.set_in_chain`) come and go with the policies
that use them. What a filter costs that is switched off, and why slots are no way out:
docs/decisions/0023.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import HTTPFilter, Policy, Stage, policies


@dataclass(frozen=True, slots=True)
class PlacedFilter:
    """A policy's filter, and where in the chain it stands."""

    stage: Stage
    order: int
    filter: HTTPFilter

    @classmethod
    def of(cls, kind: type[Policy], one: HTTPFilter) -> "PlacedFilter":
        """The filter at its policy's place, or at its own."""
        return cls(kind.stage, kind.order if one.order is None else one.order, one)


@cache
def standing() -> Mapping[str, PlacedFilter]:
    """What stands in every chain, by name."""
    kinds = [policies[name] for name in policies]
    return {one.name: PlacedFilter.of(kind, one) for kind in kinds for one in kind.standing()}


def before_access(used: Iterable[PlacedFilter]) -> list[JSON]:
    """The filters before the access filter, as the listener has them."""
    return [_switched_off(one) for one in _sorted(used) if one.stage is not Stage.TRAFFIC]


def after_access(used: Iterable[PlacedFilter]) -> list[JSON]:
    """Those behind it."""
    return [_switched_off(one) for one in _sorted(used) if one.stage is Stage.TRAFFIC]


def _sorted(used: Iterable[PlacedFilter]) -> list[PlacedFilter]:
    return sorted(used, key=lambda one: (one.stage, one.order, one.filter.name))


def _switched_off(one: PlacedFilter) -> JSON:
    return {"name": one.filter.name, "disabled": True, "typed_config": dict(one.filter.chain)}
