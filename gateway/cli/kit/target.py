"""Finds the partner to verify: in the configuration, or in a folder that is shown; its secrets in the environment, or in a
file."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.cli.kit.replay import Target
from gateway.connectors.discovery import connectors
from gateway.errors import CommandFailed
from gateway.sources.partners.file_format import PartnerFile
from gateway.sources.partners.load import OWN_FOLDER_FILE, load_partner, name_of, partner_files
from gateway.sources.partners.plugins import PLUGIN, load_plugin, read_plugin
from gateway.system_reasons import reason_of
from gateway.toml_file import read_toml

FICTITIOUS = "fictif:fictif"  # reads as a key and as an account


class NoSecrets(Mapping[str, str]):
    """An environment in which every secret is there, and none is true: cases ask nobody."""

    def __getitem__(self, name: str) -> str:
        return FICTITIOUS

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def find_target(name: str, environ: Mapping[str, str], secrets: Mapping[str, str]) -> Target:
    """The partner of a name, or of a folder that holds `partenaire.toml`. Raises CommandFailed, ConfigurationError."""
    path = _file_of(name, environ)
    known, file = dict(connectors()), read_toml(path, PartnerFile)
    if (plugin := path.parent / PLUGIN).is_file():  # its author runs it: no digest is asked for
        known[file.genre] = load_plugin(plugin, file.genre, read_plugin(plugin))
    partner = load_partner(path, secrets, known)
    return Target(partner, partner.connector(known), path.parent, path, file.dialecte)


def _file_of(name: str, environ: Mapping[str, str]) -> Path:
    if (Path(name) / OWN_FOLDER_FILE).is_file():
        return Path(name) / OWN_FOLDER_FILE
    if not environ.get("GATEWAY_CONFIG"):
        raise CommandFailed(
            f"{name} : ni un dossier qui contient {OWN_FOLDER_FILE}, ni un partenaire (GATEWAY_CONFIG absente)"
        )
    folder = Path(environ["GATEWAY_CONFIG"]) / "partenaires"
    found = {path: name_of(path) for path in partner_files(folder)}
    for path, own in found.items():
        if own == name:
            return path
    raise CommandFailed(
        f"{folder} : aucun partenaire « {name} » (il y a : {', '.join(sorted(found.values())) or 'aucun'})"
    )


def secrets_of(path: Path) -> dict[str, str]:
    """The variables of a file, one `NOM=valeur` a line. Raises CommandFailed; no value is told."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CommandFailed(f"{path} : illisible ({reason_of(error)})") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path} : UTF-8 attendu") from None
    found = {}
    for number, line in enumerate(lines, 1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals or not name.strip().isidentifier():
            raise CommandFailed(f"{path} : ligne {number} : NOM=valeur attendu")
        found[name.strip()] = value.strip().strip("'\"")
    return found
