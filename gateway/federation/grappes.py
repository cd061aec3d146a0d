"""The keys of persons and of contracts, as pseudonyms: what the ledger of links knows of them. Pure.

A record is designated by what its source calls it. The registry calls nobody by any name: its contracts are the records.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from gateway.domain.liens import Cle
from gateway.federation.contrats import ContratFondu
from gateway.federation.liens import Grappe
from gateway.federation.rapprochement import Groupe
from gateway.federation.temoignages import RANG, Temoignage
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Contrat, Sexe

Pseudonyme = Callable[[str], str]


def identites_partagees(groupes: Iterable[Groupe], complete: bool) -> frozenset[str]:
    """The identities that designate nobody: the joining left them to several groups, or a source was not heard, which may
    know another bearer of any of them."""
    porteurs = Counter(identite for groupe in groupes for identite in {t.identite for t in groupe.temoignages})
    return frozenset(identite for identite, combien in porteurs.items() if combien > (1 if complete else 0))


def grappe_de_personne(groupe: Groupe, partagees: frozenset[str], pseudonyme: Pseudonyme) -> Grappe:
    """The records of a person; best first, by what does not change when a source writes again."""
    ordre = sorted(groupe.temoignages, key=lambda t: (RANG[t.type], t.cle_propre))
    cles = tuple(cle for temoignage in ordre for cle in _cles_de_dossier(temoignage, pseudonyme))
    propres = {t.identite for t in ordre if t.identite != t.cle_propre}
    if propres & partagees:
        return Grappe(cles)
    sexes = {t.jeune.sexe for t in ordre if t.jeune.sexe} or set(Sexe)
    return Grappe(cles, frozenset(_identite(i, sexe, pseudonyme) for i in propres for sexe in (*sexes, None)))


def _cles_de_dossier(temoignage: Temoignage, pseudonyme: Pseudonyme) -> list[Cle]:
    nommee = temoignage.identite != temoignage.cle_propre
    identite = _identite(temoignage.identite, temoignage.jeune.sexe, pseudonyme) if nommee else ""
    if temoignage.type is not TypeSource.REGISTRE_CONTRATS:
        origine = pseudonyme("|".join(("origine", *temoignage.origine)))
        return [Cle(pseudonyme(f"dossier|{temoignage.cle_propre}"), identite, origine)]
    contrats = sorted(
        temoignage.jeune.contrats or [], key=lambda contrat: (str(contrat.date_debut), contrat.numero or "")
    )
    return [Cle(pseudonyme(f"dossier|{texte_du_contrat(temoignage, contrat)}"), identite) for contrat in contrats]


def _identite(identite: str, sexe: Sexe | None, pseudonyme: Pseudonyme) -> str:
    """Records that disagree on the sex are never joined: it is part of what designates somebody."""
    return pseudonyme(f"identite|{sexe.value if sexe else ''}|{identite}")


def texte_du_contrat(temoignage: Temoignage, contrat: Contrat) -> str:
    """What designates a contract in its source: the number (and birth date) in the registry, as the registry has it;
    elsewhere the record, and the number or the first day."""
    if temoignage.type is TypeSource.REGISTRE_CONTRATS:
        return _au_registre(temoignage.source, contrat.numero, temoignage.jeune.date_naissance)
    return f"{temoignage.cle_propre}|{contrat.numero or contrat.date_debut}"


def _au_registre(source: str, numero: str | None, naissance: date | None) -> str:
    return f"{source}|contrat|{(numero or '').casefold()}|{naissance}"


def grappes_de_contrats(fondus: Sequence[ContratFondu], pseudonyme: Pseudonyme) -> list[Grappe]:
    """The keys of each contract of a person, the registry's number first. A key of two contracts designates neither."""
    textes = [_textes(fondu) for fondu in fondus]
    porteurs = Counter(texte for siens in textes for texte in siens)
    grappes = []
    for rang, siens in enumerate(textes):
        propres = [texte for texte in siens if porteurs[texte] == 1] or [f"{siens[0]}|{rang}"]
        grappes.append(Grappe(tuple(Cle(pseudonyme(f"contrat|{texte}")) for texte in propres)))
    return grappes


def _textes(fondu: ContratFondu) -> list[str]:
    """By number and by first day: either may be told late, or corrected."""
    versions = sorted(fondu.versions, key=lambda version: version[0].type is not TypeSource.REGISTRE_CONTRATS)
    textes: dict[str, None] = {}
    for temoignage, contrat in versions:
        textes[texte_du_contrat(temoignage, contrat)] = None
        if temoignage.type is not TypeSource.REGISTRE_CONTRATS and contrat.date_debut:
            textes[f"{temoignage.cle_propre}|{contrat.date_debut}"] = None
    return list(textes)
