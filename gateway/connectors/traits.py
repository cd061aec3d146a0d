"""From a record to what identity compares: the values of a Jeune that tell one person from another, in their normal forms."""

from datetime import date

from gateway.domain.identifiers import siren
from gateway.domain.identity import ContratTraits, Traits, normalise_nom
from gateway.schema.nouns import Contrat, Jeune


def traits_of(jeune: Jeune, origin: tuple[str, str], key: str) -> Traits | None:
    """None for a record whose name has no letters: it identifies nobody. Raises ValueError without name or birth date."""
    if jeune.nom is None or jeune.prenom is None or jeune.date_naissance is None:
        raise ValueError("a connector let through a record without identity")
    if not normalise_nom(jeune.nom) or not normalise_nom(jeune.prenom):
        return None
    contrats = [contrat for contrat in jeune.contrats or [] if not contrat.annule]
    return Traits(
        origin=origin,
        key=key,
        noms=(jeune.nom, *(name for name in jeune.autres_noms if normalise_nom(name))),
        prenom=jeune.prenom,
        naissance=jeune.date_naissance,
        sexe=jeune.sexe.value if jeune.sexe else None,
        telephone=jeune.telephone,
        courriel=jeune.courriel,
        ine=jeune.ine,
        code_postal=jeune.adresse.code_postal if jeune.adresse else None,
        cfas=_cfas(jeune),
        contrats=tuple(_contrat(contrat) for contrat in contrats),
    )


def _cfas(jeune: Jeune) -> frozenset[str]:
    """By UAI and by SIRET: a source may tell one of the two only."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [formation.cfa for formation in jeune.formations or []]
    return frozenset(key for cfa in cfas if cfa for key in (cfa.uai, cfa.siret) if key)


def _contrat(contrat: Contrat) -> ContratTraits:
    return ContratTraits(
        numero=contrat.numero.upper() if contrat.numero else None,
        debut=contrat.date_debut,
        fin=_last_day(contrat),
        siren=siren(contrat.employeur.siret) if contrat.employeur and contrat.employeur.siret else None,
    )


def _last_day(contrat: Contrat) -> date | None:
    return (contrat.rupture.date if contrat.rupture else None) or contrat.date_fin
