// The versions of the v2 generation. Source: the swagger files 2.0-preview, 2.0 and 2.1 and recordings of the service.
// v2.0 equals v2.0-preview but for its name and path.

export type V2Version = 'v2.0-preview' | 'v2.0' | 'v2.1';

export const V2_VERSIONS = ['v2.0-preview', 'v2.0', 'v2.1'] as const satisfies readonly V2Version[];

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
  /** Codes in the errors of a failed copy: names in 2020, `2024` with an innerError from 2021 on (recorded). */
  readonly copyErrorCodes: 'named' | 'numbered';
  /** Response header that carries the error code of an invalid model or failed copy (recorded). */
  readonly errorCodeHeader: 'x-ms-cs-error-code' | 'ms-azure-ai-errorcode';
  /** Query parameter `pages` on every analysis. */
  readonly hasPages: boolean;
  /** Query parameter `language` on layout. */
  readonly hasLanguage: boolean;
  /** Query parameter `readingOrder` on layout. */
  readonly hasReadingOrder: boolean;
  /** Query parameter `locale` on the prebuilt models but idDocument. */
  readonly hasLocale: boolean;
  readonly documentContentTypes: readonly DocumentContentType[];
  readonly prebuilt: readonly PrebuiltName[];
}

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
  copyErrorCodes: 'numbered',
  errorCodeHeader: 'ms-azure-ai-errorcode',
  hasPages: false,
  hasLanguage: false,
  hasReadingOrder: false,
  hasLocale: false,
  documentContentTypes: ['application/pdf', 'image/jpeg', 'image/png', 'image/tiff'],
  prebuilt: ['receipt'],
};

export const V2_FEATURES: Readonly<Record<V2Version, V2Features>> = {
  'v2.0-preview': { ...V2_0, copyErrorCodes: 'named', errorCodeHeader: 'x-ms-cs-error-code' },
  'v2.0': V2_0,
  'v2.1': {
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
    copyErrorCodes: 'numbered',
    errorCodeHeader: 'ms-azure-ai-errorcode',
    hasPages: true,
    hasLanguage: true,
    hasReadingOrder: true,
    hasLocale: true,
    documentContentTypes: ['application/pdf', 'image/jpeg', 'image/png', 'image/tiff', 'image/bmp'],
    prebuilt: PREBUILT_NAMES,
  },
};

export function analyzeResultVersion(version: V2Version): '2.0.0' | '2.1.0' {
  return V2_FEATURES[version].analyzeResultVersion;
}
