"""A process that asks for departures as fast as it is let, for some seconds, and prints when each left (system clock).

Run by `test_cadence.py`: python -m tests.resilience.marteau <redis URL> <source> <quota a second> <seconds>
"""

import asyncio
import sys
import time

from gateway.sources.allure import Allure
from gateway.sources.departs import Departs
from gateway.sources.fichier import LimitesFichier
from gateway.sources.resilience.rythme import Rythme

FRAPPEURS = 8


async def _frapper(allure: Allure, cle: str, fin: float, departs: list[float]) -> None:
    while time.monotonic() < fin:
        if attente := await allure.partir(cle):
            await asyncio.sleep(attente)
        else:
            departs.append(time.monotonic())


async def marteler(url: str, source: str, quota: float, secondes: float) -> list[float]:
    """When each departure left, from several tasks and two tenants."""
    commun, departs = Departs(url), list[float]()
    allure = Allure(source, LimitesFichier(par_seconde=quota), Rythme(commun=commun))
    fin = time.monotonic() + secondes
    await asyncio.gather(*(_frapper(allure, f"T{n % 2}", fin, departs) for n in range(FRAPPEURS)))
    await commun.aclose()
    return departs


if __name__ == "__main__":
    url, source, quota, secondes = sys.argv[1:]
    print(*asyncio.run(marteler(url, source, float(quota), float(secondes))))
