# The package is built from this repository, and installed as `npm install -g` would.
FROM node:24-bookworm AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts && npm pack
RUN npm install --global --prefix /installed --allow-scripts=fs-xattr ./stevedore-*.tgz \
  # The worker's native code comes for five platforms, 30 MB each.
  && cd /installed/lib/node_modules/stevedore/node_modules/@temporalio/core-bridge/releases \
  && find . -mindepth 1 -maxdepth 1 ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +

FROM node:24-bookworm-slim
COPY --from=build /installed /usr/local
RUN install -d -m 700 -o node -g node /var/lib/stevedore /var/cache/stevedore
ENV STEVEDORE_HOME=/var/lib/stevedore XDG_CACHE_HOME=/var/cache
# Owners and permissions of others can only be carried by root: run it with `--user 0` where a job is to.
USER node
VOLUME /var/lib/stevedore
EXPOSE 9090
ENTRYPOINT ["stevedore"]
CMD ["--help"]
