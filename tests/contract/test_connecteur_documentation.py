"""docs/partenaires.md quotes the real code, and its configuration really starts."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from gateway.connectors.base import Pages, Requete
from gateway.connectors.registry import connecteurs
from gateway.sources import fichier
from gateway.sources.appels import Appel, authentique
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import charger_partenaires

RACINE = Path(__file__).parents[2]
PAGE = (RACINE / "docs" / "partenaires.md").read_text(encoding="utf-8")
CODE = (RACINE / "gateway" / "connectors" / "gestibase.py").read_text(encoding="utf-8")
LIGNES_MAX = 40


def blocs(langue: str) -> list[str]:
    return re.findall(rf"^```{langue}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("bloc", blocs("python"), ids=lambda bloc: bloc.split("(")[0])
def test_the_code_shown_is_the_code_run(bloc: str) -> None:
    assert bloc in CODE


def test_the_mapping_is_short() -> None:
    (correspondance,) = [bloc for bloc in blocs("python") if bloc.startswith("def dossier(")]
    assert correspondance.count("\n\n\ndef ") == 2
    assert len([ligne for ligne in correspondance.splitlines() if ligne.strip()]) <= LIGNES_MAX


def test_the_configuration_shown_is_read(tmp_path: Path) -> None:
    (toml,), (csv,) = blocs("toml"), blocs("csv")
    (tmp_path / "gestibase.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "gestibase.locataires.csv").write_text(csv, encoding="utf-8")
    secrets = ("GESTIBASE_SUPPORT", "GESTIBASE_CLE_0010856A", "GESTIBASE_EVENEMENTS")
    environ = dict.fromkeys(secrets, "secret")
    (partenaire,) = charger_partenaires(tmp_path, environ, connecteurs()).values()
    assert (partenaire.nom, partenaire.genre, sorted(partenaire.acces)) == (
        "gestibase",
        "gestibase",
        ["defaut", "support"],
    )
    assert list(partenaire.abonnes or ()) == ["0010856A"]


def test_the_call_shown_is_signed_as_it_must_be() -> None:
    (exemple,) = blocs("py")
    envoyes: list[Appel] = []

    def envoyer(corps: bytes, entetes: dict[str, str]) -> None:
        envoyes.append(Appel(entetes["X-Horodatage"], entetes["X-Signature"], corps))

    exec(exemple, {"secret": "secret convenu", "envoyer": envoyer})  # noqa: S102 - our own page
    (appel,) = envoyes
    assert authentique(b"secret convenu", appel, time.time())
    assert not authentique(b"autre", appel, time.time())


def test_every_key_a_partner_may_have_is_shown() -> None:
    (toml,) = blocs("toml")
    modeles: list[type[BaseModel]] = [un for un in vars(fichier).values() if _est_modele(un)]
    cles = {nom for modele in modeles for nom in modele.model_fields}
    assert cles
    assert [cle for cle in sorted(cles) if not re.search(rf"^(\[)?{cle}\b", toml, flags=re.MULTILINE)] == []


def _est_modele(un: Any) -> bool:
    return isinstance(un, type) and issubclass(un, BaseModel) and un is not BaseModel


def test_every_field_of_a_request_and_every_reading_is_explained() -> None:
    mots = {*Requete.__dataclass_fields__, *(style.name for style in Pages)}
    lectures = {"dossiers_cfa", "dossiers_structure", "moisson", "contrat", "referentiel", "capacites", "file", "avis"}
    assert {mot for mot in mots | lectures if f"`{mot}`" not in PAGE} == set()
    assert {genre for genre in connecteurs() if f"`{genre}`" not in PAGE} == set()


def test_the_counters_named_are_the_counters_there_are() -> None:
    registre = CollectorRegistry()
    Mesures(registre)
    nommes = set(re.findall(r"`(passerelle_\w+)_total`", PAGE))
    assert nommes
    assert nommes <= {mesure.name for mesure in registre.collect()}
