"""Assembles the reception of what ERPs transmit, of the services of one process."""

from gateway.auth.authentication.client_register import ClientRegister
from gateway.reception.body_process import BodyProcess
from gateway.reception.reception import Reception, ReceptionMetrics, ReceptionSlots
from gateway.server.services import Services


def build_reception(services: Services, register: ClientRegister) -> Reception | None:
    """The reception of what ERPs transmit, where it is open."""
    if services.receptions is None:
        return None
    return Reception(
        store=services.receptions,
        sealer=services.configuration.sealer,
        clients=register,
        referentiel=lambda: services.keeper.current,
        now=services.configuration.now,
        metrics=ReceptionMetrics(services.metrics),
        places=ReceptionSlots(),
        prepare=BodyProcess(services.configuration.sealer).prepare,
    )
