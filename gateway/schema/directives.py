"""Directives that a caller writes on its operation. Know nothing of what obeys them: `operation` reads them."""

from typing import Annotated

import strawberry
from strawberry.directive import DirectiveLocation

MaxSeconds = Annotated[
    int, strawberry.argument(name="maxSecondes", description="Âge le plus grand voulu, en secondes.")
]


@strawberry.directive(
    locations=[DirectiveLocation.QUERY],
    description=(
        "Demande des réponses plus fraîches que celles gardées, dans la limite de ce que chaque partenaire permet ; "
        "`extensions.sources` dit l'âge obtenu."
    ),
)
def fraicheur(max_secondes: MaxSeconds) -> None:
    """Never called: an operation directive has no value to change."""
