"""What a check tells, for people and for programs."""

from typing import Literal

import msgspec

State = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. With a ``problem`` a session will not run, with a ``warning``
    it will, but not as well as it could; both come with ``advice``."""

    check: str
    state: State
    found: str
    advice: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All findings, in the order in which they were looked at."""

    schema: Literal["qamoe.doctor/1"] = "qamoe.doctor/1"
    version: str
    findings: list[Finding]

    @property
    def healthy(self) -> bool:
        """Whether nothing stands in a session's way."""
        return all(finding.state != "problem" for finding in self.findings)


def judged(check: str, found: str, good: bool, advice: str, otherwise: State) -> Finding:
    """``ok`` where it is ``good``, ``otherwise`` with the ``advice``."""
    if good:
        return Finding(check, "ok", found)
    return Finding(check, otherwise, found, advice)
