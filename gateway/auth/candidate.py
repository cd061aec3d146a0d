"""Tries a policy before it rules: what it would refuse or open that the one in force does not. Changes no answer.

Compares decisions: fields, arguments, filters and sort keys. Which persons it would hide is not told here.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode

from gateway.auth.jugement import Juge
from gateway.auth.viewer import Viewer
from gateway.errors import ErreurAppelant

journal = logging.getLogger("gateway.acces")

REFUSERAIT, OUVRIRAIT = "refuserait", "ouvrirait"
Compter = Callable[[str, str, str], None]  # profile, coordinate, REFUSERAIT or OUVRIRAIT


class Candidate:
    """A policy on trial. `compter` is told each difference; one line of the log tells those of an operation."""

    def __init__(self, juge: Juge, compter: Compter) -> None:
        self._juge = juge
        self._compter = compter

    def comparer(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        viewer: Viewer,
        en_vigueur: frozenset[str],
    ) -> None:
        """Decide again. `en_vigueur`: the coordinates that the policy in force grants to this operation."""
        candidates = self._accordees(document, operation, variables, viewer)
        ecarts = {REFUSERAIT: sorted(en_vigueur - candidates), OUVRIRAIT: sorted(candidates - en_vigueur)}
        for nature, coordonnees in ecarts.items():
            for coordonnee in coordonnees:
                self._compter(viewer.profil.value, coordonnee, nature)
        if en_vigueur != candidates:
            journal.info("politique candidate, profil %s : %s", viewer.profil.value, _dit(ecarts))

    def _accordees(
        self, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], viewer: Viewer
    ) -> frozenset[str]:
        try:
            return self._juge.juger(document, operation, variables, viewer).decision.coordonnees
        except ErreurAppelant:  # the whole operation would be refused
            return frozenset()


def _dit(ecarts: Mapping[str, list[str]]) -> str:
    return " ; ".join(f"{nature} {', '.join(coordonnees)}" for nature, coordonnees in ecarts.items() if coordonnees)
