import type { FunctionImage } from "./image.ts";
import { settings } from "./settings.ts";

const variant = "gpu";

interface GpuFunctionParts {
  readonly bucket: sst.aws.Bucket;
  readonly image: FunctionImage;
}

/** The GPU function as a SageMaker asynchronous endpoint: a managed queue before machines that are there only while it holds work. */
export function createGpuFunction({ bucket, image }: GpuFunctionParts) {
  const { role, policy } = createRole({ bucket, image });
  const model = new aws.sagemaker.Model(
    "GpuModel",
    {
      executionRoleArn: role.arn,
      primaryContainer: {
        image: image.uri,
        environment: {
          MODEL: settings.model,
          STORE: $interpolate`s3://${bucket.name}`,
          PROVIDERS: "cuda,cpu",
          PRESET: "speed",
          PORT: "8080",
        },
      },
    },
    { dependsOn: policy },
  );
  const configuration = new aws.sagemaker.EndpointConfiguration("GpuEndpointConfiguration", {
    productionVariants: [
      {
        variantName: variant,
        modelName: model.name,
        instanceType: settings.gpuInstance,
        initialInstanceCount: 1,
        // A driver for CUDA 12; the default one is older than the image.
        inferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
        containerStartupHealthCheckTimeoutInSeconds: 900,
      },
    ],
    asyncInferenceConfig: {
      // One prediction fills the GPU; the next one waits in the queue, not in the container.
      clientConfig: { maxConcurrentInvocationsPerInstance: 1 },
      outputConfig: {
        s3OutputPath: $interpolate`s3://${bucket.name}/engine/outputs`,
        s3FailurePath: $interpolate`s3://${bucket.name}/engine/failures`,
      },
    },
  });
  const endpoint = new aws.sagemaker.Endpoint("GpuEndpoint", { endpointConfigName: configuration.name });
  scaleFromZero(endpoint);
  return { endpoint };
}

/** Reads and writes the store, pulls its own image, writes its own logs. */
function createRole({ bucket, image }: GpuFunctionParts) {
  const role = new aws.iam.Role("GpuRole", {
    assumeRolePolicy: {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "sagemaker.amazonaws.com" }, Action: "sts:AssumeRole" }],
    },
  });
  const logs = $interpolate`arn:${aws.getPartitionOutput().partition}:logs:*:${aws.getCallerIdentityOutput().accountId}:log-group:/aws/sagemaker/*`;
  const policy = new aws.iam.RolePolicy("GpuRolePolicy", {
    role: role.name,
    policy: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
          Resource: $interpolate`${bucket.arn}/*`,
        },
        { Effect: "Allow", Action: ["s3:ListBucket"], Resource: bucket.arn },
        {
          Effect: "Allow",
          Action: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
          Resource: image.repository.arn,
        },
        // These two know no narrower resource.
        { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: "*" },
        {
          Effect: "Allow",
          Action: ["cloudwatch:PutMetricData"],
          Resource: "*",
          Condition: { StringLike: { "cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/*"] } },
        },
        {
          Effect: "Allow",
          Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
          Resource: logs,
        },
      ],
    },
  });
  return { role, policy };
}

/** Between zero and `settings.maxGpuInstances` machines. Target tracking divides the backlog by the number of machines, so it never
 * sees a first job while there is none: the alarm does. */
function scaleFromZero(endpoint: aws.sagemaker.Endpoint): void {
  const target = new aws.appautoscaling.Target("GpuScaling", {
    serviceNamespace: "sagemaker",
    scalableDimension: "sagemaker:variant:DesiredInstanceCount",
    resourceId: $interpolate`endpoint/${endpoint.name}/variant/${variant}`,
    minCapacity: 0,
    maxCapacity: settings.maxGpuInstances,
  });
  const scaled = {
    serviceNamespace: target.serviceNamespace,
    scalableDimension: target.scalableDimension,
    resourceId: target.resourceId,
  };
  new aws.appautoscaling.Policy("GpuBacklog", {
    ...scaled,
    policyType: "TargetTrackingScaling",
    targetTrackingScalingPolicyConfiguration: {
      customizedMetricSpecification: {
        namespace: "AWS/SageMaker",
        metricName: "ApproximateBacklogSizePerInstance",
        statistic: "Average",
        dimensions: [{ name: "EndpointName", value: endpoint.name }],
      },
      targetValue: settings.backlogPerInstance,
      scaleInCooldown: 600,
      scaleOutCooldown: 120,
    },
  });
  const wake = new aws.appautoscaling.Policy("GpuWake", {
    ...scaled,
    policyType: "StepScaling",
    stepScalingPolicyConfiguration: {
      adjustmentType: "ChangeInCapacity",
      metricAggregationType: "Average",
      cooldown: 300,
      stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
    },
  });
  new aws.cloudwatch.MetricAlarm("GpuHasBacklogWithoutCapacity", {
    namespace: "AWS/SageMaker",
    metricName: "HasBacklogWithoutCapacity",
    dimensions: { EndpointName: endpoint.name },
    statistic: "Average",
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    period: 60,
    evaluationPeriods: 1,
    treatMissingData: "missing",
    alarmActions: [wake.arn],
  });
}
