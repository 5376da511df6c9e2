/** What one deployment may want different from another. */
export const settings = {
  /** Checkpoint that the deployment draws with: CreativeML OpenRAIL-M, fetched from the Hub when a machine starts. */
  model: "stable-diffusion-v1-5/stable-diffusion-v1-5",
  /** One 24 GB GPU; ml.g6.xlarge is its newer sibling. */
  gpuInstance: "ml.g5.xlarge",
  /** Upper bound of what may run, and so of what it may cost, at once. */
  maxGpuInstances: 2,
  /** From no machine at all to the first picture, for the estimates that people are shown. */
  coldStartSeconds: 420,
  /** Longest single prediction that the endpoint lets run. */
  invocationTimeoutSeconds: 3600,
  /** Jobs waiting per machine beyond which another one starts. */
  backlogPerInstance: 3,
} as const;
