"""Prometheus itself reads the rules, and fires each alert on the day it is for (Debian: `apt install prometheus`)."""

import shutil
import subprocess

import pytest

from fixtures.gateway_process import ROOT

pytestmark = pytest.mark.infrastructure


@pytest.mark.parametrize("command", [("check", "rules", "regles.yml"), ("test", "rules", "essais.yml")])
def test_the_rules_are_what_prometheus_reads(command: tuple[str, ...]) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: the rules of alerts are not tried")
    ran = subprocess.run(
        [program, *command], cwd=ROOT / "deploy/prometheus", capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
