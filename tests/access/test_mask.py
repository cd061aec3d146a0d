"""What leaves the mask: nothing of a category not granted, at any depth, and nothing that tells it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strawberry import ID
from strawberry.types.base import StrawberryObjectDefinition

from gateway.auth.mask import masquer
from gateway.auth.rules import CATEGORIE, CategorieDonnee
from gateway.auth.rules import CategorieDonnee as C
from gateway.domain.ressemblance import Niveau
from gateway.domain.statut import StatutApprenant
from gateway.schema.connexions import RuptureEdge
from gateway.schema.explications import IndiceRapprochement, Provenance
from gateway.schema.lieux import Cfa
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    Formation,
    Jeune,
    MotifPriorite,
    Representant,
    Rupture,
    Sexe,
    Statut,
    Suivi,
)

TOUTES = frozenset(CategorieDonnee)
CFA = Cfa(nom="CFA")


def _lignes(*champs: str) -> list[Provenance]:
    recue = datetime(2025, 11, 3, tzinfo=UTC)
    return [Provenance(champ=c, source="ypareo", recue_le=recue, retenue=True, divergente=False) for c in champs]


def _jeune() -> Jeune:
    """A person told whole, with a contract and its rupture, in a cycle; each text names its category."""
    jeune = Jeune(
        id=ID("J"),
        nom="IDENTITE",
        prenom="IDENTITE",
        date_naissance=date(2006, 3, 7),
        sexe=Sexe.F,
        age=19,
        mineur=False,
        ine="IDENTIFIANT_NATIONAL",
        rqth=True,
        telephone="CONTACT",
        courriel="CONTACT",
        adresse=Adresse(voie="ADRESSE", insee="59350", ville="ADRESSE"),
        representants=[Representant(nom="REPRESENTANT")],
        statut=Statut(valeur=StatutApprenant.RUPTURANT, depuis=date(2025, 10, 1)),
        etapes=[Statut(valeur=StatutApprenant.APPRENTI, depuis=date(2025, 9, 1))],
        formations=[Formation(intitule="PARCOURS", cfa=CFA)],
        suivi=Suivi(commentaire="SUIVI"),
        collaboration=Collaboration(commentaire="COLLABORATION"),
        lignes=_lignes("telephone", "dateNaissance", "ine", "inconnu"),
    )
    contrat = Contrat(
        id=ID("C"),
        numero="CONTRAT",
        employeur=Employeur(denomination="CONTRAT"),
        cfa=CFA,
        formation=Formation(intitule="PARCOURS"),
        jeune=jeune,
        lignes=_lignes("numero", "rupture"),
    )
    rupture = Rupture(
        id=ID("R"),
        date=date(2025, 10, 1),
        cause="COLLABORATION",
        prioritaire=True,
        motifs_priorite=[MotifPriorite.RQTH, MotifPriorite.ACCOMPAGNEMENT_CONJOINT, MotifPriorite.SOUHAITE_RDV],
        sources=["ypareo"],
        contrat=contrat,
        jeune=jeune,
        lignes=_lignes("date", "cause"),
    )
    contrat.rupture = rupture
    jeune.contrats, jeune.ruptures = [contrat], [rupture]
    return jeune


def _tenus(objet: Any, vus: set[int]) -> Iterator[tuple[str, Any]]:
    """Every attribute, private ones included, of every object that is held."""
    if isinstance(objet, list | tuple):
        for element in objet:
            yield from _tenus(element, vus)
    elif is_dataclass(objet) and id(objet) not in vus:
        vus.add(id(objet))
        for nom, valeur in vars(objet).items():
            yield f"{type(objet).__name__}.{nom}", valeur
            yield from _tenus(valeur, vus)


def _regles(classe: type) -> dict[str, CategorieDonnee]:
    definition: StrawberryObjectDefinition = classe.__strawberry_definition__  # type: ignore[attr-defined]
    return {f"{classe.__name__}.{c.python_name}": c.metadata[CATEGORIE] for c in definition.fields if c.metadata}


REGLES = _regles(Jeune) | _regles(Contrat) | _regles(Rupture)
MAGASINS = {"Jeune.etapes": C.PARCOURS} | dict.fromkeys(
    ("Jeune.lignes", "Contrat.lignes", "Rupture.lignes"), C.TECHNIQUE
)


@given(categories=st.frozensets(st.sampled_from(CategorieDonnee)))
def test_rien_de_refuse_ne_reste(categories: frozenset[CategorieDonnee]) -> None:
    masque = masquer(_jeune(), categories)
    for nom, valeur in _tenus(masque, set()):
        regle = (REGLES | MAGASINS).get(nom)
        if regle is not None and regle not in categories:
            assert valeur is None, nom
        if isinstance(valeur, str) and valeur in CategorieDonnee.__members__:
            assert CategorieDonnee[valeur] in categories, nom


@given(categories=st.frozensets(st.sampled_from(CategorieDonnee)))
def test_tout_ce_qui_est_accorde_reste(categories: frozenset[CategorieDonnee]) -> None:
    original = _jeune()
    masque = masquer(original, categories)
    for nom, regle in _regles(Jeune).items():
        attribut = nom.partition(".")[2]
        if regle in categories and attribut in vars(original) and not _tient_des_noms(getattr(original, attribut)):
            assert getattr(masque, attribut) == getattr(original, attribut), nom


def _tient_des_noms(valeur: Any) -> bool:
    return isinstance(valeur, list) and isinstance(valeur[0], Contrat | Rupture)


def test_l_original_ne_change_pas() -> None:
    original = _jeune()
    avant = [nom for nom, valeur in _tenus(original, set()) if valeur is not None]
    masquer(original, frozenset())
    assert [nom for nom, valeur in _tenus(original, set()) if valeur is not None] == avant


def test_les_cycles_restent_des_cycles() -> None:
    masque = masquer(_jeune(), TOUTES)
    assert masque.contrats is not None
    assert masque.ruptures is not None
    assert masque.contrats[0].jeune is masque
    assert masque.contrats[0].rupture is masque.ruptures[0]


def test_une_arete_et_ses_champs_libres_restent() -> None:
    jeune = _jeune()
    assert jeune.ruptures is not None
    masque = masquer(RuptureEdge(cursor="c", node=jeune.ruptures[0]), frozenset({C.RUPTURE}))
    assert (masque.cursor, masque.node.id, masque.node.date) == ("c", "R", date(2025, 10, 1))
    assert masque.node.jeune is None


def test_ce_qui_n_a_pas_de_regle_est_partage() -> None:
    contrats = masquer(_jeune(), TOUTES).contrats
    assert contrats is not None
    assert contrats[0].cfa is CFA


def test_la_provenance_suit_le_champ_dont_elle_parle() -> None:
    masque = masquer(_jeune(), frozenset({C.PARCOURS, C.IDENTITE, C.CONTRAT, C.TECHNIQUE}))
    assert [ligne.champ for ligne in masque.lignes or []] == ["dateNaissance"]
    assert masque.contrats is not None
    assert [ligne.champ for ligne in masque.contrats[0].lignes or []] == ["numero"]


def test_un_indice_de_rapprochement_suit_le_champ_dont_il_parle() -> None:
    indices = [
        IndiceRapprochement(champ=champ, accord="identique", poids=1.0, sources=[], niveau=Niveau.CERTAIN)
        for champ in ("nom", "telephone")
    ]
    masque = masquer(Jeune(id=ID("J"), indices=indices), frozenset({C.PARCOURS, C.IDENTITE, C.TECHNIQUE}))
    assert [indice.champ for indice in masque.indices or []] == ["nom"]
    assert masquer(Jeune(id=ID("J"), indices=indices), frozenset({C.PARCOURS, C.IDENTITE})).indices is None


RQTH, CONJOINT, RDV = MotifPriorite.RQTH, MotifPriorite.ACCOMPAGNEMENT_CONJOINT, MotifPriorite.SOUHAITE_RDV


@pytest.mark.parametrize(
    ("accordees", "motifs", "dits", "prioritaire"),
    [
        ({C.SUIVI, C.SENSIBLE, C.COLLABORATION}, [RQTH, CONJOINT], [RQTH, CONJOINT], True),
        ({C.SUIVI, C.COLLABORATION}, [RQTH, RDV], [RDV], True),
        ({C.SUIVI, C.SENSIBLE}, [CONJOINT, RDV], [RDV], True),
        ({C.SUIVI}, [RDV, MotifPriorite.MINEUR], [RDV, MotifPriorite.MINEUR], True),
        # What is left must not tell what was left out: no reason shown, no priority shown.
        ({C.SUIVI}, [RQTH], [], False),
        ({C.SENSIBLE}, [RQTH], None, None),
    ],
)
def test_une_priorite_ne_dit_pas_ce_qu_on_ne_lit_pas(
    accordees: set[CategorieDonnee],
    motifs: list[MotifPriorite],
    dits: list[MotifPriorite] | None,
    prioritaire: bool | None,
) -> None:
    masque = masquer(Rupture(id=ID("R"), prioritaire=True, motifs_priorite=motifs), frozenset(accordees))
    assert (masque.motifs_priorite, masque.prioritaire) == (dits, prioritaire)


def test_les_noms_sont_tous_couverts() -> None:
    assert {nom.partition(".")[2] for nom in REGLES if nom.startswith("Jeune.")} >= {
        champ.name for champ in fields(Jeune) if champ.name not in {"id", "etapes", "lignes", "indices", "autres_noms"}
    }
