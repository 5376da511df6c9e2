/** Every limit of the product, its unit in its name. */
export const limits = {
  maxUploadBytes: 10 * 1024 * 1024,
  maxPixels: 40_000_000,
  maxSafetensorsHeaderBytes: 100 * 1024 * 1024,
  maxConceptFileBytes: 8 * 1024 * 1024,
  maxConceptTokens: 75,
  maxConceptWidth: 8_192,
  maxConceptNameCharacters: 32,
  maxPromptCharacters: 1_000,
  maxPicturesPerJob: 10,
  maxLearnSteps: 5_000,
  maxSamplerSteps: 150,
} as const;
