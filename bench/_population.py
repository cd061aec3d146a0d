"""What the benches of joining share: records as the gateway reads them, and the truth of whose each is."""

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fixtures.evaluation.jugement import groupes, verite_de
from fixtures.evaluation.mesure import Enregistrement, Verite
from fixtures.monde import Monde
from fixtures.population.modele import Personne, Population, Recit
from gateway.composition import construire_passerelle
from gateway.config import charger
from gateway.domain.identifiers import siren
from gateway.domain.identity import TraitContrat, Traits
from gateway.federation.recensement import recenser
from gateway.services import construire_services

AUJOURDHUI = date(2026, 10, 15)


@dataclass(frozen=True, slots=True)
class Releve:
    """The records of one population as they are compared, each once, and whose each is."""

    traits: Sequence[Traits]
    verite: Verite

    def personne(self, trait: Traits) -> str:
        return str(self.verite.personnes[nommer(trait)])


def nommer(trait: Traits) -> Enregistrement:
    """A record as the evaluator names it; here the registry's are persons already folded."""
    return Enregistrement(trait.origine[0], f"{trait.origine[1]}/{trait.cle}")


def relever(graine: int, jeunes: int, bruit: float) -> Releve:
    """Ask every source of a generated world through the real connectors. Records of two people at once are left out."""
    with Monde.genere(graine=graine, jeunes=jeunes, bruit=bruit, aujourdhui=AUJOURDHUI) as monde:
        monde.moissonner()
        temoignages = asyncio.run(_recenser(monde.environnement))
        vraie = verite_de(monde.population).personnes
    traits: dict[object, Traits] = {}
    personnes: dict[Enregistrement, object] = {}
    for temoignage in temoignages:
        siens = {vraie[un] for un in groupes([{"enregistrements": _ids(temoignage)}])[0] if un in vraie}
        if temoignage.traits and len(siens) == 1:
            traits[temoignage.traits.rang] = temoignage.traits
            personnes[nommer(temoignage.traits)] = siens.pop()
    return Releve(sorted(traits.values(), key=lambda trait: trait.rang), Verite(personnes))  # type: ignore[arg-type]


def _ids(temoignage):  # type: ignore[no-untyped-def]
    if temoignage.source == "registre":
        return {"registre": [contrat.numero for contrat in temoignage.jeune.contrats]}
    return {temoignage.source: [f"{temoignage.locataire}/{temoignage.dossier.cle}"]}


async def _recenser(environnement: Mapping[str, str]):  # type: ignore[no-untyped-def]
    services = construire_services(charger(environnement), environnement)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await services.gardien.ouvrir()
        return await recenser(passerelle.collecteur, passerelle.annuaire(), lambda texte: print(texte, file=sys.stderr))
    finally:
        await services.fermer()


def traits_de(recits: Iterable[Recit]) -> list[Traits]:
    """Records straight from what systems tell, without HTTP: for sizes that would take an hour to serve."""
    return [_traits(recit, recit.personne) for recit in recits]


def _traits(recit: Recit, qui: Personne) -> Traits:
    return Traits(
        origine=(recit.systeme, recit.locataire),
        cle=recit.cle,
        noms=(qui.nom,),
        prenom=qui.prenom,
        naissance=qui.date_naissance,
        sexe=qui.sexe,
        telephone=qui.telephone or None,
        courriel=qui.courriel or None,
        code_postal=qui.adresse.code_postal,
        cfas=frozenset(formation.uai for formation in qui.formations),
        contrats=tuple(
            TraitContrat(
                c.numero if recit.systeme == "registre" else None,
                c.debut,
                c.rupture.date if c.rupture else c.fin,
                siren(c.employeur.siret) if c.employeur.siret else None,
            )
            for c in qui.contrats
        ),
    )


def recits(population: Population, systemes: Iterable[str]) -> list[Recit]:
    """The records of some systems."""
    return [recit for systeme in systemes for siens in population.recits[systeme].values() for recit in siens]
