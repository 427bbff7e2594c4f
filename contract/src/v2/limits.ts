// The service's limits for v2.0 and v2.1, as Microsoft documents them. Defaults: configuration may choose others.

export const V2_LIMITS = {
  /** Bytes of a document to analyze. */
  documentBytes: 50 * 1024 * 1024,
  /** The same in the free tier. */
  documentBytesFreeTier: 4 * 1024 * 1024,
  /** Pages analyzed of a document; the rest is ignored. */
  analyzedPages: 200,
  analyzedPagesFreeTier: 2,
  /** Width and height of an image, in pixels. */
  imagePixelsMinimum: 50,
  imagePixelsMaximum: 10_000,
  /** Width and height of a PDF page, in inches. */
  pdfPageInches: 17,
  /** Pages of a training set, all documents together. */
  trainingPages: 500,
  /** Bytes of a training set, all documents together. */
  trainingBytes: 50 * 1024 * 1024,
  /** Filled forms a training set should have; or an empty one and two filled ones. */
  trainingDocumentsAdvised: 5,
  labelFileBytes: 10 * 1024 * 1024,
  ocrFileBytes: 500 * 1024 * 1024,
  /** `summary.limit`: 5000 in 2020, 20000 in 2021 (recorded). The documented figure of the standard tier. */
  models: 5000,
  modelsFreeTier: 500,
  /** Components of a composed model: 100, later 200. */
  composedModels: 200,
  /** Analyses a second of the standard tier. */
  analyzeRequestsPerSecond: 15,
  /** How long results can be fetched (support answer). */
  resultHours: 48,
  /** Validity of a copy authorization (recorded). */
  copyAuthorizationHours: 24,
  /** Lines a page (swagger 2.0). */
  linesPerPage: 300,
  /** Models in one page of the list; pages vary on the service, this is typical (recorded). */
  listPage: 28,
  /** Characters of `source` in train requests and of the URL of a document (swagger). */
  sourceLength: 2048,
  /** Characters of `sourceFilter.prefix` (swagger). */
  prefixLength: 1024,
  /** Characters of `modelName` (swagger 2.1). */
  modelNameLength: 1024,
  /** Characters of `targetResourceId` (swagger). */
  resourceIdLength: 1024,
  /** Characters of `targetResourceRegion` (swagger). */
  regionLength: 24,
} as const;
