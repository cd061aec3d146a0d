"""Why a database fails, in one line: the cause and what to do, by its code. Holds nothing of a URL, a statement or a value."""

import socket
import ssl
from collections.abc import Iterator

# SQLSTATE: whole, or its class (https://www.postgresql.org/docs/current/errcodes-appendix.html)
_STATES = {
    "08P01": "refus d'un intermédiaire ; PgBouncer en pool_mode = transaction ou session, et search_path par ALTER ROLE",
    "28P01": "mot de passe refusé ; corriger le compte ou le secret",
    "28": "accès refusé ; admettre dans pg_hba.conf ce compte, cette base et cette adresse, ou y demander TLS (sslmode)",
    "3D000": "base inconnue ; la créer, ou corriger son nom",
    "3F000": "aucun schéma où écrire ; ALTER ROLE … SET search_path",
    "42501": "droit manquant ; GRANT USAGE, CREATE sur le schéma, et les tables au compte",
    "25006": "lecture seule ; nommer le primaire, ou tous les serveurs et target_session_attrs=read-write",
    "53100": "disque plein ; libérer de la place",
    "53200": "mémoire du serveur épuisée ; regarder sa charge",
    "53300": "plus de connexion libre ; relever max_connections, ou passer par PgBouncer",
    "57014": "délai dépassé au serveur ; relever statement_timeout du compte",
    "57P03": "serveur qui démarre ou s'arrête ; attendre",
    "57": "connexion coupée par le serveur ; attendre son redémarrage, ou regarder son journal",
    "55P03": "verrou tenu par un autre ; regarder pg_locks",
    "40": "conflit avec une autre transaction ; elle sera refaite",
    "42P01": "table absente ; le compte voit-il le schéma d'avant (search_path) ?",
    "22021": "base qui n'est pas en UTF8 ; la recréer avec ENCODING 'UTF8'",
    "22P05": "base qui n'est pas en UTF8 ; la recréer avec ENCODING 'UTF8'",
    "XX": "pages endommagées ; regarder le journal du serveur, restaurer",
    "58": "disque en erreur ; regarder le journal du serveur",
}
_SQLITE = {
    "SQLITE_CANTOPEN": "fichier impossible à ouvrir ; vérifier le dossier et ses droits",
    "SQLITE_READONLY": "fichier ou dossier en lecture seule ; rendre le dossier des données inscriptible",
    "SQLITE_FULL": "disque plein ; libérer de la place",
    "SQLITE_BUSY": "fichier occupé par un autre processus ; arrêter celui qui l'écrit",
    "SQLITE_LOCKED": "fichier occupé par un autre processus ; arrêter celui qui l'écrit",
    "SQLITE_NOTADB": "ce fichier n'est pas une base ; le restaurer",
    "SQLITE_CORRUPT": "base endommagée ; la restaurer",
    "SQLITE_IOERR": "disque en erreur ; regarder le journal du système",
}
_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificat non reconnu ; vérifier sslrootcert et le nom de l'hôte"),
    (ssl.SSLError, "TLS refusé ; vérifier sslmode et le port"),
    (socket.gaierror, "nom d'hôte inconnu ; corriger l'adresse"),
    (ConnectionRefusedError, "connexion refusée ; démarrer le serveur, ou corriger l'hôte et le port"),
    (FileNotFoundError, "socket absente ; démarrer le serveur, ou corriger le chemin"),
    (PermissionError, "accès au fichier refusé ; vérifier ses droits"),
    (TimeoutError, "pas de réponse ; regarder le réseau et le serveur"),
    (ConnectionError, "connexion coupée ; regarder le journal du serveur"),
    (OSError, "serveur injoignable ; corriger l'hôte, ou regarder le réseau"),
)
# Of the driver's, which is not loaded where it does not serve.
_NO_PRIMARY = "TargetServerAttributeNotMatched"


def cause(error: BaseException) -> str:
    """The first code or kind known of an error, or of what caused it, and what to do; else its name."""
    chain = list(_chain(error))[::-1]  # what came first says most
    told = (text for how in (_by_state, _by_sqlite, _by_kind) for one in chain if (text := how(one)))
    return next(told, type(chain[0]).__name__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__


def _by_state(error: BaseException) -> str | None:
    state = getattr(error, "sqlstate", None)
    if not isinstance(state, str):
        return None
    return f"{state} : {_STATES.get(state) or _STATES.get(state[:2]) or 'regarder le journal du serveur'}"


def _by_sqlite(error: BaseException) -> str | None:
    name = getattr(error, "sqlite_errorname", None)
    known = (text for start, text in _SQLITE.items() if isinstance(name, str) and name.startswith(start))
    return next((f"{name} : {text}" for text in known), None)


def _by_kind(error: BaseException) -> str | None:
    if type(error).__name__ == _NO_PRIMARY:
        return "aucun serveur n'accepte ces sessions ; promouvoir un réplica, ou corriger les hôtes et target_session_attrs"
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return "le serveur n'offre pas TLS ; l'y activer (ssl = on), ou changer sslmode"
    return next((f"{type(error).__name__} : {text}" for kind, text in _KINDS if isinstance(error, kind)), None)
