"""Whether a colour answers well enough: pass, fail or no data. Pure functions.

Every sentence has the value and the threshold. No data is never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PASS, FAIL, NO_DATA = "pass", "fail", "no data"
WORSE_BY_MS = 50.0
"""A canary that is slower than the stable side by less than this is not worth a word."""
ALIKE = 0.8
"""A stable side that fails at least this share as often as the canary fails alike."""
SAYS_NOTHING = ", but the stable side does no better: that says nothing of the release"


@dataclass(frozen=True)
class Measure:
    """What a colour answered in a while. ``requests`` have ended; ``failed`` were answered 5xx, ``succeeded`` below
    500; the rest got no answer. ``p95_ms`` None: not known."""

    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    p95_ms: float | None = None

    @property
    def error_percent(self) -> float:
        return 100 * self.failed / self.requests if self.requests else 0.0

    @property
    def success_percent(self) -> float:
        return 100 * self.succeeded / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        p95 = "p95 not known" if self.p95_ms is None else f"p95 {self.p95_ms:.0f} ms"
        return f"{self.requests} requests, {self.error_percent:.2f} % errors, {p95}"


@dataclass(frozen=True)
class Limits:
    """``samples``: fewer requests are no data, unless too many of them failed. ``p95_ms`` 0: not judged.
    ``times_stable``: how many times the stable side's p95 a canary's may be; 0: not compared. The ``instant`` ones are
    judged over the last seconds alone."""

    error_percent: float = 1.0
    success_percent: float = 99.0
    p95_ms: float = 200.0
    times_stable: float = 2.0
    samples: int = 50
    instant_error_percent: float = 10.0
    instant_samples: int = 20


@dataclass(frozen=True)
class Verdict:
    """``outcome`` is one of ``PASS``, ``FAIL`` and ``NO_DATA``."""

    outcome: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.outcome}: {'; '.join(self.reasons)}"


def judge(new: Measure, stable: Measure, limits: Limits) -> Verdict:
    """The verdict on ``new``; ``stable`` (no requests: nobody to compare with) answered in the same time."""
    if new.requests < limits.samples:
        return _of_few(new, stable, limits)
    wrong, alike, unknown = _against_limits(new, stable, limits)
    if wrong:
        return Verdict(FAIL, tuple(wrong))
    if alike or unknown:
        return Verdict(NO_DATA, (*alike, *unknown))
    said = [f"errors {new.error_percent:.2f} % <= {limits.error_percent:g} %",
            f"success {new.success_percent:.2f} % >= {limits.success_percent:g} %"]
    if limits.p95_ms and new.p95_ms is not None:
        said.append(f"p95 {new.p95_ms:.0f} ms <= {limits.p95_ms:g} ms")
    return Verdict(PASS, (f"requests {new.requests}", *said))


def instant(new: Measure, limits: Limits) -> str:
    """Why to stop at once, from the last seconds alone; "" when there is no reason to."""
    if _least_percent(new, limits.instant_samples) > limits.instant_error_percent:
        if new.requests < limits.instant_samples:
            return _too_many(new, limits.instant_samples, limits.instant_error_percent)
        return f"errors {new.error_percent:.1f} % > {limits.instant_error_percent:g} % of the last {new.requests}"
    return ""


def p95(values: Sequence[float]) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else None


def _alike(theirs: float, ours: float) -> bool:
    return ours > 0 and theirs >= ALIKE * ours


def _least_percent(new: Measure, samples: int) -> float:
    """How many failed of so many requests at least, if all that are missing succeed."""
    return 100 * new.failed / max(new.requests, samples, 1)


def _too_many(new: Measure, samples: int, percent: float) -> str:
    return f"{new.failed} of {new.requests} failed: more than {percent:g} % of {samples}, if all others succeed"


def _of_few(new: Measure, stable: Measure, limits: Limits) -> Verdict:
    """Fewer than ``samples``: no data, unless too many have failed already. A visitor whom a side fails is drawn anew
    the next time, and its breakers open: there may never be more."""
    few = f"requests {new.requests} < {limits.samples}"
    if _least_percent(new, limits.samples) <= limits.error_percent:
        return Verdict(NO_DATA, (few,))
    said = _too_many(new, limits.samples, limits.error_percent)
    if stable.requests >= limits.samples and _alike(stable.error_percent, new.error_percent):
        return Verdict(NO_DATA, (few, f"{said}{SAYS_NOTHING}"))
    return Verdict(FAIL, (said,))


def _against_limits(new: Measure, stable: Measure, limits: Limits) -> tuple[list[str], list[str], list[str]]:
    """What is wrong with the new side, what is as wrong with the stable one, and what isn't known."""
    wrong: list[str] = []
    alike: list[str] = []
    unknown: list[str] = []
    comparable = stable.requests >= limits.samples

    def tell(sentence: str, theirs: float, ours: float) -> None:
        if comparable and _alike(theirs, ours):
            alike.append(f"{sentence}{SAYS_NOTHING}")
        else:
            wrong.append(sentence)

    if new.error_percent > limits.error_percent:
        tell(f"errors {new.error_percent:.2f} % > {limits.error_percent:g} %", stable.error_percent, new.error_percent)
    if new.success_percent < limits.success_percent and not wrong and not alike:
        tell(f"success {new.success_percent:.2f} % < {limits.success_percent:g} %", 100 - stable.success_percent,
             100 - new.success_percent)
    if limits.p95_ms and new.p95_ms is None:
        unknown.append(f"p95 not known, limit {limits.p95_ms:g} ms")
    elif limits.p95_ms and new.p95_ms is not None:
        if new.p95_ms > limits.p95_ms:
            tell(f"p95 {new.p95_ms:.0f} ms > {limits.p95_ms:g} ms", stable.p95_ms or 0.0, new.p95_ms)
        elif (comparable and limits.times_stable and stable.p95_ms and new.p95_ms > limits.times_stable * stable.p95_ms
              and new.p95_ms - stable.p95_ms > WORSE_BY_MS):
            wrong.append(f"p95 {new.p95_ms:.0f} ms > {limits.times_stable:g} times the stable side's "
                         f"{stable.p95_ms:.0f} ms")
    return wrong, alike, unknown
