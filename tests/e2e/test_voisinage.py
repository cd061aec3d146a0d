"""A Mission locale joins only those who may be its own and whom they could be taken for: it must be what joining all gives."""

import asyncio

from fixtures.monde import Monde
from gateway.composition import construire_passerelle
from gateway.config import charger
from gateway.federation.annuaire import Annuaire
from gateway.federation.rapprochement import Groupe, rapprocher, voisinage
from gateway.federation.recensement import recenser
from gateway.federation.temoignages import Temoignage
from gateway.services import construire_services
from tests.chiffres import noter


async def tout_entendre(environnement: dict[str, str]) -> tuple[list[Temoignage], Annuaire]:
    services = construire_services(charger(environnement), environnement)
    passerelle = construire_passerelle(services)
    try:
        await services.registre.ouvrir()
        await services.gardien.ouvrir()
        return await recenser(passerelle.collecteur, passerelle.annuaire(), lambda _: None), passerelle.annuaire()
    finally:
        await services.fermer()


def decrit(groupes: list[Groupe]) -> dict[str, object]:
    return {
        groupe.cle: (
            [(t.origine, t.dossier.cle) for t in groupe.temoignages],
            groupe.niveau,
            [(lien.un.rang, lien.autre.rang, lien.score) for lien in groupe.liens],
            sorted((lien.un.rang, lien.autre.rang, lien.score) for lien in groupe.douteux),
        )
        for groupe in groupes
    }


def test_joining_a_neighbourhood_gives_what_joining_all_gives(monde: Monde) -> None:
    temoignages, annuaire = asyncio.run(tout_entendre(monde.environnement))
    tous, compares = rapprocher(temoignages), 0
    missions = sorted(monde.population.geographie.missions_locales)[::3]
    for code in missions:

        def concerne(temoignage: Temoignage, code: str = code) -> bool:
            return annuaire.mission_locale_du_domicile(temoignage.jeune.adresse) == code

        siens = [groupe for groupe in tous if any(map(concerne, groupe.temoignages))]
        voisins = rapprocher(temoignages, concerne)
        assert decrit(siens) == decrit([groupe for groupe in voisins if any(map(concerne, groupe.temoignages))])
        compares += len(voisinage({(t.origine, t.dossier.cle): t for t in temoignages}, concerne))
    entendus = len({(t.origine, t.dossier.cle) for t in temoignages})
    assert 5 * compares < len(missions) * entendus
    noter(f"voisinage : {compares // len(missions)} dossiers comparés pour une Mission locale, au lieu de {entendus}")
