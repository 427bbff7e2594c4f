import { Type } from 'typebox';
import { Nullable, Sometimes, StringUnion, type Wire } from '../wire.ts';

// Bodies of the v2 generation's answers: what the service really sends, where that differs from its description. Members that
// only some version or some kind of model has are optional; the versions are told apart in `V2_FEATURES`.
// Source: swagger 2.0 and 2.1; "recorded" marks what the recordings of the service add or contradict.

const DateTime = Type.String({
  description: 'UTC with Z; whole seconds, or seven decimals in copy results (recorded)',
});
const Confidence = Type.Number({ minimum: 0, maximum: 1 });
const PageNumber = Type.Integer({ minimum: 1 });

// --- errors

export const ErrorInformationSchema = Type.Object({
  code: Type.String(),
  message: Type.String(),
  /** Recorded on prebuilt answers and on copies that failed, from 2021 on. */
  innerError: Type.Optional(Type.Object({ requestId: Type.String() })),
});
export type ErrorInformation = Wire<typeof ErrorInformationSchema>;

export const ErrorResponseSchema = Type.Object({ error: ErrorInformationSchema });
export type ErrorResponse = Wire<typeof ErrorResponseSchema>;

// --- models

export const ModelStatusSchema = StringUnion(['creating', 'ready', 'invalid']);
export type ModelStatus = Wire<typeof ModelStatusSchema>;

export const AttributesSchema = Type.Object({ isComposed: Type.Optional(Type.Boolean()) });
export type Attributes = Wire<typeof AttributesSchema>;

export const ModelInfoSchema = Type.Object({
  modelId: Type.String(),
  status: ModelStatusSchema,
  createdDateTime: DateTime,
  lastUpdatedDateTime: DateTime,
  /** v2.1, where it was given at training. */
  modelName: Type.Optional(Type.String()),
  /** v2.1, on labelled and composed models that are ready (recorded). */
  attributes: Type.Optional(AttributesSchema),
});
export type ModelInfo = Wire<typeof ModelInfoSchema>;

export const KeysResultSchema = Type.Object({
  /** Cluster number to its keys, sorted and unique. Empty on an invalid model (recorded). */
  clusters: Type.Record(Type.String(), Type.Array(Type.String())),
});
export type KeysResult = Wire<typeof KeysResultSchema>;

export const TrainStatusSchema = StringUnion(['succeeded', 'partiallySucceeded', 'failed']);
export type TrainStatus = Wire<typeof TrainStatusSchema>;

export const TrainingDocumentInfoSchema = Type.Object({
  /** Blob name from the container root. */
  documentName: Type.String(),
  pages: Type.Integer({ minimum: 0 }),
  /** Required by the swagger, but absent on labelled models (recorded). */
  errors: Sometimes(Type.Array(ErrorInformationSchema)),
  status: TrainStatusSchema,
});
export type TrainingDocumentInfo = Wire<typeof TrainingDocumentInfoSchema>;

export const FormFieldsReportSchema = Type.Object({ fieldName: Type.String(), accuracy: Type.Number() });
export type FormFieldsReport = Wire<typeof FormFieldsReportSchema>;

export const TrainResultSchema = Type.Object({
  /** v2.1, on the components of a composed model alone. */
  modelId: Type.Optional(Type.String()),
  /** Labelled models. */
  averageModelAccuracy: Type.Optional(Type.Number()),
  trainingDocuments: Type.Array(TrainingDocumentInfoSchema),
  /** Labelled models, sorted by name (recorded). */
  fields: Sometimes(Type.Array(FormFieldsReportSchema)),
  errors: Sometimes(Type.Array(ErrorInformationSchema)),
});
export type TrainResult = Wire<typeof TrainResultSchema>;

/** GET /custom/models/{modelId}. While `creating` it is modelInfo alone (recorded). */
export const ModelSchema = Type.Object({
  modelInfo: ModelInfoSchema,
  /** Models without labels, with includeKeys=true; empty on an invalid model. */
  keys: Type.Optional(KeysResultSchema),
  trainResult: Type.Optional(TrainResultSchema),
  /** v2.1, composed models; these have no trainResult (recorded). */
  composedTrainResults: Type.Optional(Type.Array(TrainResultSchema)),
});
export type Model = Wire<typeof ModelSchema>;

/** GET /custom/models?op=full, ordered by modelId. `nextLink` is `""` on the last page (recorded). */
export const ModelsListSchema = Type.Object({
  modelList: Type.Array(ModelInfoSchema),
  nextLink: Sometimes(Type.String()),
});
export type ModelsList = Wire<typeof ModelsListSchema>;

/** GET /custom/models?op=summary. */
export const ModelsSummarySchema = Type.Object({
  summary: Type.Object({
    count: Type.Integer({ minimum: 0 }),
    limit: Type.Integer({ minimum: 0 }),
    lastUpdatedDateTime: DateTime,
  }),
});
export type ModelsSummary = Wire<typeof ModelsSummarySchema>;

// --- copies

/** POST /custom/models/copyAuthorization, and `copyAuthorization` of a copy request. */
export const CopyAuthorizationResultSchema = Type.Object({
  modelId: Type.String(),
  accessToken: Type.String(),
  /** Unix seconds; see ticks.ts for the other form. */
  expirationDateTimeTicks: Type.Number({ minimum: 0 }),
});
export type CopyAuthorizationResult = Wire<typeof CopyAuthorizationResultSchema>;

/** Lower camel case in all of v2. */
export const OperationStatusSchema = StringUnion(['notStarted', 'running', 'succeeded', 'failed']);
export type OperationStatus = Wire<typeof OperationStatusSchema>;

export const CopyResultSchema = Type.Object({
  /** Id of the target, from notStarted on. The service of May 2020 and the guide show `{}` on success (recorded). */
  modelId: Type.Optional(Type.String()),
  errors: Sometimes(Type.Array(ErrorInformationSchema)),
});
export type CopyResult = Wire<typeof CopyResultSchema>;

/** GET /custom/models/{modelId}/copyResults/{resultId}. */
export const CopyOperationResultSchema = Type.Object({
  status: OperationStatusSchema,
  createdDateTime: DateTime,
  lastUpdatedDateTime: DateTime,
  copyResult: Sometimes(CopyResultSchema),
});
export type CopyOperationResult = Wire<typeof CopyOperationResultSchema>;

// --- analyses: what was read

/** Four points, clockwise from the top left of the text. Pixels of an image, inches of a PDF. */
export const BoundingBoxSchema = Type.Array(Type.Number(), { minItems: 8, maxItems: 8 });
export type BoundingBox = Wire<typeof BoundingBoxSchema>;

/** JSON pointers such as `#/readResults/0/lines/1/words/2`; absent or null without includeTextDetails (recorded). */
const Elements = Sometimes(Type.Array(Type.String()));

export const TextWordSchema = Type.Object({
  text: Type.String(),
  boundingBox: BoundingBoxSchema,
  confidence: Type.Optional(Confidence),
});
export type TextWord = Wire<typeof TextWordSchema>;

export const AppearanceSchema = Type.Object({
  style: Type.Object({ name: StringUnion(['other', 'handwriting']), confidence: Confidence }),
});
export type Appearance = Wire<typeof AppearanceSchema>;

export const TextLineSchema = Type.Object({
  text: Type.String(),
  boundingBox: BoundingBoxSchema,
  words: Type.Array(TextWordSchema),
  /** v2.0, where it differs from the page's. */
  language: Sometimes(Type.String()),
  /** v2.1. */
  appearance: Sometimes(AppearanceSchema),
});
export type TextLine = Wire<typeof TextLineSchema>;

export const SelectionMarkStateSchema = StringUnion(['selected', 'unselected']);
export type SelectionMarkState = Wire<typeof SelectionMarkStateSchema>;

export const SelectionMarkSchema = Type.Object({
  boundingBox: BoundingBoxSchema,
  confidence: Confidence,
  state: SelectionMarkStateSchema,
});
export type SelectionMark = Wire<typeof SelectionMarkSchema>;

export const ReadResultSchema = Type.Object({
  page: PageNumber,
  /** Degrees clockwise, above -180 up to 180. */
  angle: Type.Number({ exclusiveMinimum: -180, maximum: 180 }),
  width: Type.Number({ minimum: 0 }),
  height: Type.Number({ minimum: 0 }),
  unit: StringUnion(['pixel', 'inch']),
  /** v2.0. */
  language: Sometimes(Type.String()),
  /** Layout always, custom models only with includeTextDetails. */
  lines: Sometimes(Type.Array(TextLineSchema)),
  /** v2.1; null in results of models trained without labels (recorded). */
  selectionMarks: Sometimes(Type.Array(SelectionMarkSchema)),
});
export type ReadResult = Wire<typeof ReadResultSchema>;

// --- analyses: what was found on pages

export const DataTableCellSchema = Type.Object({
  rowIndex: Type.Integer({ minimum: 0 }),
  columnIndex: Type.Integer({ minimum: 0 }),
  /** Absent means 1, here and below (recorded on labelled models). */
  rowSpan: Sometimes(Type.Integer({ minimum: 1 })),
  columnSpan: Sometimes(Type.Integer({ minimum: 1 })),
  text: Type.String(),
  boundingBox: BoundingBoxSchema,
  /** Required by the swagger, but absent on labelled models (recorded). */
  confidence: Sometimes(Confidence),
  elements: Elements,
  isHeader: Sometimes(Type.Boolean()),
  isFooter: Sometimes(Type.Boolean()),
});
export type DataTableCell = Wire<typeof DataTableCellSchema>;

export const DataTableSchema = Type.Object({
  rows: Type.Integer({ minimum: 1 }),
  columns: Type.Integer({ minimum: 1 }),
  cells: Type.Array(DataTableCellSchema),
  /** v2.1. */
  boundingBox: Sometimes(BoundingBoxSchema),
});
export type DataTable = Wire<typeof DataTableSchema>;

export const KeyValueElementSchema = Type.Object({
  /** v2.1. */
  type: Sometimes(StringUnion(['string', 'selectionMark'])),
  text: Type.String(),
  boundingBox: Sometimes(BoundingBoxSchema),
  elements: Elements,
});
export type KeyValueElement = Wire<typeof KeyValueElementSchema>;

export const KeyValuePairSchema = Type.Object({
  label: Sometimes(Type.String()),
  key: KeyValueElementSchema,
  value: KeyValueElementSchema,
  confidence: Confidence,
});
export type KeyValuePair = Wire<typeof KeyValuePairSchema>;

export const PageResultSchema = Type.Object({
  page: PageNumber,
  /** Models without labels; null where no cluster fits (recorded). */
  clusterId: Sometimes(Type.Integer({ minimum: 0 })),
  /** Models without labels. */
  keyValuePairs: Sometimes(Type.Array(KeyValuePairSchema)),
  tables: Sometimes(Type.Array(DataTableSchema)),
});
export type PageResult = Wire<typeof PageResultSchema>;

// --- analyses: fields

const fieldMembers = {
  text: Sometimes(Type.String()),
  /** Absent on the values inside tables (recorded), on arrays and on objects. */
  page: Sometimes(PageNumber),
  boundingBox: Sometimes(BoundingBoxSchema),
  confidence: Sometimes(Confidence),
  elements: Elements,
};

const fieldValues = Type.Cyclic(
  {
    FieldValue: Type.Union([
      Type.Object({ type: Type.Literal('string'), valueString: Sometimes(Type.String()), ...fieldMembers }),
      /** `YYYY-MM-DD`. */
      Type.Object({ type: Type.Literal('date'), valueDate: Sometimes(Type.String()), ...fieldMembers }),
      /** `HH:MM:SS`. */
      Type.Object({ type: Type.Literal('time'), valueTime: Sometimes(Type.String()), ...fieldMembers }),
      Type.Object({ type: Type.Literal('phoneNumber'), valuePhoneNumber: Sometimes(Type.String()), ...fieldMembers }),
      /** v2.0 and the previews of 2.1 sent no valueNumber (recorded). */
      Type.Object({ type: Type.Literal('number'), valueNumber: Sometimes(Type.Number()), ...fieldMembers }),
      Type.Object({ type: Type.Literal('integer'), valueInteger: Sometimes(Type.Integer()), ...fieldMembers }),
      /** v2.1. */
      Type.Object({
        type: Type.Literal('selectionMark'),
        valueSelectionMark: Sometimes(SelectionMarkStateSchema),
        ...fieldMembers,
      }),
      /** v2.1: three letters, ISO 3166-1. */
      Type.Object({
        type: Type.Literal('countryRegion'),
        valueCountryRegion: Sometimes(Type.String()),
        ...fieldMembers,
      }),
      /** v2.1 tables with any number of rows: an array of objects (recorded). */
      Type.Object({
        type: Type.Literal('array'),
        valueArray: Sometimes(Type.Array(Nullable(Type.Ref('FieldValue')))),
        ...fieldMembers,
      }),
      /** v2.1 tables with fixed rows: an object of objects (recorded). */
      Type.Object({
        type: Type.Literal('object'),
        valueObject: Sometimes(Type.Record(Type.String(), Nullable(Type.Ref('FieldValue')))),
        ...fieldMembers,
      }),
    ]),
  },
  'FieldValue',
);
export const FieldValueSchema = fieldValues;
export type FieldValue = Wire<typeof FieldValueSchema>;
export type FieldValueType = FieldValue['type'];

export const DocumentResultSchema = Type.Object({
  /** `custom:form` in v2.0; `custom:{modelName, else modelId}` in v2.1; `prebuilt:receipt` and the like (recorded). */
  docType: Type.String(),
  /** v2.1. */
  modelId: Sometimes(Type.String()),
  /** First and last page. */
  pageRange: Type.Array(PageNumber, { minItems: 2, maxItems: 2 }),
  /** v2.1. */
  docTypeConfidence: Sometimes(Confidence),
  /** A field that was not found is null in v2.0 (recorded). */
  fields: Type.Record(Type.String(), Nullable(FieldValueSchema)),
});
export type DocumentResult = Wire<typeof DocumentResultSchema>;

/** Everything but `version` and `readResults` may be absent or null, and the version is null without labels (recorded). */
export const AnalyzeResultSchema = Type.Object({
  version: Nullable(Type.String()),
  readResults: Type.Array(ReadResultSchema),
  pageResults: Sometimes(Type.Array(PageResultSchema)),
  documentResults: Sometimes(Type.Array(DocumentResultSchema)),
  errors: Sometimes(Type.Array(ErrorInformationSchema)),
});
export type AnalyzeResult = Wire<typeof AnalyzeResultSchema>;

/** GET …/analyzeResults/{resultId}, of custom models, layout and prebuilt models alike. */
export const AnalyzeOperationResultSchema = Type.Object({
  status: OperationStatusSchema,
  createdDateTime: DateTime,
  lastUpdatedDateTime: DateTime,
  /** Absent or null until the operation is done. */
  analyzeResult: Sometimes(AnalyzeResultSchema),
});
export type AnalyzeOperationResult = Wire<typeof AnalyzeOperationResultSchema>;
