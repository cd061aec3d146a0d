"""Which partners there are and how each is asked: one TOML file a partner, read into frozen records.

Knows the format of the files and nothing of HTTP. Every mistake is a ConfigurationError of one line that names the
file and the key. Secrets are read from the environment mapping passed in, and show in no `repr`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from pydantic import SecretStr

from gateway.connectors.base import Connector
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.engine import TABLE, connector
from gateway.errors import ConfigurationError
from gateway.sources.partners.file_format import AccessTable, CacheTable, HarvestTable, LimitsTable, PartnerFile
from gateway.sources.partners.network import OwnNetwork, read_network
from gateway.sources.partners.plugins import PLUGIN, digest, read_plugin
from gateway.sources.partners.tenants import TenantConfig, read_tenants, secret_of
from gateway.toml_file import line_of, read_toml

OWN_FOLDER_FILE = "partenaire.toml"  # of a partner that has a folder of its own
OWN_TENANTS = "locataires.csv"  # there, without being named


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """One credential. `type`: entete | parametre | basic | porteur | oauth2.

    `nom` is the header, the query key or the client id of oauth2. `secret` is None when the tenants file gives one a tenant.
    """

    type: str
    nom: str = ""
    secret: SecretStr | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    url_jeton: str = ""
    scope: str = ""
    in_form: bool = False  # the client and its secret go in the form, not in a header


@dataclass(frozen=True, slots=True)
class EventsConfig:
    """How a partner tells what changes: `periode` (seconds) between two looks at its queue, the secret of its calls."""

    periode: float
    secret: SecretStr | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Partner:
    """A configured partner. `nom` is its name in the graph, `genre` its connector; `read_by` what reads its answers: those that
    another read are not kept."""

    nom: str
    genre: str
    read_by: str
    base_url: str
    acces: Mapping[str, AccessConfig]
    abonnes: Mapping[str, TenantConfig] | None  # by UAI; None when the partner has one tenant
    limites: LimitsTable
    cache: CacheTable
    ouverture: tuple[time, time] | None = None  # Europe/Paris, a hint
    moisson: HarvestTable | None = None
    evenements: EventsConfig | None = None
    trace: bool = False
    ecritures: bool = False
    own: Connector | None = field(default=None, repr=False)  # of its table
    network: OwnNetwork | None = None  # None: it is reached as the others

    def connector(self, known: Mapping[str, Connector]) -> Connector:
        """Its connector: made of its table, else the one of its kind."""
        return self.own or known[self.genre]


def load_partners(
    folder: Path,
    environ: Mapping[str, str],
    genres: Collection[str],
    optional: Collection[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Partner]:
    """Read every `<nom>.toml` and `<nom>/partenaire.toml` of `folder`; `genres` are the kinds a connector exists for. Of
    `optional` names, what is wrong is told, and they are left out.

    Raises ConfigurationError, with what is wrong in each file.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} : dossier des partenaires absent")
    loaded: dict[str, Partner] = {}
    wrong: list[str] = []
    for path in partner_files(folder):
        try:
            partner = load_partner(path, environ, genres)
        except ConfigurationError as error:
            told = [str(error), *error.others]
            if name_of(path) in optional:
                tell(" ; ".join(told))
            else:
                wrong += told
            continue
        if partner.nom in loaded:
            wrong.append(f"{path} : nom : « {partner.nom} » déjà pris par un autre fichier")
        loaded[partner.nom] = partner
    if wrong:
        raise ConfigurationError(wrong[0], wrong[1:])
    _refuse_shared_cfas(folder, loaded.values())
    return loaded


def partner_files(folder: Path) -> list[Path]:
    """The files of partners, in both layouts."""
    return sorted([*folder.glob("*.toml"), *folder.glob(f"*/{OWN_FOLDER_FILE}")])


def name_of(path: Path) -> str:
    """The name that the place of a file gives its partner, be it readable or not."""
    return path.parent.name if path.name == OWN_FOLDER_FILE else path.stem


def _refuse_shared_cfas(folder: Path, partners: Iterable[Partner]) -> None:
    seen: dict[str, str] = {}
    for partner in partners:
        for uai in partner.abonnes or ():
            if uai in seen:
                both = f"« {seen[uai]} » et par « {partner.nom} »"
                raise ConfigurationError(f"{folder} : locataires : UAI {uai} servi par {both}")
            seen[uai] = partner.nom


def load_partner(path: Path, environ: Mapping[str, str], genres: Collection[str]) -> Partner:
    """The partner of one file. Raises ConfigurationError."""
    file = read_toml(path, PartnerFile)
    if file.genre not in {*genres, TABLE}:
        if (plugin := path.parent / PLUGIN).exists():
            told = f'[connecteurs] {file.genre} = "{digest(read_plugin(plugin))}"'
            where = f"{path}{line_of(path, ('genre',))}"
            raise ConfigurationError(
                f"{where} : genre : {PLUGIN} n'est pas admis ; à écrire dans gateway.toml : {told}"
            )
        known = ", ".join([*sorted(genres), TABLE])
        near = get_close_matches(file.genre, [*genres, TABLE], 1)
        hint = f" ; « {near[0]} » ?" if near else f" (connus : {known})"
        raise ConfigurationError(f"{path}{line_of(path, ('genre',))} : genre : « {file.genre} » inconnu{hint}")
    tenants = file.locataires or _own_tenants(path)
    abonnes = read_tenants(path, tenants, environ) if tenants else None
    _require_tenants(path, file, tenants, abonnes)
    return Partner(
        nom=file.nom,
        genre=file.genre,
        read_by=file.genre + (_digest(file.dialecte) if file.dialecte else ""),
        base_url=file.base_url,
        acces=_accesses(path, file, environ, abonnes),
        abonnes=abonnes,
        limites=file.limites,
        cache=file.cache,
        ouverture=(file.ouverture.debut, file.ouverture.fin) if file.ouverture else None,
        moisson=file.moisson,
        evenements=_events(path, file, environ),
        trace=file.trace,
        ecritures=file.ecritures,
        own=connector(file.dialecte) if file.dialecte else None,
        network=read_network(path, file),
    )


def _digest(dialect: Dialect) -> str:
    return sha256(dialect.model_dump_json().encode()).hexdigest()[:16]


def _own_tenants(path: Path) -> str:
    """The tenants that stand beside the file of a partner that has a folder of its own."""
    return OWN_TENANTS if path.name == OWN_FOLDER_FILE and path.with_name(OWN_TENANTS).is_file() else ""


def _require_tenants(path: Path, file: PartnerFile, tenants: str, abonnes: Mapping[str, TenantConfig] | None) -> None:
    if abonnes is None:
        if "{code}" in file.base_url:
            where = f"{path}{line_of(path, ('base_url',))}"
            raise ConfigurationError(f"{where} : base_url : {{code}} demande un fichier « locataires » ({OWN_TENANTS})")
        return
    _require_system(path, file, abonnes)
    if not file.acces and any(one.secret for one in abonnes.values()):
        told = f"{path.parent / tenants} donne un secret à chaque locataire"
        raise ConfigurationError(f"{path} : acces.defaut : absent, et {told} : acces.defaut = {{ type = … }} attendu")
    for tenant_config in abonnes.values():
        if "{code}" in (tenant_config.base_url or file.base_url) and not tenant_config.tenant.code:
            place = f"{tenant_config.where} : {tenant_config.tenant.key}"
            raise ConfigurationError(f"{place} : code absent, que {{code}} demande dans base_url ({path})")


def _require_system(path: Path, file: PartnerFile, abonnes: Mapping[str, TenantConfig]) -> None:
    """A table that is of CFA is asked for CFA only, and one of Missions locales for these."""
    if file.dialecte is None:
        return
    key = "uai" if file.dialecte.systeme == "cfa" else "mission_locale"
    other = next((one for one in abonnes.values() if one.column != key), None)
    if other is not None:
        told = f"{other.where} : {other.tenant.key} : colonne « {key} » attendue"
        raise ConfigurationError(f'{told}, que dit {path} : dialecte.systeme = "{file.dialecte.systeme}"')


def _accesses(
    path: Path, file: PartnerFile, environ: Mapping[str, str], abonnes: Mapping[str, TenantConfig] | None
) -> dict[str, AccessConfig]:
    accesses, wrong = {}, []
    for name, access in file.acces.items():
        try:
            accesses[name] = _access(path, name, access, environ, abonnes)
        except ConfigurationError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigurationError(wrong[0], wrong[1:])
    if any(access.type == "basic" for access in file.acces.values()):
        _require_accounts(abonnes)
    return accesses


def _access(
    path: Path, name: str, file: AccessTable, environ: Mapping[str, str], abonnes: Mapping[str, TenantConfig] | None
) -> AccessConfig:
    key = f"acces.{name}.secret"
    where = f"{path}{line_of(path, ('acces', name))}"
    oauth = file if file.type == "oauth2" else None
    secret = _secret(where, key, file.secret, environ, abonnes)
    if file.type == "basic" and secret and ":" not in secret.get_secret_value():
        raise ConfigurationError(f"{where} : {key} : « compte:mot de passe » attendu dans {file.secret}")
    if oauth and not oauth.client and not (abonnes and all(one.client for one in abonnes.values())):
        raise ConfigurationError(f"{where} : acces.{name}.client : {_not_of_each(abonnes, 'client')}")
    return AccessConfig(
        type=file.type,
        nom=oauth.client if oauth else getattr(file, "nom", ""),
        secret=secret,
        headers=file.entetes,
        url_jeton=oauth.url_jeton if oauth else "",
        scope=oauth.portee if oauth else "",
        in_form=oauth is not None and oauth.authentification == "post",
    )


def _require_accounts(abonnes: Mapping[str, TenantConfig] | None) -> None:
    for uai, one in (abonnes or {}).items():
        if one.secret and ":" not in one.secret.get_secret_value():
            raise ConfigurationError(f"{one.where} : {uai} : « compte:mot de passe » attendu dans son secret")


def _events(path: Path, file: PartnerFile, environ: Mapping[str, str]) -> EventsConfig | None:
    if (events := file.evenements) is None:
        return None
    secret = secret_of(environ, events.secret, f"{path} : evenements.secret") if events.secret else None
    return EventsConfig(events.periode_secondes, secret)


def _secret(
    where: str, key: str, variable: str, environ: Mapping[str, str], abonnes: Mapping[str, TenantConfig] | None
) -> SecretStr | None:
    if variable:
        return secret_of(environ, variable, f"{where} : {key}")
    if abonnes and all(tenant_config.secret for tenant_config in abonnes.values()):
        return None
    raise ConfigurationError(f"{where} : {key} : {_not_of_each(abonnes, 'secret')}")


def _not_of_each(abonnes: Mapping[str, TenantConfig] | None, name: str) -> str:
    """That a value is said neither here nor of each tenant; of the first that lacks it where others have it."""
    own = list((abonnes or {}).values())
    lacking = next((one.where for one in own if not getattr(one, name)), "")
    some = lacking and any(getattr(one, name) for one in own)
    return "absent, et " + (
        f"{lacking} : {name} vide" if some else "le fichier des locataires n'en donne pas un à chacun"
    )
