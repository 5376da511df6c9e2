import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

type Inputs = Readonly<Record<string, unknown>>;

export interface Resource {
  /** Pulumi's type token: `aws:s3/bucket:Bucket`. */
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
}

/** The part of SST's app configuration that is asked for before anything is deployed. */
interface SstConfig {
  app(input: { stage: string }): Inputs;
  run(): Promise<Inputs>;
}

interface PulumiRuntime {
  setMocks(mocks: object, project: string, stack: string, preview: boolean): void;
  /** Resolves when no resource registration is under way any more. */
  waitForRPCs(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");
/** What `sst install` writes. */
export const platform = join(root, ".sst/platform");
export const accountId = "123456789012";

/** Runs the real sst.config.ts with SST's own components over Pulumi's mocks: everything it would create, and nothing created. */
export async function deployUnderMocks(stage: string, secrets: Readonly<Record<string, string>>) {
  const require = createRequire(join(platform, "package.json"));
  const pulumi = require("@pulumi/pulumi") as { readonly runtime: PulumiRuntime };
  for (const [name, value] of Object.entries(secrets)) process.env[`SST_SECRET_${name}`] = value;
  const server = await startSstServer();
  process.env["SST_SERVER"] = server.url;

  const resources: Resource[] = [];
  pulumi.runtime.setMocks({ newResource: (made: Resource) => create(resources, made), call }, "eponym", stage, false);
  Object.assign(globalThis, {
    $app: { name: "eponym", stage, removal: "remove", protect: false, providers: { aws: { region: "us-east-1" } } },
    $dev: false,
    $cli: {
      command: "deploy",
      dev: false,
      rpc: server.url,
      paths: { root, work: join(root, ".sst"), platform },
      state: { version: {} },
    },
    $config: (config: SstConfig) => config,
    aws: require("@pulumi/aws"),
    dockerbuild: require("@pulumi/docker-build"),
    ...((await load("src/shim/run.js")) as object),
  });
  Object.assign(globalThis, { sst: await load("src/components/index.ts") });

  const config = ((await import(pathToFileURL(join(root, "sst.config.ts")).href)) as { default: SstConfig }).default;
  await config.run();
  await settled(resources, pulumi.runtime);
  server.close();
  return { config, resources };
}

const load = (path: string): Promise<unknown> => import(pathToFileURL(join(platform, path)).href);

/** Outputs resolve in rounds: each may register more resources. */
async function settled(resources: readonly Resource[], runtime: PulumiRuntime): Promise<void> {
  for (let before = -1; before !== resources.length; ) {
    before = resources.length;
    await runtime.waitForRPCs();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function create(resources: Resource[], { type, name, inputs }: Resource) {
  resources.push({ type, name, inputs });
  const service = type.split(":")[1]?.split("/")[0] ?? "mock";
  const state = {
    ...inputs,
    name: inputs["name"] ?? name,
    arn: `arn:aws:${service}:us-east-1:${accountId}:${name}`,
    repositoryUrl: `${accountId}.dkr.ecr.us-east-1.amazonaws.com/${name.toLowerCase()}`,
    digest: "sha256:0",
  };
  return { id: `${name}-id`, state };
}

const answers: Readonly<Record<string, object>> = {
  getAvailabilityZones: { names: ["us-east-1a", "us-east-1b"], zoneIds: ["use1-az1", "use1-az2"] },
  getCallerIdentity: { accountId },
  getRegion: { name: "us-east-1", region: "us-east-1" },
  getPartition: { partition: "aws", dnsSuffix: "amazonaws.com" },
};

function call({ token, inputs }: { readonly token: string; readonly inputs: Inputs }): object {
  const name = token.slice(token.lastIndexOf(":") + 1);
  if (name === "getPolicyDocument") return { ...inputs, json: JSON.stringify(inputs) };
  return answers[name] ?? inputs;
}

/** The `sst` program answers its components over HTTP; this one knows the two questions that a deployment asks. */
async function startSstServer() {
  const bootstrap = {
    asset: "sst-asset",
    assetEcrRegistryId: accountId,
    assetEcrUrl: `${accountId}.dkr.ecr.us-east-1.amazonaws.com/sst-asset`,
    state: "sst-state",
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method } = JSON.parse(Buffer.concat(chunks).toString()) as { method: string };
      response.end(JSON.stringify({ result: method === "Provider.Aws.Bootstrap" ? bootstrap : {} }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
