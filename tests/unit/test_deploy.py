"""The files of `deploy/` are ones that their programs read, and name what the gateway has: variables, ports, paths, figures.

They were never run: what is verified here is what a reading can verify.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fixtures.gateway_process import ROOT
from tests.unit.test_public_names import COMMANDS, ENVIRONMENT

DEPLOY = ROOT / "deploy"
YAML = sorted(path for path in DEPLOY.rglob("*.y*ml"))
KNOWN = ENVIRONMENT | {"GATEWAY_LOGS", "GATEWAY_LOGS_NIVEAU"}
COMPOSE: Mapping[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Any] = COMPOSE["services"]
OURS = ("migration", "passerelle-a", "passerelle-b")


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def manifests() -> Iterator[Mapping[str, Any]]:
    for path in sorted((DEPLOY / "kubernetes/base").glob("*.yaml")):
        yield from (one for one in documents(path) if one["kind"] != "Kustomization")


def containers() -> dict[str, Mapping[str, Any]]:
    found = [one["spec"]["template"]["spec"] for one in manifests() if one["kind"] in ("Deployment", "Job")]
    return {container["name"]: container for spec in found for container in spec["containers"]}


def own_name(variable: str) -> str:
    return variable.removesuffix("_FILE")


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_file_is_yaml_and_says_nothing_twice(path: Path) -> None:
    class Strict(yaml.SafeLoader):
        """Refuses a key written twice, which YAML forbids and its readers let pass."""

    def mapping(loader: Strict, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        loader.flatten_mapping(node)
        return yaml.SafeLoader.construct_mapping(loader, node, deep)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    assert list(yaml.load_all(path.read_text(encoding="utf-8"), Strict))


@pytest.mark.parametrize("name", OURS)
def test_compose_gives_a_gateway_what_it_reads(name: str) -> None:
    service = SERVICES[name]
    assert {own_name(variable) for variable in service["environment"]} <= KNOWN
    assert all(isinstance(value, str) for value in service["environment"].values())
    files = [Path(value).name for variable, value in service["environment"].items() if variable.endswith("_FILE")]
    assert set(files) == set(service["secrets"]) <= COMPOSE["secrets"].keys()
    assert service["environment"]["GATEWAY_PROCESSUS"] == str(
        len([one for one in SERVICES if one.startswith("passerelle-")])
    )
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"


@pytest.mark.parametrize("name", SERVICES)
def test_compose_opens_nothing_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert set(service.get("ports", [])) <= {"443:443", "127.0.0.1:3000:3000"}
    assert not service["image"].endswith(":latest")
    assert ":" in service["image"]
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
    named = {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith("./")}
    assert named <= COMPOSE["volumes"].keys()
    assert set(service.get("depends_on", {})) <= SERVICES.keys()


def test_compose_migrates_before_it_serves() -> None:
    command = tuple(SERVICES["migration"]["command"][3:])
    assert SERVICES["migration"]["command"][:3] == ["/app/bin/python", "-m", "gateway"]
    assert command in COMMANDS
    for name in ("passerelle-a", "passerelle-b"):
        assert SERVICES[name]["depends_on"]["migration"] == {"condition": "service_completed_successfully"}
        assert SERVICES[name]["stop_grace_period"] == "40s"


def test_files_that_compose_mounts_are_there() -> None:
    mounted = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", [])}
    ours = {path for path in mounted if path.startswith("./") and path not in ("./configuration", "./passerelle.pem")}
    assert {path for path in ours if not (DEPLOY / path).exists()} == set()
    assert len(ours) == 5


def test_the_proxy_of_compose_is_the_one_that_is_tried() -> None:
    """`make infrastructure` runs deploy/nginx.conf before two gateways: this one differs by their names alone."""
    tried = (DEPLOY / "nginx.conf").read_text(encoding="utf-8").splitlines()[1:]
    here = (DEPLOY / "compose/nginx.conf").read_text(encoding="utf-8").splitlines()[1:]
    changed = [(before.strip(), after.strip()) for before, after in zip(tried, here, strict=True) if before != after]
    assert changed == [
        ("server 127.0.0.1:8000 max_fails=0;", "server passerelle-a:8000 max_fails=0;"),
        ("server 127.0.0.1:8001 max_fails=0;", "server passerelle-b:8000 max_fails=0;"),
    ]
    assert SERVICES["passerelle-a"]["environment"]["PORT"] == "8000"


def test_prometheus_reads_the_admin_listener_of_each_gateway() -> None:
    (scrape,) = documents(DEPLOY / "compose/prometheus.yml")[0]["scrape_configs"]
    assert scrape["job_name"] == "passerelle"  # as the alert of an absent gateway asks
    port = SERVICES["passerelle-a"]["environment"]["ADMIN_PORT"]
    assert scrape["static_configs"] == [{"targets": [f"passerelle-a:{port}", f"passerelle-b:{port}"]}]


@pytest.mark.parametrize("name", ["passerelle", "migration"])
def test_kubernetes_gives_a_gateway_what_it_reads(name: str) -> None:
    container = containers()[name]
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert {own_name(variable) for variable in variables} <= KNOWN
    assert all(isinstance(value, str) for value in variables.values())
    assert tuple(container["command"][3:]) in COMMANDS
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    read = {str(Path(value).parent) for variable, value in variables.items() if variable.endswith("_FILE")}
    assert read | {variables["GATEWAY_CONFIG"]} <= mounts


def test_kubernetes_asks_the_probes_of_the_gateway_on_its_ports() -> None:
    container = containers()["passerelle"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert ports == {"http": variables["PORT"], "admin": variables["ADMIN_PORT"]}
    assert container["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "http"}
    app = (ROOT / "gateway/edge/health_http.py").read_text(encoding="utf-8")
    assert '"/health/live"' in app
    assert '"/health/ready"' in app


def test_kubernetes_selects_what_it_labels() -> None:
    by_kind: dict[str, list[Any]] = {}
    for one in manifests():
        by_kind.setdefault(one["kind"], []).append(one)
    (deployment,) = by_kind["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert [service["spec"]["selector"] for service in by_kind["Service"]] == [labels, labels]
    assert by_kind["NetworkPolicy"][0]["spec"]["podSelector"]["matchLabels"] == labels
    assert by_kind["PodDisruptionBudget"][0]["spec"]["selector"]["matchLabels"] == labels
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 40
    # Not selected by the service: it does not answer.
    assert by_kind["Job"][0]["spec"]["template"]["metadata"]["labels"] != labels


@pytest.mark.parametrize(("overlay", "replicas"), [("recette", 1), ("production", 2)])
def test_each_overlay_is_whole_and_counts_its_processes(overlay: str, replicas: int) -> None:
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed: the overlays are not built")
    built = subprocess.run(
        [program, "kustomize", DEPLOY / "kubernetes" / overlay], capture_output=True, text=True, check=True
    ).stdout
    (deployment,) = [one for one in yaml.safe_load_all(built) if one["kind"] == "Deployment"]
    assert deployment["spec"]["replicas"] == replicas
    env = {one["name"]: one["value"] for one in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["GATEWAY_PROCESSUS"] == str(replicas)
    assert len(env) == len(containers()["passerelle"]["env"])


def test_the_image_runs_as_the_number_that_manifests_say() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\S+)", image, re.MULTILINE) == ["10001"]
    assert "useradd --uid 10001 " in image


def test_the_migration_unit_is_that_of_the_service() -> None:
    """The same account, folder and secrets: what it makes is what the service opens."""
    service, migration = (
        (DEPLOY / f"{name}.service").read_text(encoding="utf-8") for name in ("passerelle", "passerelle-migration")
    )
    for line in (
        "User=passerelle",
        "StateDirectory=passerelle",
        "EnvironmentFile=/etc/passerelle.env",
        "DynamicUser=yes",
        "UMask=0077",
    ):
        assert line in service.splitlines()
        assert line in migration.splitlines()
    assert "ExecStart=/opt/passerelle/bin/python -m gateway base migrer" in migration.splitlines()


BOARD = json.loads((DEPLOY / "grafana/passerelle.json").read_text(encoding="utf-8"))
QUERIES = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]


def test_the_board_has_panels_that_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"]) > 20


def test_every_rule_that_the_board_reads_is_recorded() -> None:
    recorded = set(re.findall(r"record: (\S+)", (DEPLOY / "prometheus/regles.yml").read_text(encoding="utf-8")))
    assert {name for query in QUERIES for name in re.findall(r"passerelle:[\w:]+", query)} <= recorded


def test_compose_serves_the_board() -> None:
    (provider,) = documents(DEPLOY / "compose/grafana/dashboards/passerelle.yml")[0]["providers"]
    assert f"./grafana:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]
    (source,) = documents(DEPLOY / "compose/grafana/datasources/prometheus.yml")[0]["datasources"]
    used = {panel["datasource"]["uid"] for panel in BOARD["panels"] if "datasource" in panel}
    assert used == {source["uid"]}
