"""How much of an API's traffic does another of its versions get?"""

from dataclasses import dataclass

PERCENT_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Release:
    """The candidate version's share of the requests to a default version, both by their rows.

    `percent` (0 to 100, two decimals) of the callers go to the candidate; a caller stays where it
    is, because its key decides. Requests whose header `header` is exactly `value` go there in any
    case, and so do the calls of `applications` (ids), once the access filter knows the caller.
    `mirror_percent` of the default's requests are sent to the candidate's upstream as well,
    and its answers are thrown away. `seed` draws other callers for every release.
    """

    stable: int
    candidate: int
    percent: float = 0.0
    header: str = ""
    value: str = ""
    mirror_percent: float = 0.0
    seed: int = 0
    applications: tuple[str, ...] = ()
