"""Where does a node keep its files? One folder, readable by its owner alone."""

from dataclasses import dataclass
from pathlib import Path

from headgate.core.problems import Problem, ProblemType

FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class NodePaths:
    """Every place below the node's folder. Nothing else of the product writes there."""

    folder: Path

    @property
    def resources(self) -> Path:
        """The files that Envoy watches."""
        return self.folder / "envoy"

    @property
    def last_resources(self) -> Path:
        """Hard links to the resource files that were last accepted."""
        return self.folder / "envoy" / "last"

    @property
    def bootstrap(self) -> Path:
        """What Envoy is started with."""
        return self.folder / "bootstrap.json"

    @property
    def table(self) -> Path:
        """The access table that the agent writes and the filter reads."""
        return self.folder / "access.tbl"

    @property
    def certificate(self) -> Path:
        """The gateway's certificate chain and key, checked: what Envoy shows."""
        return self.folder / "envoy" / "tls.pem"

    @property
    def client_authorities(self) -> Path:
        """The authorities of callers' certificates, checked: what Envoy verifies against."""
        return self.folder / "envoy" / "clients.pem"

    @property
    def log(self) -> Path:
        """Live logs."""
        return self.folder / "log"

    @property
    def access_log(self) -> Path:
        """The log that the serving Envoy appends to."""
        return self.log / "access.log"

    @property
    def trial_log(self) -> Path:
        """The line of a request that is being tried, and of no other."""
        return self.log / "trial.log"

    @property
    def envoy_log(self) -> Path:
        """Envoy's own words."""
        return self.log / "envoy.log"

    @property
    def validator_log(self) -> Path:
        """The validators' words."""
        return self.log / "validator.log"

    @property
    def introspection(self) -> Path:
        """Whom the introspector asks, with the secrets for it."""
        return self.folder / "introspection.json"

    @property
    def introspector_log(self) -> Path:
        """The introspector's words."""
        return self.log / "introspector.log"

    @property
    def contracts(self) -> Path:
        """What calls are checked against, by id."""
        return self.folder / "contracts"

    @property
    def sequence(self) -> Path:
        """Number of the last sealed segment of the running Envoy."""
        return self.log / "sequence"

    @property
    def spool(self) -> Path:
        """Sealed segments that are not shipped yet."""
        return self.folder / "spool"

    @property
    def state(self) -> Path:
        """What the agent must remember: its name, the generation of the access rows."""
        return self.folder / "state.json"

    @property
    def process(self) -> Path:
        """Which Envoy is running."""
        return self.folder / "envoy.json"

    @property
    def lock(self) -> Path:
        """Held by the one agent of this folder."""
        return self.folder / "agent.lock"

    @property
    def snapshot(self) -> Path:
        """The last revision that Envoy accepted."""
        return self.folder / "snapshot.json"

    @property
    def snapshot_next(self) -> Path:
        """The revision that is being tried."""
        return self.folder / "snapshot.json.next"

    def create(self) -> None:
        """Make the folders.

        Raises:
            Problem: a folder cannot be made or written.
        """
        for folder in (
            self.folder,
            self.resources,
            self.last_resources,
            self.log,
            self.spool,
            self.contracts,
        ):
            try:
                folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                probe = folder / ".probe"
                probe.touch(FOLDER_MODE)
                probe.unlink()
            except OSError as error:
                raise Problem(
                    ProblemType.UNAVAILABLE,
                    f"The folder {folder} cannot be written: {error.strerror}.",
                    "Make it writable for this user, or name another data folder.",
                ) from error
