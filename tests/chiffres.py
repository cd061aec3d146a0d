"""The figures of a run, printed at its end."""

CHIFFRES: list[str] = []


def noter(ligne: str) -> None:
    """Keep a figure for the end of the run."""
    CHIFFRES.append(ligne)
