"""A failure in words that its reader can act on."""

from __future__ import annotations


class SetupError(Exception):
    """What failed, why, and the command to type next. ``where`` is a file or a place to look, often a log."""

    def __init__(self, what: str, *, why: str = "", where: str = "", then: str = "") -> None:
        self.what, self.why, self.where, self.then = what, why, where, then
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        if self.why:
            lines += [f"    {line}" for line in self.why.rstrip().splitlines()]
        if self.where:
            lines.append(f"  Where: {self.where}")
        if self.then:
            first, *others = self.then.splitlines()
            lines += [f"  Next:  {first}", *(f"         {other}" for other in others)]
        return "\n".join(lines)
