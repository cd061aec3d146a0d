"""Tries a candidate policy before it rules: what it would refuse or open that the one in force does not. Changes no answer.

Compares decisions: fields, arguments, filters and sort keys. It does not say which persons the policy would hide.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.errors import CallerError

logger = logging.getLogger("gateway.acces")

WOULD_REFUSE, WOULD_OPEN = "refuserait", "ouvrirait"
Counting = Callable[[str, str, str], None]  # profile, coordinate, WOULD_REFUSE or WOULD_OPEN


class CandidatePolicy:
    """A candidate. `count` receives each difference; one line of the log tells those of an operation."""

    def __init__(self, decision_cache: DecisionCache, count: Counting) -> None:
        self._decision_cache = decision_cache
        self._count = count

    def compare(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        viewer: Viewer,
        in_force: frozenset[str],
    ) -> None:
        """Decide again. `in_force`: the coordinates that the policy in force grants to this operation."""
        try:
            candidates = self._decision_cache.judge(document, operation, variables, viewer).decision.coordinates
        except CallerError:  # the whole operation would be refused
            candidates = frozenset()
        differences = {WOULD_REFUSE: sorted(in_force - candidates), WOULD_OPEN: sorted(candidates - in_force)}
        for nature, coordinates in differences.items():
            for coordinate in coordinates:
                self._count(viewer.profil.value, coordinate, nature)
        if in_force != candidates:
            logger.info("politique candidate, profil %s : %s", viewer.profil.value, _told(differences))


def _told(differences: Mapping[str, list[str]]) -> str:
    return " ; ".join(f"{nature} {', '.join(names)}" for nature, names in differences.items() if names)
