"""When will nobody call a version any more? A projection, or the reason why there is none.

The rule: days are smoothed by the mean of the seven that end with them, so that weekends do not
count as a decline. The slope is the median of the slopes between all pairs of the last
`FITTED_DAYS` smoothed days (Theil and Sen: a few odd days do not turn it), and the line goes
through the mean of the last seven days. Today is left out, because it has not ended.

A projection says what happens if callers go on leaving as they did. It knows nothing of a caller
who never moves, so it comes with how much of the smoothed volume the line explains, and there is
none at all where it would say less than it seems to.

Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau" (1968).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import combinations
from statistics import fmean, median

WEEK_DAYS = 7
FITTED_DAYS = 28
DAYS_MIN = 14  # two weeks: less says nothing about a slope
AHEAD_DAYS_MAX = 365
FALL_MIN = 0.1  # of the smoothed volume at the start of the fit, over the fit: less is noise


class Outlook(StrEnum):
    """What can be said about the end."""

    PROJECTED = "projected"
    REACHED = "reached"  # no call for a week
    TOO_EARLY = "too_early"  # fewer than `DAYS_MIN` whole days
    NOT_FALLING = "not_falling"
    TOO_FAR = "too_far"  # falling, but not to zero within `AHEAD_DAYS_MAX` days


@dataclass(frozen=True, slots=True)
class Projection:
    """`zero_on` is there for PROJECTED alone; `per_week` is the change in a week, mostly negative.

    `fit` (0 to 1) is the share of the smoothed days' variation that the line explains.
    """

    outlook: Outlook
    zero_on: date | None = None
    per_week: float | None = None
    fit: float | None = None


def project(daily: Sequence[float], last_day: date) -> Projection:
    """When a daily number reaches zero; `daily` are whole days in order, the last on `last_day`."""
    if len(daily) >= WEEK_DAYS and not any(daily[-WEEK_DAYS:]):
        return Projection(Outlook.REACHED)
    if len(daily) < DAYS_MIN:
        return Projection(Outlook.TOO_EARLY)
    smoothed = [fmean(daily[end - WEEK_DAYS : end]) for end in range(WEEK_DAYS, len(daily) + 1)][
        -FITTED_DAYS:
    ]
    slope = _slope(smoothed)
    fit = _fit(smoothed, slope)
    per_week = round(slope * WEEK_DAYS, 2)
    if -slope * (len(smoothed) - 1) < FALL_MIN * smoothed[0] or slope >= 0:
        return Projection(Outlook.NOT_FALLING, per_week=per_week, fit=fit)
    ahead = math.ceil(smoothed[-1] / -slope)
    if ahead > AHEAD_DAYS_MAX:
        return Projection(Outlook.TOO_FAR, per_week=per_week, fit=fit)
    return Projection(Outlook.PROJECTED, last_day + timedelta(days=ahead), per_week, fit)


def _slope(values: Sequence[float]) -> float:
    return median((b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(values), 2))


def _fit(values: Sequence[float], slope: float) -> float:
    """One minus what is left of the variation around the line; 0 where the line is no help."""
    mean = fmean(values)
    intercept = median(value - slope * day for day, value in enumerate(values))
    whole = sum((value - mean) ** 2 for value in values)
    left = sum((value - intercept - slope * day) ** 2 for day, value in enumerate(values))
    return 1.0 if whole == 0 else round(max(0.0, 1 - left / whole), 2)
