"""The one query of this bench, its variables, and what a page of it looks like written by hand."""

from datetime import date, timedelta
from typing import Any

import orjson

from gateway.domain.statut import StatutApprenant
from gateway.schema.connections import RuptureConnection
from gateway.schema.filters import FiltreRuptures
from gateway.schema.nouns import Rupture

YEARS = 4  # of ruptures: enough for pages of 500
STATUSES = sorted(StatutApprenant, key=lambda statut: statut.name)
TEXT = f"""query Bench($n: Int!, $depuis: Date!) {{
  ruptures(first: $n, filtre: {{depuis: $depuis, statut: [{", ".join(statut.name for statut in STATUSES)}]}}) {{
    totalCount edges {{ node {{
      date joursDepuis etat prioritaire sources
      jeune {{ nom prenom age telephone courriel commune {{ nom }} statut {{ valeur depuis }} suivi {{ situation conseiller }} }}
      contrat {{ dateDebut employeur {{ denomination }} formation {{ intitule }} cfa {{ nom }} }}
    }} }} }} }}"""


def depuis(today: date) -> str:
    return (today - timedelta(days=365 * YEARS)).isoformat()


def variables(n: int, today: date) -> dict[str, Any]:
    return {"n": n, "depuis": depuis(today)}


def body(n: int, today: date) -> bytes:
    """The body that every server of this bench is sent."""
    return orjson.dumps({"query": TEXT, "variables": variables(n, today)})


def filtre(debut: date) -> FiltreRuptures:
    return FiltreRuptures(depuis=debut, statut=STATUSES)


def page(list_query: RuptureConnection) -> dict[str, Any]:
    """The JSON of a page, field by field."""
    edges = [{"node": _rupture(edge.node)} for edge in list_query.edges]
    return {"data": {"ruptures": {"totalCount": list_query.total_count, "edges": edges}}}


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
