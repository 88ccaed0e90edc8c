# One image for all processes of the marketplace; compose.yaml says which command each one runs.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/venv
COPY pyproject.toml constraints.txt README.md ./
COPY marketplace marketplace
COPY registry registry
COPY search search
COPY gateway gateway
COPY client client
COPY demo demo
# PIP_EXTRA_INDEX_URL may name an index with CPU builds of torch; PyPI's brings several GB of CUDA libraries.
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_EXTRA_INDEX_URL=${PIP_EXTRA_INDEX_URL}
RUN /opt/venv/bin/pip install --no-cache-dir -c constraints.txt '.[gateway,client]' \
    && /opt/venv/bin/pip uninstall --yes data-mesh-marketplace

FROM python:3.11-slim-bookworm
# The scheduler's folder exists so that a volume put there belongs to the same user.
RUN useradd --system --uid 10001 --create-home marketplace \
    && install -d -o marketplace -g marketplace /var/lib/scheduler
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY --chown=marketplace . .
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app \
    DJANGO_SETTINGS_MODULE=marketplace.settings STATIC_ROOT=/app/staticfiles \
    HF_HUB_OFFLINE=1 HF_HOME=/tmp/huggingface MALLOC_ARENA_MAX=2 OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
# Static files do not depend on the machine; the addresses and the key are only there for the settings to load.
RUN DATABASE_URL=postgresql://build@localhost/build REDIS_URL=redis://localhost/0 \
    SECRET_KEY=only-while-building-0123456789-abcdefghijklmnop \
    python manage.py collectstatic --noinput --verbosity 0
USER marketplace
EXPOSE 8000
CMD ["gunicorn", "marketplace.wsgi:application", "--bind", "0.0.0.0:8000", "--preload", "--worker-tmp-dir", "/tmp"]
