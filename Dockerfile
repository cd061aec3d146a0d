# The gateway alone, without simulators. Written with care and never run: no container engine was at hand.
#   docker build -t passerelle .
#   docker run -p 8000:8000 -v /srv/passerelle:/config -e GATEWAY_CLE=… passerelle
ARG BASE=python:3.11-slim
FROM ${BASE} AS construction
WORKDIR /src
COPY requirements requirements
RUN python -m venv /app && /app/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
RUN python -m venv /outils && /outils/bin/pip install --no-cache-dir --require-hashes -r requirements/dev.txt
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
RUN sh gateway/web/source/build.sh /outils/bin/python
RUN /outils/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /roue . && /app/bin/pip install --no-deps /roue/*.whl

FROM ${BASE}
RUN useradd --uid 10001 --create-home passerelle
COPY --from=construction /app /app
# A number: an orchestrator that refuses root must read it.
USER 10001
# The configuration directory holds gateway.toml, clients.toml, partenaires/ and the data: mount it; secrets come from the environment.
# Two arenas of the allocator rather than sixteen: 245 MiB instead of 280 under load (docs/fiabilite.md).
ENV GATEWAY_CONFIG=/config HOST=0.0.0.0 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
VOLUME /config
EXPOSE 8000
# Metrics and the details of health are on 127.0.0.1:9090 of the container. To read them from a network of operators, and from no other:
# -e ADMIN_HOST=0.0.0.0, the port 9090 not published.
# For an orchestrator: liveness /health/live, readiness /health/ready, 40 s of grace before it kills (docker stop -t 40).
STOPSIGNAL SIGTERM
HEALTHCHECK CMD ["/app/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/live', timeout=3)"]
CMD ["/app/bin/python", "-m", "gateway", "serve"]
