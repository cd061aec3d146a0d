"""Makes a release: `python -m tools.release changelog 0.3.0`, then, once that is committed, `python -m tools.release build`.

`changelog` gathers the fragments under the version, and writes the version where it is told. `build` makes the wheel twice, each
from a clone of its own, and keeps it if both are the same to the byte; beside it, what it is made of, and all digests. Nothing is
published, signed or tagged here: that takes a key, and a person.
"""

import filecmp
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
FRAGMENTS = ROOT / "changelog.d"
WITHOUT_INDEX = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def faults() -> list[str]:
    """Why what is committed is not a release."""
    told, public = version(), (ROOT / "publiccode.yml").read_text(encoding="utf-8")
    sections = re.findall(
        r"^## \[([^\]]+)\] - \d{4}", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    wrong = {
        "files are not committed": bool(_git("status", "--porcelain")),
        f"{told} is not the latest section of CHANGELOG.md": sections[:1] != [told],
        f"publiccode.yml does not tell {told}": f'softwareVersion: "{told}"' not in public,
        "changelog.d still has fragments: make changelog VERSION=…": any(FRAGMENTS.glob("+*.md")),
    }
    return [text for text, is_so in wrong.items() if is_so]


def write_changelog(number: str, day: str) -> None:
    """Gather the fragments, and write the version where it is told."""
    _run(["-m", "towncrier", "build", "--yes", "--version", number, "--date", day], ROOT)
    for file, expression, text in (
        ("pyproject.toml", r'^version = ".*"$', f'version = "{number}"'),
        ("publiccode.yml", r'^softwareVersion: ".*"$', f'softwareVersion: "{number}"'),
        ("publiccode.yml", r'^releaseDate: ".*"$', f'releaseDate: "{day}"'),
    ):
        path = ROOT / file
        written = re.sub(expression, text, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
        path.write_text(written, encoding="utf-8")


def checkout(commit: str, target: Path) -> Path:
    """A clone of this repository at a commit, which it tells."""
    subprocess.run([_program("git"), "clone", "--quiet", "--no-checkout", ROOT, target], check=True)
    subprocess.run([_program("git"), "-C", target, "checkout", "--quiet", "--detach", commit], check=True)
    (target / "gateway/COMMIT").write_text(f"{commit}\n", encoding="ascii")
    return target


def build_wheel(target: Path) -> Path:
    """The wheel of what is committed, from a clone of its own in `target`, with the page that Node builds."""
    clone = checkout(_git("rev-parse", "HEAD"), target / "clone")
    subprocess.run([_program("sh"), "gateway/web/source/build.sh", sys.executable], cwd=clone, check=True)
    return wheel_of(clone, target, _git("log", "-1", "--format=%ct"))


def wheel_of(clone: Path, target: Path, epoch: str) -> Path:
    """The wheel of a checkout as it is. `epoch`: the instant that its files are said to be of."""
    _run(["-m", "pip", "wheel", *WITHOUT_INDEX, "--wheel-dir", str(target), "."], clone, SOURCE_DATE_EPOCH=epoch)
    (wheel,) = target.glob("*.whl")
    return wheel


def write_bills(folder: Path, epoch: str) -> None:
    """What the wheel runs with, as who installs it gives it to pip, and as who audits it reads it (CycloneDX), its page too."""
    shutil.copy(ROOT / "requirements/runtime.txt", folder / "requirements.txt")
    command = ["-m", "cyclonedx_py", "requirements", "requirements/runtime.txt", "--pyproject", "pyproject.toml"]
    command += ["--output-reproducible", "--of", "JSON", "-o", str(folder / "sbom-python.json")]
    _run(command, ROOT, SOURCE_DATE_EPOCH=epoch, PYTHONWARNINGS="ignore")
    bill = page_bill()
    bill.pop("serialNumber")  # drawn anew each time, as the instant is: who makes the bill again can compare
    bill["metadata"]["timestamp"] = datetime.fromtimestamp(int(epoch), UTC).isoformat()
    (folder / "sbom-page.json").write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")


def page_bill() -> dict[str, Any]:
    """What npm says the page is made of. It names the whole after the folder, and wants it to have a version."""
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "passerelle-graphiql"
        page.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "gateway/web/source" / name, page)
        described = page / "package.json"
        content = {**json.loads(described.read_text(encoding="utf-8")), "version": version()}
        described.write_text(json.dumps(content), encoding="utf-8")
        npm = [_program("npm"), "sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--omit", "dev"]
        told = subprocess.run(npm, cwd=page, capture_output=True, text=True, check=True).stdout
    return dict(json.loads(told))


def build() -> None:
    """Make `dist/`, or nothing. Raises SystemExit."""
    if wrong := faults():
        raise SystemExit("\n".join(wrong))
    epoch = _git("log", "-1", "--format=%ct")
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        wheel, again = (build_wheel(Path(folder)) for folder in (one, other))
        if not filecmp.cmp(wheel, again, shallow=False):
            raise SystemExit("two builds of the same commit differ: nothing is kept")
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        shutil.copy(wheel, DIST)
    write_bills(DIST, epoch)
    files = sorted(file for file in DIST.iterdir())
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (DIST / "SHA256SUMS").write_text("".join(lines), encoding="ascii")
    print(
        "".join(lines)
        + f"Two builds gave the same bytes. Left to do: git tag -s v{version()}, sign dist/SHA256SUMS, publish."
    )


def _git(*arguments: str) -> str:
    done = subprocess.run([_program("git"), *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _run(arguments: list[str], folder: Path, **env: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=folder, env={**os.environ, **env}, check=True)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} is not installed")
    return path


if __name__ == "__main__":
    if sys.argv[1:] == ["build"]:
        build()
    elif sys.argv[1:2] == ["changelog"] and re.fullmatch(r"\d+\.\d+\.\d+", sys.argv[2]):
        write_changelog(sys.argv[2], datetime.now(UTC).date().isoformat())
    else:
        raise SystemExit(__doc__)
