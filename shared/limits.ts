/** Every limit of the product, its unit in its name. */
export const limits = {
  maxUploadBytes: 10 * 1024 * 1024,
  maxPixels: 40_000_000,
  maxSafetensorsHeaderBytes: 100 * 1024 * 1024,
  maxTokenizerFileBytes: 16 * 1024 * 1024,
  maxConceptFileBytes: 8 * 1024 * 1024,
  maxConceptTokens: 75,
  maxConceptWidth: 8_192,
  /** 1 is what was learned; see `<name:strength>` in prompt.ts. */
  maxConceptStrength: 1.5,
  maxConceptNameCharacters: 32,
  /** Generations of a blend's family tree, and parents at its ends. */
  maxBlendDepth: 3,
  maxBlendLeaves: 16,
  maxPromptCharacters: 1_000,
  maxCaptionCharacters: 500,
  maxClassCharacters: 100,
  maxPicturesPerJob: 10,
  /** Of a drawn picture's width and height. */
  maxImagineSidePixels: 2_048,
  maxLearnSteps: 5_000,
  /** Pictures of one thing to learn from. */
  maxLearnPictures: 5,
  maxSamplerSteps: 150,
  /** Longer edge of a stored picture; larger uploads are made smaller. */
  maxStoredEdgePixels: 1_536,
  maxJsonBodyBytes: 256 * 1024,
  maxOpenJobs: 500,
  maxOpenJobsPerUser: 10,
  /** Pictures of one person that are looked at at once, before they are learned: no queue keeps them waiting. */
  maxDescribesPerUser: 3,
  maxJobAttempts: 3,
  /** A job that found no worker for this long fails. */
  maxQueueHours: 24,
  /** A worker that was silent for this long has lost its job. */
  jobLeaseMs: 30_000,
  /** How often a worker writes progress, renews its lease and looks for a cancel. */
  jobHeartbeatMs: 2_000,
  maxProgressBytes: 32 * 1024,
  maxCheckpointBytes: 64 * 1024 * 1024,
  keepFinishedDays: 7,
} as const;
