import type { ElementRef, Page, Polygon } from '../document.ts';

/** `fieldType` of the labelling tool's fields.json (v2.1). */
export type FieldType =
  | 'string'
  | 'number'
  | 'integer'
  | 'date'
  | 'time'
  | 'phoneNumber'
  | 'countryRegion'
  | 'selectionMark'
  | 'array'
  | 'object';

/** `fieldFormat`; `decimal-comma-seperated` is spelled as the labelling tool spells it. */
export type FieldFormat =
  | 'not-specified'
  | 'currency'
  | 'decimal'
  | 'decimal-comma-seperated'
  | 'no-whitespaces'
  | 'alphanumeric'
  | 'dmy'
  | 'mdy'
  | 'ymd';

export interface FieldDefinition {
  readonly name: string;
  readonly type: FieldType;
  readonly format: FieldFormat;
  /** Columns of a dynamic table (`array`), or rows of a fixed one (`object`, each with `fields` of its own). */
  readonly fields?: readonly FieldDefinition[];
}

/** One piece of a label: a word, a selection mark or a drawn region. */
export interface LabelValue {
  /** From 1. */
  readonly page: number;
  /** As labelled; `selected` or `unselected` for a mark; may be empty for a drawn region. */
  readonly text: string;
  /** Fractions of the page's width and height, 0 to 1. */
  readonly boxes: readonly Polygon[];
}

export interface Label {
  /** A field's name, or `table/row/column`. */
  readonly label: string;
  readonly isRegion: boolean;
  readonly values: readonly LabelValue[];
}

/** A training document: what was read on it and, for training with labels, what a person marked. */
export interface Sample {
  readonly name: string;
  readonly pages: readonly Page[];
  readonly labels: readonly Label[];
}

/** A value found on a document. `value` is absent where the text could not be understood as the field's type. */
export type FieldValue =
  | (FieldText & {
      readonly type: 'string' | 'phoneNumber' | 'countryRegion' | 'date' | 'time';
      readonly value?: string;
    })
  | (FieldText & { readonly type: 'number' | 'integer'; readonly value?: number })
  | (FieldText & { readonly type: 'selectionMark'; readonly value: 'selected' | 'unselected' })
  | { readonly type: 'array'; readonly value: readonly FieldValue[] }
  | { readonly type: 'object'; readonly value: Readonly<Record<string, FieldValue | null>> };

export interface FieldText {
  readonly text: string;
  /** From 1. */
  readonly page: number;
  readonly polygon: Polygon;
  /** Absent for the cells of a table field, as on the wire. */
  readonly confidence?: number;
  readonly elements: readonly ElementRef[];
}

/** One recognized form within a document. */
export interface AnalyzedForm {
  /** First and last page, from 1. */
  readonly pageRange: readonly [number, number];
  /** 0 to 1: how much the document looks like the samples. */
  readonly docTypeConfidence: number;
  /** Every field of the model; null where it is not on the document. */
  readonly fields: Readonly<Record<string, FieldValue | null>>;
}

export interface TextRegion {
  readonly text: string;
  readonly polygon: Polygon;
  readonly elements: readonly ElementRef[];
}

export interface KeyValuePair {
  readonly key: TextRegion;
  readonly value: TextRegion;
  readonly confidence: number;
}

/** What an unlabelled model finds on one page. */
export interface AnalyzedFormPage {
  readonly page: number;
  /** Null where the page is of no form type the model knows. */
  readonly clusterId: number | null;
  readonly keyValuePairs: readonly KeyValuePair[];
}

/** What a model's file says about the training. */
export interface FieldAccuracy {
  readonly name: string;
  /** Leave-one-out, 0 to 1, uncapped; absent with one sample, where there is nothing to leave out. */
  readonly accuracy?: number;
  /** Samples whose own value the others do not predict, most surprising first: labels worth a look. */
  readonly disagreeing: readonly string[];
}

/**
 * A trained model, plain JSON. `serializeModel` makes its file, the same bytes for the same samples; `version` names the format,
 * and `parseModel` reads this one and those before it.
 */
export interface LabeledModel {
  readonly kind: 'labeled';
  readonly version: 1;
  readonly fields: readonly FieldDefinition[];
  readonly accuracy: readonly FieldAccuracy[];
  /** What the extractor needs; opaque outside extraction/. */
  readonly learned: unknown;
}

export interface UnlabeledModel {
  readonly kind: 'unlabeled';
  readonly version: 1;
  /** Keys by cluster, sorted and unique, as the service lists them (`keys.clusters`). */
  readonly clusters: readonly (readonly string[])[];
  readonly learned: unknown;
}

export type ExtractionModel = LabeledModel | UnlabeledModel;

export type Analysis =
  | { readonly kind: 'labeled'; readonly forms: readonly AnalyzedForm[] }
  | { readonly kind: 'unlabeled'; readonly pages: readonly AnalyzedFormPage[] };
