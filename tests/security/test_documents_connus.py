"""Documents known by their hash: the operator's, and those a client taught, for itself only (SECURITY G20)."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from fixtures.monde import Monde
from gateway.auth.rules import Profil
from gateway.auth.viewer import Viewer
from gateway.documents import Documents
from gateway.enregistres import APPRIS_MAX, Enregistres, lire_manifestes
from gateway.errors import DocumentInconnu, ErreurConfiguration, RequeteInvalide
from gateway.schema.build import construire, graphe
from tests.access.outils import viewer
from tests.security.bord import Bord, Recue

MOI = "{ moi { profil } }"


def hachee(texte: str) -> str:
    return sha256(texte.encode()).hexdigest()


def appelant(client: str, libre: bool = True) -> Viewer:
    return replace(viewer(Profil.MISSION_LOCALE), client=client, documents_libres=libre)


def test_g20_a_taught_document_is_for_the_client_that_taught_it() -> None:
    connus, une, autre = Enregistres({}), appelant("une"), appelant("autre")
    with pytest.raises(DocumentInconnu):
        connus.texte(une, None, hachee(MOI))
    assert connus.texte(une, MOI, hachee(MOI)) == MOI
    assert connus.texte(une, None, hachee(MOI)) == MOI
    with pytest.raises(DocumentInconnu):
        connus.texte(autre, None, hachee(MOI))


def test_g20_a_hash_is_the_hash_of_its_text() -> None:
    connus, une = Enregistres({}), appelant("une")
    with pytest.raises(RequeteInvalide):
        connus.texte(une, MOI, hachee("{ moi { nom } }"))
    with pytest.raises(DocumentInconnu):
        connus.texte(une, None, hachee("{ moi { nom } }"))


def test_g20_a_trusted_document_is_for_all_and_the_only_ones_of_some() -> None:
    connus, fermee = Enregistres({hachee(MOI): MOI}), appelant("fermee", libre=False)
    assert connus.texte(fermee, None, hachee(MOI)) == connus.texte(fermee, MOI, None) == MOI
    assert connus.texte(appelant("libre"), None, hachee(MOI)) == MOI
    autre = "{ sources { nom } }"
    connus.texte(appelant("libre"), autre, hachee(autre))
    for texte, empreinte in ((autre, None), (autre, hachee(autre)), (None, hachee(autre))):
        with pytest.raises(RequeteInvalide, match="documents enregistrés"):
            connus.texte(fermee, texte, empreinte)


def test_g20_what_clients_teach_is_bounded() -> None:
    connus, une = Enregistres({}), appelant("une")
    textes = [f"# {n} " + "x" * 200_000 for n in range(APPRIS_MAX // 200_000 + 2)]
    for texte in textes:
        connus.texte(une, texte, hachee(texte))
    with pytest.raises(DocumentInconnu):
        connus.texte(une, None, hachee(textes[0]))
    assert connus.texte(une, None, hachee(textes[-1])) == textes[-1]


def _persistee(bord: Bord, texte: str | None, empreinte: str, **entetes: str) -> Recue:
    corps = {"query": texte, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": empreinte}}}
    return bord.graphql({cle: valeur for cle, valeur in corps.items() if valeur}, **entetes)


def test_g20_the_protocol_of_apollo_over_http(bord: Bord, monde: Monde) -> None:
    texte = "query Persistee { moi { profil finalite } }"
    manquee = _persistee(bord, None, hachee(texte))
    assert (manquee.statut, manquee.codes) == (200, ["PERSISTED_QUERY_NOT_FOUND"])
    assert manquee.json["errors"][0]["message"] == "PersistedQueryNotFound"
    for envoi in (texte, None):
        assert _persistee(bord, envoi, hachee(texte)).json["data"]["moi"]["profil"] == "MISSION_LOCALE"
    autre = _persistee(bord, None, hachee(texte), authorization=f"Bearer {monde.jeton('cfa')}")
    assert autre.codes == ["PERSISTED_QUERY_NOT_FOUND"]


def test_g20_a_costly_document_is_judged_each_time_it_is_run(bord: Bord) -> None:
    lourde = "query($n: Int!) { jeunes(first: $n) { edges { node { ...C } } } } " + (
        "fragment C on Jeune { contrats { jeune { contrats { jeune { parcours { depuis } } } } } }"
    )
    for texte in (lourde, None):
        corps = {
            "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hachee(lourde)}},
            "variables": {"n": 500},
        }
        reponse = bord.graphql(corps | ({"query": texte} if texte else {}))
        assert reponse.codes == ["REQUETE_TROP_COUTEUSE"]


DOCUMENTS = Documents(graphe(construire()))


def test_a_manifest_is_read_and_its_documents_validated(tmp_path: Path) -> None:
    (tmp_path / "front.json").write_text(json.dumps({hachee(MOI): MOI}))
    assert lire_manifestes(tmp_path, DOCUMENTS.valider) == {hachee(MOI): MOI}
    assert lire_manifestes(tmp_path / "absent", DOCUMENTS.valider) == {}


@pytest.mark.parametrize(
    "contenu",
    ["{", "[]", '{"ab": "{ moi { profil } }"}', json.dumps({hachee("{ x }"): "{ x }"}), '{"a": 1}', "\x00"],
    ids=["JSON", "list", "hash", "document", "text", "bytes"],
)
def test_a_manifest_that_does_not_hold_stops_the_start(tmp_path: Path, contenu: str) -> None:
    (tmp_path / "front.json").write_text(contenu)
    with pytest.raises(ErreurConfiguration, match=r"^documents/front\.json : "):
        lire_manifestes(tmp_path, DOCUMENTS.valider)
