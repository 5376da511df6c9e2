/** Builds infra/function.Dockerfile once, for the GPU function and the gateway, into a repository that keeps a few versions back.
 * Returns the image by digest. */
export function createFunctionImage() {
  const repository = new aws.ecr.Repository("FunctionImages", {
    forceDelete: $app.removal === "remove",
    imageScanningConfiguration: { scanOnPush: true },
  });
  new aws.ecr.LifecyclePolicy("FunctionImagesLifecycle", {
    repository: repository.name,
    policy: {
      rules: [
        {
          rulePriority: 1,
          selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 5 },
          action: { type: "expire" },
        },
      ],
    },
  });
  const login = aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId });
  const image = new dockerbuild.Image("FunctionImage", {
    context: { location: $cli.paths.root },
    dockerfile: { location: `${$cli.paths.root}/infra/function.Dockerfile` },
    platforms: ["linux/amd64"],
    tags: [$interpolate`${repository.repositoryUrl}:latest`],
    registries: [{ address: login.proxyEndpoint, username: login.userName, password: login.password }],
    push: true,
  });
  return { repository, uri: $interpolate`${repository.repositoryUrl}@${image.digest}` };
}

export type FunctionImage = ReturnType<typeof createFunctionImage>;
