"""The tenants of a partner: one line a CFA or a Mission locale, saying where it is asked and under which secret. Does no HTTP."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic import SecretStr

from gateway.connectors.base import Tenant
from gateway.domain.official_numbers import is_valid_siret, is_valid_uai, normalise_uai
from gateway.domain.referentiel import is_code_structure, without_lost_zero
from gateway.errors import ConfigurationError
from gateway.sources.partners.file_format import base_url_of

COLUMNS = ("uai", "mission_locale", "siret", "code", "base_url", "secret", "client", "meme_cles")
SAME_KEYS = {"true": True, "false": False, "": False}
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """A tenant as configured: `base_url` empty means the partner's, `secret` None means the access's own. `same_keys`: what its
    CFA transmits bears the keys by which this partner answers."""

    tenant: Tenant
    base_url: str = ""
    secret: SecretStr | None = field(default=None, repr=False)
    client: str = ""  # of OAuth2; empty means the access's own
    column: str = "uai"  # that names it, or mission_locale
    same_keys: bool = False
    where: str = field(default="", compare=False)  # its file, and its line there


def secret_of(environ: Mapping[str, str], variable: str, where: str) -> SecretStr:
    """The secret an environment variable holds; `where` (file and key) opens the message when it is missing or empty."""
    if not environ.get(variable):
        raise ConfigurationError(f"{where} : variable d'environnement {variable} absente")
    if not (environ[variable].isascii() and environ[variable].isprintable()):
        raise ConfigurationError(f"{where} : variable d'environnement {variable} : caractère interdit dans un secret")
    return SecretStr(environ[variable])


def read_tenants(partner: Path, name: str, environ: Mapping[str, str]) -> dict[str, TenantConfig]:
    """The tenants by UAI, or by code of the Mission locale, from the CSV file that `partner` (a TOML file) names.

    Raises ConfigurationError.
    """
    path = partner.parent / name
    abonnes: dict[str, TenantConfig] = {}
    for number, line in _rows(partner, path):
        where = f"{path} : ligne {number}"
        tenant_config = _tenant_config(line, where, environ)
        if tenant_config.tenant.key in abonnes:
            raise ConfigurationError(f"{where} : uai : {tenant_config.tenant.key} en double")
        abonnes[tenant_config.tenant.key] = tenant_config
    if not abonnes:
        raise ConfigurationError(f"{path} : ligne 2 : aucun locataire ; une ligne par établissement attendue")
    return abonnes


def _rows(partner: Path, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(10) + 1
        raise ConfigurationError(f"{path} : ligne {number} : UTF-8 attendu") from None
    except OSError:
        raise ConfigurationError(f"{partner} : locataires : {path} absent ou illisible") from None
    reader = csv.reader(text.splitlines())
    headers = next(reader, [])
    if unknown := sorted(set(headers) - set(COLUMNS)):
        near = get_close_matches(unknown[0].strip().lower(), COLUMNS, 1)
        hint = f" ; « {near[0]} » ?" if near else f" (au choix {', '.join(COLUMNS)})"
        if any(sign in unknown[0] for sign in ";\t"):
            hint = " ; les colonnes se séparent par des virgules"
        raise ConfigurationError(f"{path} : ligne 1 : colonne inconnue {', '.join(unknown)}{hint}")
    if len(set(headers)) != len(headers) or "code" not in headers or not {"uai", "mission_locale"} & set(headers):
        told = "code, et uai ou mission_locale, une fois chacune"
        raise ConfigurationError(f"{path} : ligne 1 : colonnes attendues : {told} (au choix {', '.join(COLUMNS)})")
    for line in reader:
        if len(line) != len(headers):
            raise ConfigurationError(f"{path} : ligne {reader.line_num} : {len(headers)} colonnes attendues")
        yield reader.line_num, dict(zip(headers, (value.strip() for value in line), strict=True))


def _tenant_config(line: Mapping[str, str], where: str, environ: Mapping[str, str]) -> TenantConfig:
    uai, structure, siret = (line.get(name, "") for name in ("uai", "mission_locale", "siret"))
    if bool(uai) == bool(structure):
        raise ConfigurationError(f"{where} : uai ou mission_locale attendu, l'un des deux")
    if uai and not is_valid_uai(uai):
        near = f" ; « {whole} » ?" if (whole := normalise_uai(uai)) else ""
        raise ConfigurationError(f"{where} : uai : invalide (sept chiffres, et la lettre qui les contrôle){near}")
    if structure and not is_code_structure(structure):
        lost = f" ; « {whole} » ?" if (whole := without_lost_zero(structure)) else ""
        raise ConfigurationError(
            f"{where} : mission_locale : « {structure} » : code de cinq caractères attendu (01001){lost}"
        )
    if siret and not is_valid_siret(siret):
        raise ConfigurationError(f"{where} : siret : invalide (quatorze chiffres, et leur contrôle)")
    variable = line.get("secret", "")
    if variable and not _VARIABLE.fullmatch(variable):  # it would be shown
        raise ConfigurationError(f"{where} : secret : nom d'une variable d'environnement attendu, et non le secret")
    if (same_keys := SAME_KEYS.get(line.get("meme_cles", ""))) is None or (same_keys and structure):
        raise ConfigurationError(f"{where} : meme_cles : true ou false attendu, true pour un CFA seulement")
    return TenantConfig(
        where=where,
        same_keys=same_keys,
        tenant=Tenant(key=uai or structure, siret=siret, code=line["code"]),
        client=line.get("client", ""),
        column="uai" if uai else "mission_locale",
        base_url=_url(line.get("base_url", ""), where),
        secret=secret_of(environ, variable, f"{where} : secret") if variable else None,
    )


def _url(url: str, where: str) -> str:
    try:
        return base_url_of(url) if url else ""
    except ValueError as error:
        raise ConfigurationError(f"{where} : base_url : {error}") from None
