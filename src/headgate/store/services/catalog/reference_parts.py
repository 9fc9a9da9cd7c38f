"""Where are the parts of a document that its reference shows? Cut at import, read one by one."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TypeVar

from headgate.catalog.reference.index import Index, index_of, searched, shown_document
from headgate.catalog.reference.parts import Parts, split
from headgate.catalog.reference.search import Searched, SearchIndex
from headgate.model.codec import as_json, from_json
from headgate.store.models import APIVersion, Document, DocumentPart
from headgate.store.models.catalog import pack_bytes, unpack_bytes
from headgate.store.services.transactions import change

FORM = 1  # of the parts: those of another form are made again when they are asked for
INDEXES_KEPT_MAX = 16  # parsed, per process; GitHub's 1,100 operations take 2 MB
PARTS_BATCH = 500  # rows per statement
INDEX, SEARCH = "index", "search"  # no pointers, which are empty or begin with a slash

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Things:
    """What is searched, as it is stored."""

    things: tuple[Searched, ...]


class _Kept:
    """The values that were asked for last, at most `INDEXES_KEPT_MAX`."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, str], object] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str], make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]  # type: ignore[return-value]  # one kind for each key
        made = make()
        with self._lock:
            self._found[key] = made
            while len(self._found) > INDEXES_KEPT_MAX:
                self._found.popitem(last=False)
        return made


_kept = _Kept()


def store(version: APIVersion) -> None:
    """Cut the document of a version, in the place of the parts that are there."""
    found = Document.objects.get(version=version)
    document = shown_document(found.bundled)
    index = index_of(document)
    bodies = {part.pointer: part.body for part in split(document)}
    bodies[INDEX] = as_json(index)
    bodies[SEARCH] = as_json(_Things(searched(document, index)))
    DocumentPart.objects.filter(version=version).delete()
    packed = {_key(found.sha256, name): pack_bytes(body) for name, body in bodies.items()}
    rows = (DocumentPart(version=version, key=k, body_packed=body) for k, body in packed.items())
    DocumentPart.objects.bulk_create(rows, batch_size=PARTS_BATCH)


def index(version: APIVersion) -> Index:
    """The list of the operations, parsed once for each document."""
    digest = _digest(version)
    return _kept.get((digest, INDEX), lambda: from_json(Index, _body(version, digest, INDEX)))


def search_index(version: APIVersion) -> SearchIndex:
    """What of the operations is searched, made ready once for each document."""
    digest = _digest(version)

    def make() -> SearchIndex:
        return SearchIndex(from_json(_Things, _body(version, digest, SEARCH)).things)

    return _kept.get((digest, SEARCH), make)


def parts(version: APIVersion) -> Parts:
    """The parts of the document, read when a page needs them."""
    digest = _digest(version)

    def load(wanted: Iterable[str]) -> Mapping[str, bytes]:
        names = {_key(digest, name): name for name in wanted}
        rows = DocumentPart.objects.filter(version=version, key__in=list(names))
        return {
            names[key]: unpack_bytes(body) for key, body in rows.values_list("key", "body_packed")
        }

    return Parts(load)


def _body(version: APIVersion, digest: str, name: str) -> bytes:
    rows = DocumentPart.objects.filter(version=version, key=_key(digest, name))
    body = rows.values_list("body_packed", flat=True).first()
    if body is None:  # imported by a Headgate that cut documents in another way
        with change():
            store(version)
        body = rows.values_list("body_packed", flat=True).get()
    return unpack_bytes(body)


def _digest(version: APIVersion) -> str:
    return str(Document.objects.values_list("sha256", flat=True).get(version=version))


def _key(digest: str, name: str) -> str:
    return sha256(f"{FORM}\0{digest}\0{name}".encode()).hexdigest()[:32]
