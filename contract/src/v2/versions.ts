// The versions of the v2 generation. Source: the swagger files of each and recordings of the service.
// v2.0 equals v2.0-preview but for its name and path.

export type V2Version = 'v2.0-preview' | 'v2.0' | 'v2.1-preview.1' | 'v2.1-preview.2' | 'v2.1-preview.3' | 'v2.1';

export const V2_VERSIONS = [
  'v2.0-preview',
  'v2.0',
  'v2.1-preview.1',
  'v2.1-preview.2',
  'v2.1-preview.3',
  'v2.1',
] as const satisfies readonly V2Version[];

/** `/formrecognizer/v2.1`: every path of a version lies below it. */
export type V2BasePath = `/formrecognizer/${V2Version}`;

export function basePath(version: V2Version): V2BasePath {
  return `/formrecognizer/${version}`;
}

/** Case is ignored, as in every path of the service. Undefined where the text is no version of this generation. */
export function parseV2Version(text: string): V2Version | undefined {
  const lower = text.toLowerCase();
  return V2_VERSIONS.find((version) => version === lower);
}

export type PrebuiltName = 'receipt' | 'businessCard' | 'invoice' | 'idDocument';

export const PREBUILT_NAMES = [
  'receipt',
  'businessCard',
  'invoice',
  'idDocument',
] as const satisfies readonly PrebuiltName[];

/** What a request may send as the document itself. */
export type DocumentContentType = 'application/pdf' | 'image/jpeg' | 'image/png' | 'image/tiff' | 'image/bmp';

/** What a version has and another lacks. Swagger, unless it says recorded. */
export interface V2Features {
  /** `analyzeResult.version`. It is null in the results of models trained without labels (recorded). */
  readonly analyzeResultVersion: '2.0.0' | '2.1.0';
  /** `modelName` in train requests and models. */
  readonly hasModelNames: boolean;
  /** `modelInfo.attributes`, on labelled and composed models that are ready (recorded). */
  readonly hasAttributes: boolean;
  /** POST /custom/models/compose. */
  readonly canCompose: boolean;
  /** `readResults[].selectionMarks` and fields of type selectionMark. */
  readonly hasSelectionMarks: boolean;
  /** `lines[].appearance`. */
  readonly hasAppearance: boolean;
  /** `readResults[].language`, `lines[].language`. */
  readonly hasPageLanguage: boolean;
  /** `tables[].boundingBox`. */
  readonly hasTableBoxes: boolean;
  /** `documentResults[].modelId` and `docTypeConfidence`; `docType` is then `custom:{name or id}`, else `custom:form` (recorded). */
  readonly namesModelInDocuments: boolean;
  /** A field that was not found is `null` in `fields` (recorded); otherwise it is left out. */
  readonly hasNullFields: boolean;
  /** `elements` start with `#/analyzeResult/readResults` in labelled results (recorded), else with `#/readResults`. */
  readonly elementPrefix: '#/analyzeResult/readResults' | '#/readResults';
  /**
   * `elements` may name selection marks. The official clients of the previews throw on such a reference (fixed in 3.1.0), so
   * there they are left out.
   */
  readonly refersToSelectionMarks: boolean;
  /** Codes in the errors of a failed copy: names in 2020, `2024` with an innerError from 2021 on (recorded). */
  readonly copyErrorCodes: 'named' | 'numbered';
  /** Response header that carries the error code of an invalid model or failed copy (recorded). */
  readonly errorCodeHeader: 'x-ms-cs-error-code' | 'ms-azure-ai-errorcode';
  /** An estimated accuracy of 1 shows as 1 in 2020, capped later (recorded). */
  readonly accuracyCap: 1 | 0.995;
  /** Fields of type countryRegion; elsewhere they are strings. v2.1-preview.3 has `country`, in idDocument alone. */
  readonly hasCountryRegions: boolean;
  /** A body of no known format is refused by analyze custom with 1000 (recorded), else it fails with 2005 in its result. */
  readonly refusesUnknownFormats: boolean;
  /** Query parameter `pages`. */
  readonly hasPages: { readonly layout: boolean; readonly custom: boolean };
  /** Query parameter `language` on layout. */
  readonly hasLanguage: boolean;
  /** Query parameter `readingOrder` on layout. */
  readonly hasReadingOrder: boolean;
  /** Query parameter `locale` on the prebuilt models but idDocument. */
  readonly hasLocale: boolean;
  readonly documentContentTypes: {
    readonly layout: readonly DocumentContentType[];
    readonly custom: readonly DocumentContentType[];
  };
  readonly prebuilt: readonly PrebuiltName[];
}

const WITHOUT_BMP = ['application/pdf', 'image/jpeg', 'image/png', 'image/tiff'] as const;
const WITH_BMP = [...WITHOUT_BMP, 'image/bmp'] as const;

const V2_0: V2Features = {
  analyzeResultVersion: '2.0.0',
  hasModelNames: false,
  hasAttributes: false,
  canCompose: false,
  hasSelectionMarks: false,
  hasAppearance: false,
  hasPageLanguage: true,
  hasTableBoxes: false,
  namesModelInDocuments: false,
  hasNullFields: true,
  elementPrefix: '#/analyzeResult/readResults',
  refersToSelectionMarks: false,
  copyErrorCodes: 'numbered',
  errorCodeHeader: 'ms-azure-ai-errorcode',
  accuracyCap: 1,
  hasCountryRegions: false,
  refusesUnknownFormats: false,
  hasPages: { layout: false, custom: false },
  hasLanguage: false,
  hasReadingOrder: false,
  hasLocale: false,
  documentContentTypes: { layout: WITHOUT_BMP, custom: WITHOUT_BMP },
  prebuilt: ['receipt'],
};

const V2_1: V2Features = {
  analyzeResultVersion: '2.1.0',
  hasModelNames: true,
  hasAttributes: true,
  canCompose: true,
  hasSelectionMarks: true,
  hasAppearance: true,
  hasPageLanguage: false,
  hasTableBoxes: true,
  namesModelInDocuments: true,
  hasNullFields: false,
  elementPrefix: '#/readResults',
  refersToSelectionMarks: true,
  copyErrorCodes: 'numbered',
  errorCodeHeader: 'ms-azure-ai-errorcode',
  accuracyCap: 0.995,
  hasCountryRegions: true,
  refusesUnknownFormats: true,
  hasPages: { layout: true, custom: true },
  hasLanguage: true,
  hasReadingOrder: true,
  hasLocale: true,
  documentContentTypes: { layout: WITH_BMP, custom: WITH_BMP },
  prebuilt: PREBUILT_NAMES,
};

/** What the two previews of 2020 have in common: errors and accuracies as the service of that year gave them. */
const V2_1_OF_2020: V2Features = {
  ...V2_1,
  hasPageLanguage: true,
  copyErrorCodes: 'named',
  errorCodeHeader: 'x-ms-cs-error-code',
  accuracyCap: 1,
  refersToSelectionMarks: false,
  hasCountryRegions: false,
  hasReadingOrder: false,
};

export const V2_FEATURES: Readonly<Record<V2Version, V2Features>> = {
  'v2.0-preview': { ...V2_0, copyErrorCodes: 'named', errorCodeHeader: 'x-ms-cs-error-code' },
  'v2.0': V2_0,
  'v2.1-preview.1': {
    ...V2_1_OF_2020,
    hasAppearance: false,
    hasTableBoxes: false,
    hasPages: { layout: false, custom: false },
    hasLanguage: false,
    documentContentTypes: { layout: WITHOUT_BMP, custom: WITHOUT_BMP },
    prebuilt: ['receipt', 'businessCard'],
  },
  'v2.1-preview.2': {
    ...V2_1_OF_2020,
    hasPages: { layout: true, custom: false },
    documentContentTypes: { layout: WITH_BMP, custom: WITHOUT_BMP },
    prebuilt: ['receipt', 'businessCard', 'invoice'],
  },
  'v2.1-preview.3': { ...V2_1, refersToSelectionMarks: false, hasCountryRegions: false },
  'v2.1': V2_1,
};

export function analyzeResultVersion(version: V2Version): '2.0.0' | '2.1.0' {
  return V2_FEATURES[version].analyzeResultVersion;
}
