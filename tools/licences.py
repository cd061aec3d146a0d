"""Under which licences we may use what we lock: `python -m tools.licences --check`. Reads what is installed; asks nobody.

What is installed says its licence in the words of its author: an SPDX expression since PEP 639, a classifier before it, its own
words else. Those that mean one of the list are written here; a package whose words mean nothing is named here, its text read. The
page of GraphiQL leaves with the wheel: its lock tells.
"""

import json
import re
import sys
from importlib import metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PAGE_LOCK = REQUIREMENTS.parent / "gateway/web/source/package-lock.json"
LOCKS = ("runtime", "dev", "release")
# What asks for no more than its text beside the program; MPL-2.0 and LGPL ask for their own files only, which we do not change.
ALLOWED = frozenset(
    {
        "MIT",
        "MIT-0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "0BSD",
        "Apache-2.0",
        "ISC",
        "PSF-2.0",
        "Unlicense",
        "MPL-2.0",
        "LGPL-2.1-or-later",
    }
)
MEANT = {
    "MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
}
READ = {"aiocache": "BSD-3-Clause", "httpx-aiohttp": "BSD-3-Clause"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", re.MULTILINE)


def locked() -> list[str]:
    """The packages of the locks, by name."""
    texts = ((REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8") for lock in LOCKS)
    return sorted({name for text in texts for name in PIN.findall(text)})


def of_the_page() -> dict[str, str]:
    """What the lock of the page says of each of its packages."""
    packages = json.loads(PAGE_LOCK.read_text(encoding="utf-8"))["packages"]
    return {name.removeprefix("node_modules/"): str(told.get("license", "")) for name, told in packages.items() if name}


def licence_of(package: str) -> str | None:
    """What an installed package says of its licence, as SPDX; None for one that is not installed here."""
    try:
        told = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return None
    if package in READ:
        return READ[package]
    if "License-Expression" in told:
        return str(told["License-Expression"])
    lines = told.get_all("Classifier") or []
    words = [line.rpartition(" :: ")[2] for line in lines if line.startswith("License ::")]
    words += told.get_all("License") or []
    return next((MEANT.get(word, word) for word in words if MEANT.get(word, word) in ALLOWED), " ; ".join(words)[:80])


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression lets us do with allowed licences: all that it names, or one of those among which we choose."""
    names = re.sub(r"\s+WITH\s+\S+|[()]", " ", expression)
    parts = [part.strip() in ALLOWED for part in re.split(r"\s(?:AND|OR)\s", f" {names} ")]
    return all(parts) if " AND " in names else any(parts)


def main() -> int:
    found = {name: told for name in locked() if (told := licence_of(name)) is not None}
    page = of_the_page()
    refused = {name: told for name, told in {**found, **page}.items() if not is_allowed(told)}
    for name, told in refused.items():
        print(f"{name}: {told or 'says nothing'}: not in the list of tools/licences.py")
    if "--check" not in sys.argv:
        print("\n".join(f"{name}\t{told}" for name, told in found.items()))
    told = f"{len(found)} packages of {len(locked())} locked are installed here, {len(page)} make the page"
    print(f"{told}; {len(refused)} under no licence of the list")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
