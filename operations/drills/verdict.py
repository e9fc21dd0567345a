"""What a drill came to, judged against its budget: pure functions of what was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from operations.drills.catalogue import Budget
from operations.drills.ledger import Outcome, Reconciled
from operations.drills.timeline import WriterAck, recovery_s, two_writers
from operations.drills.witness import Seen


@dataclass(frozen=True)
class Check:
    """One line of the verdict: what was demanded, what was found."""

    name: str
    found: str
    demanded: str
    passed: bool


@dataclass(frozen=True)
class Moments:
    """Seconds since 1970. ``fault``: just before it; ``broken``: when it had taken effect; ``undone``: when it ended;
    ``ended``: of the whole drill; ``elected``: another member got a victim's part, None where none did."""

    began: float
    fault: float
    broken: float
    undone: float
    ended: float
    elected: float | None = None


def failures(seen: Seen) -> list[tuple[str, float, str]]:
    """(kind, when it began, why) of every request that did not succeed."""
    found = [("write", write.began, write.why) for write in seen.writes if write.outcome is not Outcome.ACKNOWLEDGED]
    found += [(ask.kind, ask.began, ask.why or "no answer") for ask in seen.asks if not ask.succeeded]
    return sorted(found, key=lambda failure: failure[1])


def recovered_s(seen: Seen, budget: Budget, at: Moments) -> float | None:
    """The recovery time that the budget speaks of."""
    if budget.of == "slot":
        # Without an election the master itself came back to them.
        return trouble_s(seen, "session", at) if at.elected is None else at.elected - at.fault
    return recovery_s(seen.acknowledged(), at.undone if budget.from_undo else at.fault, at.ended)


def trouble_s(seen: Seen, kind: str, at: Moments) -> float | None:
    """From the fault to the end of the last request of a kind that failed: only some of them are hit (those whose slots
    one master served). None: to the end of the watch."""
    asks = [ask for ask in seen.asks if ask.kind == kind and ask.ended >= at.fault]
    last = max((ask.ended for ask in asks if not ask.succeeded), default=at.fault)
    return last - at.fault if any(ask.succeeded and ask.began >= last for ask in asks) else None


def checks(budget: Budget, seen: Seen, ledger: Reconciled, at: Moments, *,
           acks: Collection[WriterAck] = (), missing_acks: Sequence[str] = ()) -> list[Check]:
    """Everything that was demanded, in the order in which a reader wants it."""
    failed = failures(seen)
    found = [
        _none("acknowledged writes lost", ledger.lost),
        _none("writes said to have failed, and stored", ledger.contradicted),
        _none("writes stored twice", ledger.duplicates),
        _none("writes entered twice by the witness", ledger.miscounted),
    ]
    if acks:
        found += [_none("moments with two writers", two_writers(acks)),
                  _none("commits that a member acknowledged, lost", missing_acks)]
    if budget.recovery_s is not None:
        took = recovered_s(seen, budget, at)
        what = f"{budget.of}s go on"
        since = " after the fault's end" if budget.from_undo else ""
        found.append(Check(f"{what}{since}", "never" if took is None else f"{took:.2f} s", f"≤ {budget.recovery_s:g} s",
                           took is not None and took <= budget.recovery_s))
    if budget.failed_writes is not None:
        found.append(_at_most("writes failed or unknown", ledger.failed + ledger.unknown, budget.failed_writes))
    if budget.failed_reads is not None:
        found.append(_at_most("reads failed", sum(kind == "read" for kind, _, _ in failed), budget.failed_reads))
    if budget.only_in_flight:
        late = [failure for failure in failed if failure[1] > at.broken]
        found.append(_at_most("requests failed that began after the fault", len(late), 0))
    if budget.trouble_s is not None:
        last = max((began for _, began, _ in failed), default=at.fault)
        found.append(Check("last request that failed", f"{max(0.0, last - at.fault):.2f} s after the fault",
                           f"≤ {budget.trouble_s:g} s", last - at.fault <= budget.trouble_s))
    if budget.answered_s is not None:
        slowest = max((write.ended - write.began for write in seen.writes), default=0.0)
        found.append(Check("slowest answer to a write", f"{slowest:.2f} s", f"≤ {budget.answered_s:g} s",
                           slowest <= budget.answered_s))
    if seen.left_out:
        found.append(_at_most("requests left out by the witness", seen.left_out, 0))
    return found


def _none(name: str, found: Collection[str]) -> Check:
    return _at_most(name, len(found), 0)


def _at_most(name: str, found: int, bound: int) -> Check:
    return Check(name, str(found), str(bound) if bound == 0 else f"≤ {bound}", found <= bound)
