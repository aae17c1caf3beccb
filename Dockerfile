# The image of iotops: docker build --tag iotops .
# Two stages: what builds stays behind; what runs is Python, the pinned packages, and three programs of Debian.
# Python's own image, by Debian; any other with Python 3.11 or newer and apt-get does, for instance from a registry of your own:
# --build-arg PYTHON_IMAGE=registry.example.org/python:3.11-slim-bookworm
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
# Packages first, so that a change of our own code does not install them anew. Each is checked against its hash;
# where they come from is pip's own configuration, as everywhere in this project.
COPY requirements.lock ./
RUN python3 -m venv /opt/iotops && /opt/iotops/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY simulators simulators
COPY rules rules
# A file system that is read only takes no bytecode later, hence compiled here. What only installs does not run.
RUN /opt/iotops/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
    && /opt/iotops/bin/pip uninstall --yes hatchling editables pip \
    && python3 -m compileall -q /opt/iotops/lib

FROM ${PYTHON_IMAGE}
# pg_dump and pg_restore for `iotops db backup` of PostgreSQL 15, openssl for `iotops devices`.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends postgresql-client openssl \
    && rm -rf /var/lib/apt/lists/*
# A number of nobody on the host; deploy/compose.yaml takes that of mosquitto's user, with whom credentials are shared.
ARG IOTOPS_UID=10001
RUN groupadd --gid ${IOTOPS_UID} iotops \
    && useradd --uid ${IOTOPS_UID} --gid iotops --home-dir /var/lib/iotops --shell /usr/sbin/nologin iotops \
    && install -d -o iotops -g iotops -m 0700 /var/lib/iotops /etc/iotops/broker
COPY --from=build /opt/iotops /opt/iotops
COPY rules /etc/iotops/rules
ENV PATH=/opt/iotops/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    IOTOPS_RULES__DIRECTORY=/etc/iotops/rules \
    IOTOPS_ENROLMENT__DIRECTORY=/etc/iotops/broker
USER ${IOTOPS_UID}:${IOTOPS_UID}
# The only place that is written to: the SQLite database where there is one, and the anchors of the audit chain.
WORKDIR /var/lib/iotops
VOLUME /var/lib/iotops
EXPOSE 8000
STOPSIGNAL SIGTERM
# Ready, and not merely alive: schema, rules, ingest and subscription. `HEALTH_PORT` where api.listen says another one.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('HEALTH_PORT', '8000')), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["iotops"]
CMD ["up"]
