"""Sources that disagree, settled field by field: one table (docs/domaine.md, "Conflits"). Knows no viewer and no clock.

Every order is total over the records that tell a field and looks at nothing else: neither the order of answers nor a third
source changes who wins between two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from operator import eq
from typing import Any

from gateway.domain.identifiers import siren
from gateway.domain.identity import normaliser_nom
from gateway.domain.territoire import normaliser_ville
from gateway.federation.temoignages import Temoignage
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import Adresse, Employeur, Representant, Rupture

Dit = tuple[Temoignage, Any]  # who says it, what is said
ECART_RUPTURE_JOURS = 1  # the last day worked and the first day off tell one rupture (DOMAIN §9.4, §11.7)


class Ordre(Enum):
    """Whose word is kept, of the records that tell a field."""

    SOURCE = "source"  # ERP, registry, Mission locale; between two of one kind, the record written last
    RECENT = "récent"  # the record written last, whoever wrote it; after them, those that do not say when
    EFFET = "effet"  # as SOURCE; but the day after it, when another record tells that one: the first day off
    PREMIER = "premier"  # the earliest value
    SITUEE = "située"  # the first that leads to a Mission locale (`Temoignage.rang_du_domicile`, merge.residence)


@dataclass(frozen=True, slots=True)
class Regle:
    """How a field is settled, and when two values of it say the same thing."""

    ordre: Ordre = Ordre.SOURCE
    meme: Callable[[Any, Any], bool] = eq


def _si_dits(un: Any, autre: Any) -> bool:
    """What one of the two does not tell contradicts nothing."""
    return not un or not autre or bool(un == autre)


def memes_noms(un: str, autre: str) -> bool:
    return normaliser_nom(un) == normaliser_nom(autre)


def memes_numeros(un: str, autre: str) -> bool:
    return un.casefold() == autre.casefold()


def memes_adresses(une: Adresse, autre: Adresse) -> bool:
    """One commune, as far as both tell it: a street is written in too many ways."""
    if une.insee and autre.insee:
        return une.insee == autre.insee
    villes = normaliser_ville(une.ville or ""), normaliser_ville(autre.ville or "")
    return _si_dits(une.code_postal, autre.code_postal) and _si_dits(*villes)


def memes_employeurs(un: Employeur, autre: Employeur) -> bool:
    """One legal unit: two sources often know two of its establishments."""
    return _si_dits(un.siret and siren(un.siret), autre.siret and siren(autre.siret))


def memes_cfas(un: Cfa, autre: Cfa) -> bool:
    return un.uai == autre.uai if un.uai and autre.uai else _si_dits(un.siret, autre.siret)


def memes_representants(les_uns: Sequence[Representant], les_autres: Sequence[Representant]) -> bool:
    return _representants(les_uns) == _representants(les_autres)


def _representants(dits: Iterable[Representant]) -> set[tuple[str, str | None, str | None]]:
    return {(normaliser_nom(dit.nom or ""), dit.courriel, dit.telephone) for dit in dits}


def memes_jours(un: date, autre: date) -> bool:
    return abs((un - autre).days) <= ECART_RUPTURE_JOURS


def memes_ruptures(une: Rupture, autre: Rupture) -> bool:
    return une.date is None or autre.date is None or memes_jours(une.date, autre.date)


# By attribute of the noun. Phones and e-mails are written one way by the connectors.
JEUNE: Mapping[str, Regle] = {
    "nom": Regle(meme=memes_noms),
    "prenom": Regle(meme=memes_noms),
    "date_naissance": Regle(),
    "sexe": Regle(),
    "ine": Regle(),
    "rqth": Regle(),
    "telephone": Regle(Ordre.RECENT),
    "courriel": Regle(Ordre.RECENT),
    "adresse": Regle(Ordre.SITUEE, memes_adresses),
    "representants": Regle(meme=memes_representants),
    "suivi": Regle(),
    "collaboration": Regle(),
}
CONTRAT: Mapping[str, Regle] = {
    "numero": Regle(meme=memes_numeros),
    "type": Regle(),
    "date_debut": Regle(),
    "date_fin": Regle(),
    "employeur": Regle(meme=memes_employeurs),
    "cfa": Regle(meme=memes_cfas),
    "rupture": Regle(meme=memes_ruptures),
}
RUPTURE: Mapping[str, Regle] = {
    "date": Regle(Ordre.EFFET, memes_jours),
    "cause": Regle(meme=memes_noms),
    "signalee_le": Regle(Ordre.PREMIER),
}


def dits(porteurs: Iterable[tuple[Temoignage, Any]], champ: str) -> list[Dit]:
    """The records that tell a field, in the order they come in: best source first."""
    return [(qui, valeur) for qui, noun in porteurs if (valeur := getattr(noun, champ)) is not None]


def retenu(ordre: Ordre, dites: Sequence[Dit]) -> Dit | None:
    """The word that is kept, of records given best source first; None when nobody tells."""
    return _CHOIX[ordre](dites) if dites else None


def valeur(table: Mapping[str, Regle], champ: str, porteurs: Iterable[tuple[Temoignage, Any]]) -> Any:
    """The value kept of a field; None when nobody tells it."""
    garde = retenu(table[champ].ordre, dits(porteurs, champ))
    return garde[1] if garde else None


def _meilleur(dites: Sequence[Dit]) -> Dit:
    return dites[0]


def _recent(dites: Sequence[Dit]) -> Dit:
    return min(dites, key=lambda dit: dit[0].recence)


def _effet(dites: Sequence[Dit]) -> Dit:
    lendemain = dites[0][1] + timedelta(days=1)
    return next((dit for dit in dites if dit[1] == lendemain), dites[0])


def _moindre(dites: Sequence[Dit]) -> Dit:
    return min(dites, key=lambda dit: dit[1])


_CHOIX: Mapping[Ordre, Callable[[Sequence[Dit]], Dit]] = {
    Ordre.SOURCE: _meilleur,
    Ordre.RECENT: _recent,
    Ordre.EFFET: _effet,
    Ordre.PREMIER: _moindre,
}
