# One image for every role; the first argument says which: `controller`, `adapter`, `agent`, or any other command.
#   docker build -t forewarm:0.1.0 .
FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.image.json ./
COPY src src
RUN npx tsc -p tsconfig.image.json \
  && npx tsc -p src/ui --noEmit false --declaration false --isolatedDeclarations false \
  && cp src/ui/*.css dist/src/ui/ \
  && npm prune --ignore-scripts --omit=dev --omit=optional

# No shell, no package manager, no compiler. Node of this image runs it, not the one that package.json pins for development.
FROM gcr.io/distroless/nodejs24-debian13:nonroot
LABEL org.opencontainers.image.title=forewarm \
  org.opencontainers.image.licenses=Apache-2.0
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY LICENSE ./
# What it reads at run time, found by walking up from its own files: presets, engine constants, the schema it expects a cluster to serve.
COPY policies policies
COPY profiles profiles
COPY crds crds
COPY crds crds
USER 65532:65532
# Heap by the container's limit. As process 1, Node ends on SIGTERM only because every command handles it.
ENTRYPOINT ["/nodejs/bin/node", "--max-old-space-size-percentage=75", "/app/dist/src/cli/main.js"]
