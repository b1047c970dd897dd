#!/usr/bin/env python3
"""Ask an advisory database about every pinned package: `make audit`.

Ends with 0 where nothing is known against any of them, 1 where something is, and 75 where nothing
was learnt, or not of all: no database can be reached, or it does not know the packages, as an index
of copies does not. With OSV_URL, a database of OSV's kind is asked instead of PyPI's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
FOUND, NOT_DONE = 1, 75
ANSWER_SECONDS = 5
ALL_SECONDS = 120.0


def main() -> int:
    report = asked(os.environ.get("OSV_URL"))
    if report is None:
        print("audit: not done: no advisory database can be reached", file=sys.stderr)
        return NOT_DONE
    packages = report["dependencies"]
    for package in packages:
        for known in package.get("vulns", []):
            better = ", ".join(known["fix_versions"]) or "no version"
            print(f"{package['name']} {package['version']}: {known['id']}, mended in {better}")
    unknown = sum("skip_reason" in package for package in packages)
    affected = sum(bool(package.get("vulns")) for package in packages)
    said = f"{affected} of {len(packages)} packages have known vulnerabilities"
    if affected:
        print(f"audit: {said}", file=sys.stderr)
        return FOUND
    if unknown:
        left_out = f"the database does not know {unknown} of {len(packages)} packages"
        print(f"audit: not done: {left_out}", file=sys.stderr)
        return NOT_DONE
    print(f"audit: {said}", file=sys.stderr)
    return 0


def asked(osv: str | None) -> dict | None:  # type: ignore[type-arg]
    """pip-audit's report, or None where there is none."""
    service = [] if osv is None else ["--vulnerability-service", "osv", "--osv-url", osv]
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(CHECKOUT / "constraints.txt"),
        "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off",
        "--timeout", str(ANSWER_SECONDS), *service,
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603  nothing of it comes from outside
            command, capture_output=True, text=True, timeout=ALL_SECONDS, stdin=subprocess.DEVNULL
        )
        return dict(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return None


if __name__ == "__main__":
    sys.exit(main())
