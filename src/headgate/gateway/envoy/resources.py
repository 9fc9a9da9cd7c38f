"""Which files does Envoy need to serve a snapshot? A pure function from one to the other."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import orjson

from headgate.gateway.callers import concerning
from headgate.gateway.claims import Claims, claims_by_api
from headgate.gateway.envoy import wire
from headgate.gateway.envoy.binary import Encoded, discovery_file, map_entries
from headgate.gateway.envoy.chain import PlacedFilter, held_file, held_filters, standing
from headgate.gateway.envoy.choices import choices
from headgate.gateway.envoy.clusters import cluster, cluster_name
from headgate.gateway.envoy.in_force import Policies, policies_of, typed, used
from headgate.gateway.envoy.introspector import introspector_cluster
from headgate.gateway.envoy.listener import (
    client_authorities,
    listener,
    secrets,
    trial_listener,
)
from headgate.gateway.envoy.releases import has_share, is_at_gate, is_candidates
from headgate.gateway.envoy.routes import (
    Mirror,
    api_entries,
    candidate_entries,
    gate_entries,
    no_version,
    path_depths,
    route_configuration,
)
from headgate.gateway.envoy.settings import NodeSettings
from headgate.gateway.envoy.tree import Trees
from headgate.gateway.envoy.validators import validators_cluster
from headgate.gateway.envoy.wire import JSON
from headgate.gateway.policy import INTROSPECTOR, VALIDATORS, in_force
from headgate.gateway.sensitive import marked
from headgate.gateway.version_choice import chosen
from headgate.model.release import Release
from headgate.model.snapshot import CallerPolicies, PolicyUse, Snapshot, SnapshotAPI


@dataclass(frozen=True, slots=True)
class EnvoyResources:
    """One revision as Envoy reads it, each a `DiscoveryResponse`.

    Parts are encoded already (`orjson.Fragment`, `binary.Encoded`): write what `files` gives, the
    routes as protobuf, because they are many. `readable_routes` shows them. The order of its
    items is the order to write in: upstreams before the routes that name them, filters before
    the routes that configure them. `held` are what filters hold of which routes choose one, by
    the filter's name.
    """

    clusters: JSON
    secrets: JSON | None
    client_authorities: JSON | None
    listeners: JSON
    held: dict[str, JSON]
    routes: JSON

    def files(self) -> dict[str, bytes]:
        """File name → content, in the order to write them."""
        found = {
            "cds.json": self.clusters,
            "sds.json": self.secrets,
            "clients.json": self.client_authorities,
            "lds.json": self.listeners,
            **{held_file(name): value for name, value in self.held.items()},
        }
        made = {name: orjson.dumps(value) for name, value in found.items() if value is not None}
        return made | {wire.ROUTES_FILE: discovery_file(self.routes)}


@dataclass(frozen=True, slots=True)
class _APIPart:
    """What one API adds: its cluster as JSON text (empty when it is retired), its routes by depth,
    the filters by name.

    `gate` holds what a candidate adds, for calls whose application is not yet known.
    Parts of APIs with equal upstreams have the same cluster, which is written once.
    """

    cluster_name: str
    cluster: bytes
    routes: dict[int, Encoded]
    filters: dict[tuple[str, str], PlacedFilter]
    gate: dict[int, Encoded]


class _Kind(Enum):
    """How requests get to an API: by the path alone, by a release's share, or by its version."""

    ROUTED = auto()
    CANDIDATE = auto()
    CHOSEN = auto()


@dataclass(frozen=True, slots=True)
class _Family:
    """What one API's part is made from: itself, the APIs directly below its base path, and the
    depths of the paths of those that it lies in, None where there are none.

    `mirror` is what gets its requests as well. A candidate of a release has trees of its own, and
    so has a version that callers choose.
    `callers` are the policies of products with the API and of their plans. `beside` is the version
    to which a call may turn out to belong by its application. `claims`: what its limits count by.
    """

    api: SnapshotAPI
    within: tuple[SnapshotAPI, ...] = ()
    around: frozenset[int] | None = None
    mirror: Mirror | None = None
    kind: _Kind = _Kind.ROUTED
    callers: tuple[CallerPolicies, ...] = ()
    beside: SnapshotAPI | None = None
    claims: Claims = ()

    def is_same(self, other: "_Family") -> bool:
        """Whether the part would be the same; the same objects are not compared again."""
        return (
            (self.api is other.api or self.api == other.api)
            and self.within == other.within
            and self.around == other.around
            and self.mirror == other.mirror
            and self.callers == other.callers
            and self.beside == other.beside
            and self.claims == other.claims
        )


class Translator:
    """Translates snapshot after snapshot and remembers what did not change.

    An API's part is made anew only when the API or the gateway's policies differ from the last
    time. It holds exactly the APIs of the last snapshot, encoded.
    """

    def __init__(self, node: NodeSettings) -> None:
        self._node = node
        self._policies: tuple[PolicyUse, ...] = ()
        self._parts: dict[tuple[int, _Kind], tuple[_Family, _APIPart]] = {}

    def translate(self, snapshot: Snapshot) -> EnvoyResources:
        """The snapshot as Envoy's resources. It has passed `gateway.compile.check`.

        Raises:
            KeyError, pydantic.ValidationError: it has not.
        """
        snapshot = marked(snapshot)
        if snapshot.policies != self._policies:
            self._parts, self._policies = {}, snapshot.policies
        made: dict[tuple[int, _Kind], tuple[_Family, _APIPart]] = {}
        for family in (*_families(snapshot), *_candidates(snapshot), *_chosen(snapshot)):
            key = (family.api.row, family.kind)
            known = self._parts.get(key)
            if known is None or not family.is_same(known[0]):
                known = (family, _part(snapshot, family, self._node))
            made[key] = known
        self._parts = made
        return self._resources(snapshot)

    def _of(self, kind: _Kind) -> dict[int, _APIPart]:
        return {row: part for (row, own), (_, part) in self._parts.items() if own is kind}

    def _resources(self, snapshot: Snapshot) -> EnvoyResources:
        node, revision = self._node, snapshot.revision
        general = typed(in_force(snapshot.policies))
        filters = used(general)
        parts = [part for _, part in self._parts.values()]
        candidates, of_version = self._of(_Kind.CANDIDATE), self._of(_Kind.CHOSEN)
        for part in parts:
            filters |= part.filters
        distinct = {part.cluster_name: part.cluster for part in parts if part.cluster}
        clusters: list[Any] = [orjson.Fragment(made) for made in distinct.values()]
        asked = {one.filter.asks for one in filters.values()}
        if VALIDATORS in asked:
            clusters.append(validators_cluster(node))
        if INTROSPECTOR in asked:
            clusters.append(introspector_cluster(node))
        if node.has_filter:
            filters = {**standing(), **filters}
        by_depth: dict[int, list[Encoded]] = {}
        for part in self._of(_Kind.ROUTED).values():
            for depth, encoded in part.routes.items():
                by_depth.setdefault(depth, []).append(encoded)
        trees = {depth: Encoded(b"".join(found)) for depth, found in by_depth.items()}
        released: list[tuple[JSON, Trees]] = []
        for release, api in _shares(snapshot):
            part = candidates[api.row]
            released.append((_taken_by(snapshot, release, api), part.routes))
            if part.gate:
                released.append((is_at_gate(api), part.gate))
        by_version = choices(
            snapshot, lambda api: of_version[api.row].routes, lambda api: _no_version(snapshot, api)
        )
        routes = route_configuration(trees, general, released, by_version)
        listeners = [listener(node, filters, snapshot.problem_types)]
        if node.trial_socket is not None:  # second: the routes' counters have the first one's name
            listeners.append(trial_listener(node, filters, snapshot.problem_types))
        certificate, authorities = secrets(node), client_authorities(node)
        return EnvoyResources(
            clusters=wire.discovery(wire.CLUSTER, revision, clusters),
            secrets=wire.discovery(wire.SECRET, revision, certificate) if certificate else None,
            client_authorities=(
                wire.discovery(wire.SECRET, revision, authorities) if authorities else None
            ),
            listeners=wire.discovery(wire.LISTENER, revision, listeners),
            held={
                name: wire.discovery(wire.EXTENSION, revision, [wire.typed(wire.EXTENSION, **held)])
                for name, held in held_filters(filters).items()
            },
            routes=wire.discovery(wire.ROUTES, revision, [routes]),
        )


def translate(snapshot: Snapshot, node: NodeSettings) -> EnvoyResources:
    """One snapshot, from nothing. A node that runs on keeps a `Translator`."""
    return Translator(node).translate(snapshot)


def _families(snapshot: Snapshot) -> Iterable[_Family]:
    """Every API with those whose base paths lie directly below its own."""
    by_base = {api.base_path: api for api in snapshot.routed}
    outer = {base: next((a for a in _above(base) if a in by_base), None) for base in by_base}
    within: dict[str, list[SnapshotAPI]] = {}
    for base, above in outer.items():
        if above is not None:
            within.setdefault(above, []).append(by_base[base])
    depths: dict[str, frozenset[int]] = {}  # of the paths of an API and of those it lies in
    for base in sorted(within, key=len):
        above = outer[base]
        inherited = frozenset() if above is None else depths[above]
        depths[base] = path_depths(by_base[base], within[base]) | inherited
    mirrors, beside, claims = _mirrors(snapshot), _beside(snapshot), claims_by_api(snapshot)
    for base, api in by_base.items():
        above = outer[base]
        around = None if above is None else depths[above]
        yield _Family(
            api,
            tuple(within.get(base, ())),
            around,
            mirrors.get(api.row),
            callers=concerning(snapshot.callers, api),
            beside=beside.get(api.row),
            claims=claims.get(api.name, ()),
        )


def _candidates(snapshot: Snapshot) -> Iterable[_Family]:
    """Versions that a release sends requests to, be it only copies of them."""
    rows, beside = {release.candidate for release in snapshot.releases}, _beside(snapshot)
    claims = claims_by_api(snapshot) if rows else {}
    return (
        _Family(
            api,
            kind=_Kind.CANDIDATE,
            callers=concerning(snapshot.callers, api),
            beside=beside.get(api.row),
            claims=claims.get(api.name, ()),
        )
        for api in snapshot.apis
        if api.row in rows
    )


def _chosen(snapshot: Snapshot) -> Iterable[_Family]:
    """Versions that callers choose beside a default one."""
    return (
        _Family(api, kind=_Kind.CHOSEN, callers=concerning(snapshot.callers, api))
        for versions in chosen(snapshot).values()
        for api in versions
    )


def _no_version(snapshot: Snapshot, api: SnapshotAPI) -> JSON:
    return no_version(api, typed(in_force(snapshot.policies, api.policies)))


def _shares(snapshot: Snapshot) -> Iterable[tuple[Release, SnapshotAPI]]:
    """The releases that give their candidate requests."""
    apis = {api.row: api for api in snapshot.apis}
    return ((one, apis[one.candidate]) for one in snapshot.releases if has_share(one))


def _taken_by(snapshot: Snapshot, release: Release, candidate: SnapshotAPI) -> JSON:
    is_told = bool(release.applications or concerning(snapshot.callers, candidate))
    return is_candidates(release, candidate, is_told=is_told)


def _beside(snapshot: Snapshot) -> dict[int, SnapshotAPI]:
    """The other version, by row, of those that applications are divided between."""
    apis = {api.row: api for api in snapshot.apis}
    found: dict[int, SnapshotAPI] = {}
    for one in snapshot.releases:
        if one.applications:
            found |= {one.stable: apis[one.candidate], one.candidate: apis[one.stable]}
    return found


def _mirrors(snapshot: Snapshot) -> dict[int, Mirror]:
    """Which default version's requests are copied where, by its row."""
    apis = {api.row: api for api in snapshot.apis}
    return {
        one.stable: (one, apis[one.candidate])
        for one in snapshot.releases
        if one.mirror_percent > 0
    }


def _above(base: str) -> Iterable[str]:
    """The base paths that `base` would lie in, the longest first."""
    while base:
        base = base.rpartition("/")[0]
        yield base


def readable_routes(snapshot: Snapshot) -> JSON:
    """The routes as plain JSON, for people and for tests."""
    snapshot = marked(snapshot)
    trees: dict[int, JSON] = {}
    for family in _families(snapshot):
        made = _entries(snapshot, family, _policies(snapshot, family))
        for depth, entries in made.items():
            trees.setdefault(depth, {}).update(entries)
    general = typed(in_force(snapshot.policies))
    candidates = {family.api.row: family for family in _candidates(snapshot)}
    trees_of_chosen = {
        family.api.row: _entries(snapshot, family, _policies(snapshot, family))
        for family in _chosen(snapshot)
    }
    released: list[tuple[JSON, Trees]] = []
    for release, api in _shares(snapshot):
        family = candidates[api.row]
        policies = _policies(snapshot, family)
        released.append((_taken_by(snapshot, release, api), candidate_entries(api, policies)))
        if gate := _gate(family, policies):
            released.append((is_at_gate(api), gate))
    by_version = choices(
        snapshot, lambda api: trees_of_chosen[api.row], lambda api: _no_version(snapshot, api)
    )
    made_routes = route_configuration(trees, general, released, by_version)
    return wire.discovery(wire.ROUTES, snapshot.revision, [made_routes])


def _part(snapshot: Snapshot, family: _Family, node: NodeSettings) -> _APIPart:
    policies = _policies(snapshot, family)
    filters: dict[tuple[str, str], PlacedFilter] = {}
    for found in policies.all():
        filters |= used(found)
    upstream = family.api.upstream
    is_asked = not family.api.is_retired
    made = orjson.dumps(wire.typed(wire.CLUSTER, **cluster(upstream, node))) if is_asked else b""
    made_routes = _entries(snapshot, family, policies)
    routes = {depth: map_entries(entries) for depth, entries in made_routes.items()}
    gate = {depth: map_entries(found) for depth, found in _gate(family, policies).items()}
    return _APIPart(cluster_name(upstream), made, routes, filters, gate)


def _gate(family: _Family, policies: Policies) -> dict[int, JSON]:
    if family.beside is None or family.kind is not _Kind.CANDIDATE:
        return {}
    return gate_entries(family.api, family.beside, policies)


def _policies(snapshot: Snapshot, family: _Family) -> Policies:
    return policies_of(snapshot.policies, family.api, family.callers, family.beside, family.claims)


def _entries(snapshot: Snapshot, family: _Family, policies: Policies) -> dict[int, JSON]:
    """What one API adds to the trees."""
    within = [
        (inner, typed(in_force(snapshot.policies, inner.policies))) for inner in family.within
    ]
    if family.kind is _Kind.CANDIDATE:
        return candidate_entries(family.api, policies)
    return api_entries(family.api, policies, within, family.around, family.mirror)
