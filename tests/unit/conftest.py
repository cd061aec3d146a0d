"""What unit tests share: a ledger of links of their own, and a process that reads it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.stores.liens import Liens
from tests.unit.liens_outils import Lecteur, grand_livre, lecteur


@pytest.fixture
async def livre(tmp_path: Path) -> AsyncIterator[Liens]:
    ouvert = grand_livre(tmp_path)
    yield ouvert
    await ouvert.fermer()


@pytest.fixture
def ici(livre: Liens) -> Lecteur:
    return lecteur(livre)
