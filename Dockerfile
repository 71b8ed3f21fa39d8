# Build: everything, tests' dependencies included, is left behind in this stage.
FROM node:22-alpine AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The sources are not here yet, so the build that `npm ci` would start is put off.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm pack --ignore-scripts --pack-destination /tmp

FROM node:22-alpine
COPY --from=build /tmp/respite-*.tgz /tmp/respite.tgz
RUN npm install --global --omit=dev --ignore-scripts --no-audit --no-fund /tmp/respite.tgz \
  && rm -rf /tmp/respite.tgz /root/.npm \
  && addgroup -S respite \
  && adduser -S -D -H -u 999 -G respite respite \
  && mkdir /data \
  && chown respite:respite /data
# What the engine compiled when the build started the server: user 999 cannot write there.
COPY --from=build /build/dist/process.*.cache /usr/local/lib/node_modules/respite/dist/
COPY docker/docker-entrypoint.sh docker/healthcheck.mjs /usr/local/bin/

USER 999
VOLUME /data
WORKDIR /data
EXPOSE 6379
# RESPITE_PORT tells the check when the server listens on another port.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "/usr/local/bin/healthcheck.mjs"]
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["respite"]
