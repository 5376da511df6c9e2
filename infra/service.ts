import type { FunctionImage } from "./image.ts";
import type { createSecrets } from "./secrets.ts";
import { settings } from "./settings.ts";

const gatewayPort = 8080;
const healthCheck = `fetch("http://127.0.0.1:${gatewayPort}/health-check").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;

interface ServiceParts {
  readonly bucket: sst.aws.Bucket;
  readonly image: FunctionImage;
  readonly endpoint: aws.sagemaker.Endpoint;
  readonly secrets: ReturnType<typeof createSecrets>;
}

/** Bot and gateway: one task, always on. They talk over the task's own loopback, and nothing from outside reaches either. */
export function createService({ bucket, image, endpoint, secrets }: ServiceParts) {
  const vpc = new sst.aws.Vpc("Network");
  const cluster = new sst.aws.Cluster("Cluster", { vpc });
  const { discordToken, signingSecret } = secrets;
  const parameters = [discordToken.arn, signingSecret.arn];
  return new sst.aws.Service("Front", {
    cluster,
    cpu: "1 vCPU",
    memory: "4 GB",
    // The image brings CUDA along; 20 GB, the smallest there is, holds it.
    storage: "20 GB",
    scaling: { min: 1, max: 1 },
    containers: [
      {
        name: "gateway",
        image: image.uri,
        entrypoint: ["node", "functions/api.ts"],
        environment: {
          MODEL: settings.model,
          STORE: $interpolate`s3://${bucket.name}`,
          ENGINE: "sagemaker",
          ENGINE_ENDPOINT: endpoint.name,
          ENGINE_COLD_START_SECONDS: String(settings.coldStartSeconds),
          PROVIDERS: "cpu",
          PRESET: "lean",
          PORT: String(gatewayPort),
        },
        ssm: { SIGNING_SECRET: signingSecret.arn },
        health: {
          command: ["CMD", "node", "-e", healthCheck],
          startPeriod: "60 seconds",
        },
      },
      {
        name: "bot",
        image: { context: ".", dockerfile: "infra/bot.Dockerfile" },
        environment: { GATEWAY_URL: `http://127.0.0.1:${gatewayPort}` },
        ssm: { DISCORD_TOKEN: discordToken.arn, SIGNING_SECRET: signingSecret.arn },
      },
    ],
    permissions: [
      { actions: ["sagemaker:InvokeEndpointAsync"], resources: [endpoint.arn] },
      {
        // Forgetting removes every version.
        actions: [
          "s3:GetObject",
          "s3:PutObject",
          "s3:DeleteObject",
          "s3:DeleteObjectVersion",
          "s3:AbortMultipartUpload",
        ],
        resources: [$interpolate`${bucket.arn}/*`],
      },
      { actions: ["s3:ListBucket", "s3:ListBucketVersions"], resources: [bucket.arn] },
    ],
    transform: {
      // Two bots at once would both answer every press: the old task ends before the new one starts.
      service: (args) => {
        args.deploymentMaximumPercent = 100;
        args.deploymentMinimumHealthyPercent = 0;
      },
      // SST would let the task's start read every parameter and secret of the account.
      executionRole: (args) => {
        args.inlinePolicies = [
          {
            name: "ReadOwnParameters",
            policy: $jsonStringify({
              Version: "2012-10-17",
              Statement: [{ Effect: "Allow", Action: ["ssm:GetParameters"], Resource: parameters }],
            }),
          },
        ];
      },
    },
  });
}
