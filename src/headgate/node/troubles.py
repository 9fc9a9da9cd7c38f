"""What is wrong on this node right now? Sentences for people, each with its next step."""

import asyncio
from enum import StrEnum

import structlog

SENTENCE_CHARACTERS_MAX = 2_000  # one sentence, with the tail of Envoy's log in the worst case

_log = structlog.get_logger()


class Topic(StrEnum):
    """What can be wrong; at most one sentence stands for each."""

    CONTROL_PLANE = "control_plane"
    SNAPSHOT = "snapshot"
    UPSTREAM = "upstream"
    ACCESS = "access"
    LEASES = "leases"
    WANTS = "wants"
    TABLE = "table"
    ROWS = "rows"
    COUNTERS = "counters"
    ENVOY = "envoy"
    VALIDATORS = "validators"
    CONTRACTS = "contracts"
    INTROSPECTOR = "introspector"
    INTROSPECTION = "introspection"
    UNCHECKED = "unchecked"
    CERTIFICATE = "certificate"
    CERTIFICATE_COPY = "certificate_copy"
    CLIENT_AUTHORITIES = "client_authorities"
    CLIENT_AUTHORITIES_COPY = "client_authorities_copy"
    SEAL = "seal"
    SPOOL = "spool"
    SHIP = "ship"
    ACCESS_LOG = "access_log"
    DISK = "disk"
    REPORT = "report"
    TRIALS = "trials"
    CLOCK = "clock"
    INTERNAL = "internal"


class Troubles:
    """The present troubles. `changed` is set whenever the list or the live revision changes."""

    def __init__(self) -> None:
        self._sentences: dict[Topic, str] = {}
        self.changed = asyncio.Event()

    def set(self, topic: Topic, sentence: str) -> None:
        """Say what is wrong; replaces what was said on `topic`. Logged when it is new."""
        sentence = sentence[:SENTENCE_CHARACTERS_MAX]
        if self._sentences.get(topic) == sentence:
            return
        if topic not in self._sentences:
            _log.warning("trouble", topic=str(topic), sentence=sentence)
            self.changed.set()
        self._sentences[topic] = sentence

    def clear(self, topic: Topic) -> None:
        """It is well again."""
        if self._sentences.pop(topic, None) is not None:
            _log.info("trouble is over", topic=str(topic))
            self.changed.set()

    def sentences(self) -> tuple[str, ...]:
        """All present troubles, in the order of `Topic`."""
        return tuple(self._sentences[topic] for topic in Topic if topic in self._sentences)

    def __contains__(self, topic: Topic) -> bool:
        return topic in self._sentences
