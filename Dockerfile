# One image for every process; deploy/run says which: docker run chatsvc worker deliver
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /app
COPY requirements*.lock ./
# EXTRAS="otel s3 heif english mongodb" takes optional parts in (traces, S3, HEIC photos, English intents, MongoDB).
ARG EXTRAS=""
RUN /opt/venv/bin/pip install --require-hashes -r requirements.lock \
    && for extra in $EXTRAS; do /opt/venv/bin/pip install --require-hashes -r "requirements-$extra.lock" || exit 1; done
COPY . .
# Compiled here, once: a process that compiles what it imports starts slowly and keeps more memory.
RUN /opt/venv/bin/python -m compileall -q . && /opt/venv/bin/python -m channels_app.words.languages
RUN ENVIRONMENT=test /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 && rm -rf var

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production HOST=0.0.0.0 PORT=8001
# PACKAGES=ffmpeg converts sounds and films in the media and deliver workers: 80 packages with every codec,
# 154 MB beside the libraries that are common with a desktop's, several hundred without them.
ARG PACKAGES=""
RUN if [ -n "$PACKAGES" ]; then apt-get update -qq && apt-get install -qq -y --no-install-recommends $PACKAGES \
    && rm -rf /var/lib/apt/lists/*; fi
RUN useradd --system --uid 10001 --user-group --no-create-home chatsvc
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
RUN install -d -o chatsvc -g chatsvc /app/var
WORKDIR /app
USER 10001:10001
VOLUME /app/var
EXPOSE 8001
STOPSIGNAL SIGTERM
ENTRYPOINT ["deploy/run"]
CMD ["web"]
