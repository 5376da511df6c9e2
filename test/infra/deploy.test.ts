import { existsSync } from "node:fs";
import { beforeAll, expect } from "vitest";
import { readConfig } from "../../functions/config.ts";
import { limits } from "../../shared/limits.ts";
import { deployUnderMocks, platform, type Resource } from "../support/deploy-under-mocks.ts";
import { testWith } from "../support/peer.ts";

const found = existsSync(platform);
const test = testWith("SST's components: npm run check:infra", found);
const secrets = { DiscordToken: "discord-token-value", SigningSecret: "signing-secret-value" };

let deployed: Awaited<ReturnType<typeof deployUnderMocks>>;

beforeAll(async () => {
  if (found) deployed = await deployUnderMocks("test", secrets);
});

interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly entrypoint?: readonly string[];
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly secrets: readonly { readonly name: string; readonly valueFrom: string }[];
}

const all = (type: string): readonly Resource[] => deployed.resources.filter((resource) => resource.type === type);

function only(type: string, name?: string): Resource["inputs"] {
  const made = all(type).filter((resource) => name === undefined || resource.name === name);
  expect(made.map((resource) => resource.name)).toHaveLength(1);
  return made[0]?.inputs ?? {};
}

const asList = (value: unknown): readonly string[] => [value].flat() as readonly string[];

/** Both spellings of a policy document: AWS's own and the one Pulumi's data source takes. */
function statementsOf(policy: unknown): readonly Statement[] {
  const document = (typeof policy === "string" ? JSON.parse(policy) : policy) as Record<
    string,
    Record<string, unknown>[]
  >;
  return (document["Statement"] ?? document["statements"] ?? []).map((statement) => ({
    actions: asList(statement["Action"] ?? statement["actions"]),
    resources: asList(statement["Resource"] ?? statement["resources"]),
  }));
}

const inlineStatements = (role: string): readonly Statement[] =>
  (only("aws:iam/role:Role", role)["inlinePolicies"] as { policy: unknown }[]).flatMap(({ policy }) =>
    statementsOf(policy),
  );

function containers(): readonly Container[] {
  const definitions = only("aws:ecs/taskDefinition:TaskDefinition")["containerDefinitions"];
  // Pulumi wraps what was made from a secret.
  const text = typeof definitions === "string" ? definitions : (definitions as { value: string }).value;
  return JSON.parse(text) as Container[];
}

const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    (containers().find((container) => container.name === name)?.environment ?? []).map((entry) => [
      entry.name,
      entry.value,
    ]),
  );

test("production is protected and kept, other stages go with their resources", () => {
  expect(deployed.config.app({ stage: "production" })).toMatchObject({ protect: true, removal: "retain" });
  expect(deployed.config.app({ stage: "test" })).toMatchObject({ protect: false, removal: "remove" });
});

test("there is one bucket, closed to the public and to plain HTTP", () => {
  only("aws:s3/bucket:Bucket");
  expect(only("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")).toMatchObject({
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
  });
  expect(JSON.stringify(only("aws:s3/bucketPolicy:BucketPolicy"))).toContain("aws:SecureTransport");
  expect(all("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")).toEqual([]);
});

test("what people sent in expires after the days they are told", () => {
  const { rules } = only("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
  for (const prefix of ["uploads/", "inputs/", "drafts/"]) {
    expect(rules).toContainEqual(
      expect.objectContaining({ status: "Enabled", filter: { prefix }, expiration: { days: limits.keepFinishedDays } }),
    );
  }
});

test("deleted and overwritten objects are versions for the days of undo, then gone", () => {
  expect(only("aws:s3/bucketVersioning:BucketVersioning")).toMatchObject({
    versioningConfiguration: { status: "Enabled" },
  });
  const { rules } = only("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
  expect(rules).toContainEqual(
    expect.objectContaining({
      status: "Enabled",
      filter: { prefix: "" },
      noncurrentVersionExpiration: { noncurrentDays: limits.keepFinishedDays },
      expiration: { expiredObjectDeleteMarker: true },
    }),
  );
});

test("concepts never expire by themselves", () => {
  const { rules } = only("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration");
  const expiring = (rules as { filter: { prefix: string }; expiration?: { days?: number } }[]).filter(
    (rule) => rule.expiration?.days !== undefined,
  );
  for (const { filter } of expiring) {
    expect(
      ["concepts/", "names/"].some((kept) => kept.startsWith(filter.prefix) || filter.prefix.startsWith(kept)),
    ).toBe(false);
  }
});

test("a GPU machine runs one prediction at a time, on the image built here", () => {
  expect(only("aws:sagemaker/endpointConfiguration:EndpointConfiguration")).toMatchObject({
    productionVariants: [{ variantName: "gpu", modelName: "GpuModel" }],
    asyncInferenceConfig: { clientConfig: { maxConcurrentInvocationsPerInstance: 1 } },
  });
  expect(only("aws:sagemaker/model:Model")).toMatchObject({
    primaryContainer: { image: expect.stringMatching(/functionimages@sha256:/) },
  });
  expect(only("aws:sagemaker/endpoint:Endpoint")).toMatchObject({ endpointConfigName: "GpuEndpointConfiguration" });
});

const scaling = {
  serviceNamespace: "sagemaker",
  scalableDimension: "sagemaker:variant:DesiredInstanceCount",
  resourceId: "endpoint/GpuEndpoint/variant/gpu",
};

test("the endpoint scales to zero, and by its backlog above that", () => {
  expect(only("aws:appautoscaling/target:Target", "GpuScaling")).toMatchObject({ ...scaling, minCapacity: 0 });
  expect(only("aws:appautoscaling/policy:Policy", "GpuBacklog")).toMatchObject({
    ...scaling,
    policyType: "TargetTrackingScaling",
    targetTrackingScalingPolicyConfiguration: {
      customizedMetricSpecification: {
        metricName: "ApproximateBacklogSizePerInstance",
        dimensions: [{ name: "EndpointName", value: "GpuEndpoint" }],
      },
    },
  });
});

test("the first job wakes the endpoint from zero", () => {
  expect(only("aws:appautoscaling/policy:Policy", "GpuWake")).toMatchObject({
    ...scaling,
    policyType: "StepScaling",
    stepScalingPolicyConfiguration: { adjustmentType: "ChangeInCapacity", stepAdjustments: [{ scalingAdjustment: 1 }] },
  });
  expect(only("aws:cloudwatch/metricAlarm:MetricAlarm")).toMatchObject({
    metricName: "HasBacklogWithoutCapacity",
    dimensions: { EndpointName: "GpuEndpoint" },
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    evaluationPeriods: 1,
    alarmActions: [expect.stringMatching(/:GpuWake$/)],
  });
});

test("bot and gateway are one task, exactly one, and never two during a deployment", () => {
  expect(containers().map((container) => container.name)).toEqual(["gateway", "bot"]);
  expect(only("aws:ecs/service:Service")).toMatchObject({
    desiredCount: 1,
    deploymentMaximumPercent: 100,
    deploymentMinimumHealthyPercent: 0,
    loadBalancers: [],
  });
  expect(only("aws:appautoscaling/target:Target", "FrontAutoScalingTarget")).toMatchObject({
    minCapacity: 1,
    maxCapacity: 1,
  });
});

test("gateway and GPU function run the same image and share one store", () => {
  const [gateway] = containers();
  const { image, environment } = only("aws:sagemaker/model:Model")["primaryContainer"] as {
    image: string;
    environment: Record<string, string>;
  };
  expect(gateway).toMatchObject({ image, entrypoint: ["node", "functions/api.ts"] });
  expect(environmentOf("gateway")["STORE"]).toBe(environment["STORE"]);
  expect(environment["STORE"]).toMatch(/^s3:\/\/eponym-test-storebucket/);
  expect(environmentOf("gateway")["ENGINE_ENDPOINT"]).toBe("GpuEndpoint");
});

test("the settings of both are ones that the functions accept", () => {
  const { environment } = only("aws:sagemaker/model:Model")["primaryContainer"] as {
    environment: Record<string, string>;
  };
  expect(readConfig(environment)).toMatchObject({ providers: ["cuda", "cpu"], preset: "speed", port: 8080 });
  const { ENGINE, ...gateway } = environmentOf("gateway");
  expect(ENGINE).toBe("sagemaker");
  expect(readConfig(gateway)).toMatchObject({ providers: ["cpu"], preset: "lean", port: 8080 });
});

test("each container gets the secrets it needs, encrypted, and the GPU function gets none", () => {
  const names = Object.fromEntries(
    containers().map((container) => [container.name, container.secrets.map(({ name }) => name)]),
  );
  expect(names).toEqual({ gateway: ["SIGNING_SECRET"], bot: ["DISCORD_TOKEN", "SIGNING_SECRET"] });
  for (const { inputs } of all("aws:ssm/parameter:Parameter")) expect(inputs).toMatchObject({ type: "SecureString" });
  const elsewhere = JSON.stringify(
    deployed.resources.filter((resource) => resource.type !== "aws:ssm/parameter:Parameter"),
  );
  for (const value of Object.values(secrets)) expect(elsewhere).not.toContain(value);
});

test("the task may read its own two parameters at start, and nothing else", () => {
  expect(inlineStatements("FrontExecutionRole")).toEqual([
    {
      actions: ["ssm:GetParameters"],
      resources: [expect.stringMatching(/:DiscordTokenParameter$/), expect.stringMatching(/:SigningSecretParameter$/)],
    },
  ]);
});

test("no role may do everything with a service, or touch another bucket, endpoint or repository", () => {
  // Actions that AWS defines for no narrower resource; ssmmessages is the shell into a running container.
  const unscoped = /^(ecr:GetAuthorizationToken|cloudwatch:PutMetricData|ssmmessages:\w+)$/;
  const statements = [
    ...inlineStatements("FrontTaskRole"),
    ...inlineStatements("FrontExecutionRole"),
    ...statementsOf(only("aws:iam/rolePolicy:RolePolicy", "GpuRolePolicy")["policy"]),
  ];
  expect(statements.length).toBeGreaterThan(8);
  for (const { actions, resources } of statements) {
    for (const action of actions) expect(action).not.toContain("*");
    const scoped = actions.filter((action) => !unscoped.test(action));
    if (scoped.length > 0) expect(resources).not.toContain("*");
    for (const resource of resources.filter((arn) => arn.includes(":s3:")))
      expect(resource).toMatch(/:StoreBucket(\/\*)?$/);
  }
});
