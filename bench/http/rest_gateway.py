"""The gateway with two more connectors, those of the REST services: a connector is one file, here of the bench."""

from pathlib import Path

import gateway.connectors

gateway.connectors.__path__.append(str(Path(__file__).with_name("connectors")))

from gateway.server.lifecycle import serve  # noqa: E402  the connectors are found at import

if __name__ == "__main__":
    serve()
