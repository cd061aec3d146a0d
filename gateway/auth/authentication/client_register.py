"""The register of callers as its file is now: read again when it changes, so that removing a client or a key is effective
within ten seconds. Knows no caller.

A file that no longer reads, or is cut, leaves the last good register in force: one mistyped line must not close the door to
everybody at once. It is told, and for a bounded time only: what was removed in the same edit would stay admitted for good.

An API key is 256 random bits, shown once. The register holds its HMAC under a key derived from the gateway's own (the
pepper), so that a stolen register opens nothing and a guess is worth nothing without that key.
"""

import hmac
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from gateway.auth.authentication.clients import RegisteredClient, read_clients, read_register
from gateway.auth.policy.rules import Profil
from gateway.domain.referentiel import CommuneLine, OrganismeRow, Referentiel
from gateway.domain.seal import Sealer
from gateway.errors import ClientsUnavailable, ConfigurationError, TokenFault, Unauthenticated

REREAD_AFTER = 10  # seconds between two looks at the file
UNREADABLE_MAX = 900  # seconds that the last good register outlives its file, unless gateway.toml says otherwise
CUT = "sans [fin] : le registre en vigueur en avait, fichier coupé"
PREFIX = "pa_"  # of an API key: lets scanners of repositories recognise a lost one
LENGTH = len(PREFIX) + 43
USAGE = "clé d'API"
_END = re.compile(r"\n*^\[fin\][^\n]*\n+clients *=[^\n]*\n*", re.MULTILINE)
logger = logging.getLogger("gateway.auth.clients")


class ClientRegister(Mapping[str, RegisteredClient]):
    """The register of a file, as it is now. `seconds` is a clock, `bound` how long the last good register may outlive its file.

    Once it has, reading it raises ClientsUnavailable: everybody is refused.
    """

    def __init__(self, path: Path, seconds: Callable[[], float], bound: float = UNREADABLE_MAX) -> None:
        self._path, self._seconds, self._bound = path, seconds, bound
        self._file_state = _file_state(path)
        self._clients, self.is_closed = read_register(path)
        if not self.is_closed:
            logger.warning(
                "%s sans [fin] : un fichier coupé passerait ; « python -m gateway clients clore »", path.name
            )
        self._seen_at = seconds()
        self._unreadable_since: float | None = None

    def __getitem__(self, client: str) -> RegisteredClient:
        return self.current()[client]

    def __iter__(self) -> Iterator[str]:
        return iter(self.current())

    def __len__(self) -> int:
        return len(self.current())

    def current(self) -> Mapping[str, RegisteredClient]:
        """The register in force; another object when its file has changed. Raises ClientsUnavailable."""
        if self.unreadable_for() > self._bound:
            raise ClientsUnavailable("Le registre des appelants est momentanément indisponible.")
        return self._clients

    def unreadable_for(self) -> float:
        """Seconds since the file stopped reading; 0 when it reads."""
        instant = self._seconds()
        if instant - self._seen_at >= REREAD_AFTER:
            self._seen_at = instant
            self._reread(instant)
        # The look that finds it so is counted from the one before: it changed some time between the two.
        return instant - self._unreadable_since if self._unreadable_since is not None else 0.0

    def reload(self) -> None:
        """Look at the file now, whatever was seen of it."""
        self._seen_at, self._file_state = self._seconds(), None
        self._reread(self._seen_at)

    def _reread(self, instant: float) -> None:
        file_state = _file_state(self._path)
        if file_state == self._file_state:
            self._unreadable_since = None
            return
        try:
            clients, is_closed = read_register(self._path)
            if self.is_closed and not is_closed:
                raise ConfigurationError(f"{self._path.name} : {CUT}")
        except ConfigurationError as error:
            if self._unreadable_since is None:
                self._unreadable_since = instant - REREAD_AFTER
            logger.error("registre des clients inchangé : %s", error)
            return
        self._clients, self.is_closed, self._file_state = clients, is_closed, file_state
        self._unreadable_since = None


class ClientMetrics:
    """What is told of the register: its figures, and the probes of `/health/ready`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        gauge = partial(Gauge, registry=registry)
        text = "Depuis quand clients.toml ne se lit plus, 0 s'il se lit."
        self._unreadable = gauge("passerelle_clients_illisible_secondes", text)
        text = "1 si clients.toml prouve qu'il est entier ([fin])."
        self._closed = gauge("passerelle_clients_clos", text)
        text = "Clients dont l'organisme n'est pas au référentiel."
        self._strangers = gauge("passerelle_clients_organisation_inconnue", text)

    def follow(self, register: ClientRegister, strangers: Callable[[], tuple[str, ...]]) -> None:
        """Tell of this register from now on; `strangers`: its clients of an unknown organisation."""
        self._unreadable.set_function(register.unreadable_for)
        self._closed.set_function(lambda: float(register.is_closed))
        self._strangers.set_function(lambda: float(len(strangers())))


class OrganisationCheck:
    """The clients whose organisation the referential of the moment does not know: they would see nobody, in silence."""

    def __init__(self, register: ClientRegister, referentiel: Callable[[], Referentiel]) -> None:
        self._register, self._referentiel = register, referentiel
        self._looked: tuple[object, object] = (None, None)
        self._strangers: tuple[str, ...] = ()

    def strangers(self) -> tuple[str, ...]:
        """Their ids; looked for again when the register or the referential has changed."""
        try:
            clients = self._register.current()
        except ClientsUnavailable:
            return ()
        looked = (clients, self._referentiel())
        if any(one is not other for one, other in zip(looked, self._looked, strict=True)):
            self._looked = looked
            self._strangers = unknown_organisations(*looked)
            for client in self._strangers:
                logger.error("clients.toml : clients.%s.organisation : inconnue du référentiel", client)
        return self._strangers


def unknown_organisations(clients: Mapping[str, RegisteredClient], referentiel: Referentiel) -> tuple[str, ...]:
    """The clients whose organisation the referential does not know; none while there is no referential."""
    communes, organismes = referentiel.communes.values(), referentiel.organismes.values()
    places: list[CommuneLine | OrganismeRow] = [*communes, *organismes]
    regions = {place.region for place in places}
    known: Mapping[Profil, set[str | None]] = {
        Profil.MISSION_LOCALE: {*referentiel.missions_locales, *(commune.mission_locale for commune in communes)},
        Profil.CFA: set(referentiel.organismes),
        Profil.TETE_DE_RESEAU: {reseau for organisme in organismes for reseau in organisme.reseaux},
        Profil.DREETS: regions,
        Profil.FRANCE_TRAVAIL: regions,
        Profil.ARML: regions,
        Profil.REGION: regions,
        Profil.DDETS: {place.departement for place in places},
        Profil.ACADEMIE: {place.academie for place in places},
    }
    if not communes:
        return ()
    return tuple(
        name
        for name, client in clients.items()
        if client.organisation and client.organisation not in known.get(client.role, {client.organisation})
    )


def close_clients(path: Path) -> int:
    """Write at the end of a register how many clients it holds, which proves that it is whole; that number.

    Raises ConfigurationError, and changes nothing then.
    """
    draft = path.with_suffix(".nouveau")
    try:
        written = path.read_text(encoding="utf-8")
        # As many lines: a mistake is told by its line in the file of its operator.
        draft.write_text(_END.sub(lambda end: "\n" * end[0].count("\n"), written), encoding="utf-8")
        number = len(read_clients(draft))
        text = _END.sub("\n", written).rstrip("\n")
        draft.write_text(f"{text}\n\n[fin]\nclients = {number}\n", encoding="utf-8")
        shutil.copymode(path, draft)
        os.replace(draft, path)
    except ConfigurationError as error:  # of the file that its operator wrote
        raise ConfigurationError(str(error).replace(draft.name, path.name)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} : illisible ou non modifiable ({type(error).__name__})") from None
    finally:
        draft.unlink(missing_ok=True)
    return number


def _file_state(path: Path) -> tuple[int, ...] | None:
    """Facts of a file that change with it, None when there is no file."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def create_key() -> str:
    """A new key: 256 random bits in base64url, after PREFIX."""
    return PREFIX + secrets.token_urlsafe(32)


def key_digest(sealer: Sealer, key: str) -> str:
    """The pseudonym of a key, which the register holds in place of it."""
    return sealer.pseudonym(USAGE, key)


def client_of_key(clients: Mapping[str, RegisteredClient], sealer: Sealer, key: str, day: date) -> str:
    """The client of a key. Every key of the register is compared, in constant time. Raises Unauthenticated."""
    if len(key) != LENGTH or not key.isascii():
        raise Unauthenticated(TokenFault.API_KEY)
    presented = key_digest(sealer, key)
    matching = [
        name
        for name, client in clients.items()
        for known in client.cles
        if hmac.compare_digest(known.empreinte, presented) and day <= known.expire
    ]
    if not matching:
        raise Unauthenticated(TokenFault.API_KEY)
    return matching[0]
