"""Real proxies before two gateways, with the files of `deploy/`: started here by their own programs, ended by their ids, never as
services. What a file says of a production (addresses, folders) is replaced by what this machine has, and nothing else."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from fixtures.gateway_process import ROOT
from fixtures.servers import HOST, free_port

NAME = "passerelle.exemple.invalid"
DEPLOY = ROOT / "deploy"
READY = 30.0  # seconds


class NamedTransport(httpx.AsyncHTTPTransport):
    """Asks a server of this machine by the name that it has elsewhere. As browsers do, asks again, once, where a connection that
    was kept was closed before a byte of the answer came (RFC 9112 §9.3.1): `closed` counts them."""

    closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": NAME}
        request.headers["Host"] = NAME
        try:
            return await super().handle_async_request(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            self.closed += 1
            return await super().handle_async_request(request)


class Proxy(ABC):
    """Context manager: a proxy that listens on `port`, from entry to exit. `folder` stands for its own in /etc."""

    program: str
    file: str
    unix: str  # how its configuration names a Unix socket

    def __init__(self, folder: Path, upstreams: tuple[str, str]) -> None:
        self.folder, self.port = folder, free_port()
        self._upstreams = [place.replace("unix:", self.unix, 1).removeprefix("http://") for place in upstreams]
        self._stack = ExitStack()
        self.certificate = folder / "passerelle.pem"

    def __enter__(self) -> Self:
        if shutil.which(self.program, path=search_path()) is None:
            reason = f"{self.program} is not installed: its page is not tried"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        self._certify()
        self.prepare((DEPLOY / self.file).read_text(encoding="utf-8"))
        output = self._stack.enter_context((self.folder / "sortie.txt").open("ab"))
        self.process = self._stack.enter_context(
            subprocess.Popen(self.command(), env=self.environment(), stdout=output, stderr=output)
        )
        self._stack.callback(self.process.terminate)
        self._wait()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def client(self) -> Mapping[str, Any]:
        """What a client of it takes: it trusts the certificate, and asks by name."""
        trusted = ssl.create_default_context(cafile=str(self.certificate))
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=40)
        self.transport = NamedTransport(verify=trusted, limits=limits, trust_env=False)
        return {"transport": self.transport}

    def environment(self) -> dict[str, str]:
        """Of its commands: curl comes here when it is asked for the name."""
        (self.folder / ".curlrc").write_text(
            f"connect-to = {NAME}:443:{HOST}:{self.port}\ncacert = {self.certificate}\nnoproxy = *\n"
        )
        own = {"PATH": f"{self.folder / 'bin'}:{search_path()}", "CURL_HOME": str(self.folder)}
        return {**os.environ, **own, "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}

    def here(self, text: str) -> str:
        """A text of a production, for this machine."""
        replaced = {
            f"/etc/{self.program}": str(self.folder),
            "127.0.0.1:8000": self._upstreams[0],
            "127.0.0.1:8001": self._upstreams[1],
        }
        for before, after in replaced.items():
            text = text.replace(before, after)
        return text

    @abstractmethod
    def prepare(self, text: str) -> None:
        """Write its configuration, of which `text` is our part."""

    @abstractmethod
    def command(self) -> list[str]:
        """How it is started in the foreground."""

    @abstractmethod
    def reload(self) -> None:
        """What its unit does when it is told to reload."""

    def _certify(self) -> None:
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]
        command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
        command += ["-keyout", str(self.certificate), "-out", f"{self.certificate}.crt"]
        subprocess.run(command, check=True, capture_output=True)
        with self.certificate.open("a") as both:
            both.write(Path(f"{self.certificate}.crt").read_text())

    def _wait(self) -> None:
        limit = time.monotonic() + READY
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError((self.folder / "sortie.txt").read_text())
            time.sleep(0.05)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False


class Nginx(Proxy):
    program, file, unix = "nginx", "nginx.conf", "unix:"

    def prepare(self, text: str) -> None:
        ours = self.here(text).replace("listen 443", f"listen {HOST}:{self.port}")
        ours = ours.replace("listen [::]:443", f"listen [::1]:{self.port}")
        (self.folder / "passerelle.conf").write_text(ours, encoding="utf-8")
        temporary = "".join(
            f"{kind}_temp_path tmp_{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            f"daemon off; user root; pid nginx.pid; error_log erreurs.txt; events {{}}\n"
            f"http {{ access_log off; {temporary}\ninclude {self.folder}/passerelle.conf; }}\n"
        )
        (self.folder / "bin").mkdir()
        wrapper = self.folder / "bin" / "nginx"
        wrapper.write_text(f'#!/bin/sh\nexec /usr/sbin/nginx -p "{self.folder}" -c nginx.conf "$@"\n')
        wrapper.chmod(0o755)

    def command(self) -> list[str]:
        return [str(self.folder / "bin" / "nginx")]

    def reload(self) -> None:
        subprocess.run([*self.command(), "-s", "reload"], check=True, capture_output=True)


class Haproxy(Proxy):
    program, file, unix = "haproxy", "haproxy.cfg", "unix@"

    def prepare(self, text: str) -> None:
        ours = self.here(text).replace("bind :::443 v4v6", f"bind {HOST}:{self.port}")
        (self.folder / "haproxy.cfg").write_text(ours, encoding="utf-8")

    def command(self) -> list[str]:
        return ["haproxy", "-W", "-f", str(self.folder / "haproxy.cfg")]

    def reload(self) -> None:
        self.process.send_signal(signal.SIGUSR2)


class Caddy(Proxy):
    program, file, unix = "caddy", "Caddyfile", "unix/"

    def prepare(self, text: str) -> None:
        ours = self.here(text).replace(f"{NAME}:443", f"{NAME}:{self.port}")
        (self.folder / "passerelle.caddy").write_text(ours, encoding="utf-8")
        own = f"{{\n\tadmin {HOST}:{free_port()}\n\tauto_https disable_redirects\n\tdefault_bind {HOST}\n}}\n"
        (self.folder / "Caddyfile").write_text(f"{own}import {self.folder}/passerelle.caddy\n")

    def command(self) -> list[str]:
        return ["caddy", "run", "--config", str(self.folder / "Caddyfile")]

    def reload(self) -> None:
        command = ["caddy", "reload", "--force", "--config", str(self.folder / "Caddyfile")]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)


def search_path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin"
