"""A first configuration, for an operator to complete: files of examples/, an empty register of callers, keys of its own. Knows no
key of a partner's system.
"""

import base64
import csv
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from gateway.errors import CommandFailed
from gateway.sources.partners.file_format import PartnerFile
from gateway.system_reasons import reason_of
from gateway.toml_file import read_toml

HERE = Path(__file__).resolve().parent
# The wheel has them beside this file, a checkout at its root.
EXAMPLES = next(folder for folder in (HERE / "examples", HERE.parent.parent / "examples") if folder.is_dir())
PARTNERS = ("registre", "referentiel", "gestibase")  # the two without which nothing starts, and an ERP
REGISTER = """\
# Le registre des appelants : un jeton n'accorde rien au-delà de ces lignes. Toutes les clés : docs/configuration.md.
#
# [clients.ml-exemple]
# profil = "MISSION_LOCALE"
# organisation = "60175"
# nom = "Mission locale d'exemple"
# finalites = ["ACCOMPAGNEMENT"]

[clients]

# Prouve que le fichier est entier ; « python -m gateway clients clore » l'écrit, après chaque ajout ou retrait.
[fin]
clients = 0
"""
HEAD = """\
# Secrets de la passerelle. À garder ailleurs aussi : sans GATEWAY_CLE, les identifiants donnés sont perdus et le journal est
# invérifiable. Chacun peut tenir dans un fichier : NOM_FILE en donne le chemin, NOM est alors ôté.
"""
NEXT = """\
{folder} : configuration écrite. Ensuite :
  1. compléter gateway.toml (émetteur des jetons), partenaires/ et clients.toml ;
  2. remplir les secrets des partenaires dans .env ;
  3. set -a; . {environment}; set +a
  4. python -m gateway clients clore
  5. python -m gateway config check
  6. python -m gateway moisson, aux heures du registre, puis python -m gateway serve
Pas à pas : docs/guide-exploitant.md ; d'un bout à l'autre, pour essayer : docs/exercice.md"""


def write_configuration(folder: Path) -> str:
    """Write a first configuration; what to do next. Raises CommandFailed: never over what is there."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise CommandFailed(f"{folder} : n'est pas vide ; donner un dossier vide, ou à créer")
        (folder / "partenaires").mkdir(parents=True)
        shutil.copy(EXAMPLES / "gateway.toml", folder)
        for name in PARTNERS:
            for file in sorted((EXAMPLES / "partenaires").glob(f"{name}.*")):
                shutil.copy(file, folder / "partenaires")
        (folder / "clients.toml").write_text(REGISTER, encoding="utf-8")
        _write_secrets(folder)
    except OSError as error:
        raise CommandFailed(f"{folder} : ne s'écrit pas ({reason_of(error)})") from None
    return NEXT.format(folder=folder, environment=quote(str(folder / ".env")))


def _write_secrets(folder: Path) -> None:
    """The `.env`, which its owner alone reads, from its first byte on."""
    file = folder / ".env"
    file.touch(mode=0o600, exist_ok=False)
    lines = [f"GATEWAY_CONFIG={quote(str(folder.resolve()))}", f"GATEWAY_CLE={_key()}", f"GATEWAY_CACHE_CLES={_key()}"]
    lines += ["", "# À remplir :", *(f"{name}=" for name in _secrets_named(folder / "partenaires"))]
    file.write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _secrets_named(partners: Path) -> list[str]:
    """The environment variables that the files of partners name, in their order, each once."""
    return list(dict.fromkeys(name for file in sorted(partners.glob("*.toml")) for name in _secrets_of(file) if name))


def _secrets_of(path: Path) -> Iterator[str]:
    file = read_toml(path, PartnerFile)
    yield from (access.secret for access in file.acces.values())
    if file.evenements:
        yield file.evenements.secret
    if file.locataires:
        with (path.parent / file.locataires).open(encoding="utf-8", newline="") as rows:
            yield from (row.get("secret") or "" for row in csv.DictReader(rows))
