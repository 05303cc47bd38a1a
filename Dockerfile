# Official Node 24, so the pinned npm copy of Node is left out. Not built on the machine this was written on.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json package-lock.json ./
COPY bin bin
COPY src src
COPY rules rules
COPY ui ui
RUN mkdir /data && chown node:node /data
USER node
ENV NODE_ENV=production KHIEN_DATA=/data LANG=C.UTF-8
VOLUME /data
# The three internal ports in turn: an image serves one role, and only that role's listener answers.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["node", "-e", "const p=+(process.env.KHIEN_PORT??8080);Promise.any([1,2,3].map(async i=>{const r=await fetch(`http://127.0.0.1:${p+i}/healthz`);if(!r.ok)throw 0})).catch(()=>process.exit(1))"]
ENTRYPOINT ["node", "bin/khien.js"]
CMD ["--help"]
