# One target per service: edge, ingest, analytics, api, simulate. Each holds its own lock's packages
# and nothing else; `ingest` also runs `nhipmay migrate`.

FROM python:3.13.9-slim-bookworm AS python
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PATH=/opt/nhipmay/bin:$PATH
WORKDIR /build

# --- the packages of each service, by hash; these layers change only with the locks ---

FROM python AS edge-packages
COPY requirements/edge.txt ./
RUN python -m venv /opt/nhipmay && pip install --require-hashes --requirement edge.txt

FROM python AS ingest-packages
COPY requirements/ingest.txt ./
RUN python -m venv /opt/nhipmay && pip install --require-hashes --requirement ingest.txt

FROM python AS analytics-packages
COPY requirements/analytics.txt ./
RUN python -m venv /opt/nhipmay && pip install --require-hashes --requirement analytics.txt

FROM python AS api-packages
COPY requirements/api.txt ./
RUN python -m venv /opt/nhipmay && pip install --require-hashes --requirement api.txt

FROM python AS simulate-packages
COPY requirements/simulate.txt ./
RUN python -m venv /opt/nhipmay && pip install --require-hashes --requirement simulate.txt

# --- the project itself, built once; every lock holds the build backend ---

FROM edge-packages AS wheel
COPY . ./
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM edge-packages AS edge-complete
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl

FROM ingest-packages AS ingest-complete
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl

FROM analytics-packages AS analytics-complete
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl

FROM api-packages AS api-complete
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl

FROM simulate-packages AS simulate-complete
COPY --from=wheel /wheel /wheel
RUN pip install --no-deps /wheel/*.whl

# --- what runs ---

FROM python AS runtime
# The folder is there so that a volume mounted on it belongs to the user.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/nhipmay --create-home nhipmay
WORKDIR /var/lib/nhipmay
USER 10001:10001
ENTRYPOINT ["nhipmay"]

FROM runtime AS edge
COPY --from=edge-complete /opt/nhipmay /opt/nhipmay
CMD ["edge", "--settings", "/etc/nhipmay/settings.yaml"]

FROM runtime AS ingest
COPY --from=ingest-complete /opt/nhipmay /opt/nhipmay
CMD ["ingest", "--settings", "/etc/nhipmay/settings.yaml"]

FROM runtime AS analytics
COPY --from=analytics-complete /opt/nhipmay /opt/nhipmay
CMD ["analytics", "--settings", "/etc/nhipmay/settings.yaml"]

FROM runtime AS api
COPY --from=api-complete /opt/nhipmay /opt/nhipmay
CMD ["api", "--settings", "/etc/nhipmay/settings.yaml"]

FROM runtime AS simulate
COPY --from=simulate-complete /opt/nhipmay /opt/nhipmay
CMD ["simulate", "--settings", "/etc/nhipmay/settings.yaml"]
