"""The one query of this bench, its variables, and what a page of it looks like written by hand."""

from datetime import date, timedelta
from typing import Any

import orjson

from gateway.schema.connexions import RuptureConnection
from gateway.schema.filtres import FiltreRuptures
from gateway.schema.nouns import Rupture, StatutApprenant

ANNEES = 4  # of ruptures: enough for pages of 500
STATUTS = sorted(StatutApprenant, key=lambda statut: statut.name)
TEXTE = f"""query Bench($n: Int!, $depuis: Date!) {{
  ruptures(first: $n, filtre: {{depuis: $depuis, statut: [{", ".join(statut.name for statut in STATUTS)}]}}) {{
    totalCount edges {{ node {{
      date joursDepuis etat prioritaire sources
      jeune {{ nom prenom age telephone courriel commune {{ nom }} statut {{ valeur depuis }} suivi {{ situation conseiller }} }}
      contrat {{ dateDebut employeur {{ denomination }} formation {{ intitule }} cfa {{ nom }} }}
    }} }} }} }}"""


def depuis(aujourdhui: date) -> str:
    return (aujourdhui - timedelta(days=365 * ANNEES)).isoformat()


def variables(n: int, aujourdhui: date) -> dict[str, Any]:
    return {"n": n, "depuis": depuis(aujourdhui)}


def corps(n: int, aujourdhui: date) -> bytes:
    """The body that every server of this bench is sent."""
    return orjson.dumps({"query": TEXTE, "variables": variables(n, aujourdhui)})


def filtre(debut: date) -> FiltreRuptures:
    return FiltreRuptures(depuis=debut, statut=STATUTS)


def page(liste: RuptureConnection) -> dict[str, Any]:
    """The JSON of a page, field by field."""
    aretes = [{"node": _rupture(arete.node)} for arete in liste.edges]
    return {"data": {"ruptures": {"totalCount": liste.total_count, "edges": aretes}}}


def _rupture(r: Rupture) -> dict[str, Any]:
    j, c = r.jeune, r.contrat
    return {
        "date": r.date,
        "joursDepuis": r.jours_depuis,
        "etat": r.etat and r.etat.name,
        "prioritaire": r.prioritaire,
        "sources": r.sources,
        "jeune": j
        and {
            "nom": j.nom,
            "prenom": j.prenom,
            "age": j.age,
            "telephone": j.telephone,
            "courriel": j.courriel,
            "commune": j.commune and {"nom": j.commune.nom},
            "statut": j.statut and {"valeur": j.statut.valeur.name, "depuis": j.statut.depuis},
            "suivi": j.suivi
            and {"situation": j.suivi.situation and j.suivi.situation.name, "conseiller": j.suivi.conseiller},
        },
        "contrat": c
        and {
            "dateDebut": c.date_debut,
            "employeur": c.employeur and {"denomination": c.employeur.denomination},
            "formation": c.formation and {"intitule": c.formation.intitule},
            "cfa": c.cfa and {"nom": c.cfa.nom},
        },
    }
