"""The systemd unit and its instances are ones that systemd accepts. They are verified, and not run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.infrastructure.proxies import DEPLOY

pytestmark = pytest.mark.infrastructure


@pytest.mark.parametrize("unit", ["passerelle.service", "passerelle@0.service", "passerelle-migration.service"])
def test_systemd_accepts_the_unit(tmp_path: Path, unit: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed: the unit is not verified")
    files = {"passerelle.service": "passerelle", "passerelle@.service": "passerelle"}
    for name, file in {**files, "passerelle-migration.service": "passerelle-migration"}.items():
        text = (DEPLOY / f"{file}.service").read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/passerelle/bin/python", sys.executable), encoding="utf-8")
    own = tmp_path / "passerelle@.service.d"
    own.mkdir()
    shutil.copy(DEPLOY / "plusieurs.conf", own)
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    verified = subprocess.run(
        [program, "verify", tmp_path / unit], env=env, capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
