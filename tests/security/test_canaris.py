"""The search for canaries finds them: whole, in another case, in a database page; and it tells where, not what."""

from pathlib import Path

from fixtures.monde import Monde
from tests.canaris import traces, valeurs


def test_l01_a_value_left_in_a_file_is_found(monde: Monde, tmp_path: Path) -> None:
    canari = monde.population.personnes[7]
    contenus = {
        "journal": f"erreur sur {canari.courriel.upper()}".encode(),
        "metriques": f'passerelle_appels{{cle="{canari.telephone}"}} 1'.encode(),
        "base": b"\x00\xff" + f"{canari.nom} {canari.prenom}".encode() + b"\x00",
        "propre": "référentiel : 2248 communes, 18 CFA".encode(),
    }
    for nom, contenu in contenus.items():
        (tmp_path / nom).write_bytes(contenu)
    assert len(valeurs(monde.population)) > 200
    trouvees = traces(monde.population, sorted(tmp_path.iterdir()))
    assert trouvees == ["base: 1", "journal: 1", "metriques: 1"]


def test_c09_what_the_gateways_of_this_world_wrote_until_now_holds_none(monde: Monde) -> None:
    assert monde.dossier is not None
    assert traces(monde.population, monde.dossier.rglob("*")) == []
