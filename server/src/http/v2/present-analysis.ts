import type { v2 } from '@formhaven/contract';
import type {
  AnalyzedForm,
  AnalyzedFormPage,
  ElementRef,
  FieldValue,
  Line,
  Page,
  Polygon,
  Table,
  TextRegion,
} from '@formhaven/recognizer';
import type { AnalyzeResult } from '../../analysis/result.ts';
import type { V2Context } from './context.ts';

export interface PresentOptions {
  readonly features: V2Context['features'];
  /** Layout always lists its lines; custom models only where they were asked to. */
  readonly includeTextDetails: boolean;
}

/** `analyzeResult` of a finished analysis. */
export function presentAnalyzeResult(result: AnalyzeResult, options: PresentOptions): v2.AnalyzeResult {
  const analysis = result.custom?.analysis;
  if (analysis?.kind === 'unlabeled') return presentUnlabeled(result, analysis.pages, options);
  const { features } = options;
  return {
    version: features.analyzeResultVersion,
    readResults: result.pages.map((page) => presentPage(page, options)),
    pageResults: result.pages.map((page) => ({
      page: page.number,
      tables: page.tables.map((table) => presentTable(table, result.pages, options)),
    })),
    ...(analysis === undefined
      ? {}
      : { documentResults: analysis.forms.map((form) => presentForm(form, result, options)) }),
    errors: [],
  };
}

function presentUnlabeled(
  result: AnalyzeResult,
  found: readonly AnalyzedFormPage[],
  options: PresentOptions,
): v2.AnalyzeResult {
  return {
    version: null,
    readResults: result.pages.map((page) => presentPage(page, options)),
    pageResults: result.pages.map((page) => {
      const analyzed = found.find((candidate) => candidate.page === page.number);
      return {
        page: page.number,
        clusterId: analyzed?.clusterId ?? null,
        keyValuePairs: (analyzed?.keyValuePairs ?? []).map((pair) => ({
          key: presentRegion(pair.key, result.pages, options),
          value: presentRegion(pair.value, result.pages, options),
          confidence: pair.confidence,
        })),
        tables: page.tables.map((table) => presentTable(table, result.pages, options)),
      };
    }),
    documentResults: [],
    errors: [],
  };
}

function presentPage(page: Page, options: PresentOptions): v2.ReadResult {
  const { features } = options;
  return {
    page: page.number,
    angle: page.angle,
    width: page.width,
    height: page.height,
    unit: page.unit,
    ...(options.includeTextDetails ? { lines: page.lines.map((line) => presentLine(line, features)) } : {}),
    ...(features.hasSelectionMarks && (options.includeTextDetails || page.selectionMarks.length > 0)
      ? {
          selectionMarks: page.selectionMarks.map((mark) => ({
            boundingBox: [...mark.polygon],
            confidence: mark.confidence,
            state: mark.state,
          })),
        }
      : {}),
  };
}

function presentLine(line: Line, features: V2Context['features']): v2.TextLine {
  return {
    boundingBox: [...line.polygon],
    text: line.text,
    ...(features.hasAppearance && line.style !== undefined ? { appearance: { style: line.style } } : {}),
    words: line.words.map((word) => ({
      boundingBox: [...word.polygon],
      text: word.text,
      confidence: word.confidence,
    })),
  };
}

function presentTable(table: Table, pages: readonly Page[], options: PresentOptions): v2.DataTable {
  return {
    rows: table.rowCount,
    columns: table.columnCount,
    cells: table.cells.map((cell) => ({
      rowIndex: cell.rowIndex,
      columnIndex: cell.columnIndex,
      ...(cell.rowSpan > 1 ? { rowSpan: cell.rowSpan } : {}),
      ...(cell.columnSpan > 1 ? { columnSpan: cell.columnSpan } : {}),
      text: cell.text,
      boundingBox: [...cell.polygon],
      ...(cell.isHeader ? { isHeader: true } : {}),
      ...elementsOf(cell.elements, pages, options),
    })),
    ...(options.features.hasTableBoxes ? { boundingBox: [...table.polygon] } : {}),
  };
}

function presentForm(form: AnalyzedForm, result: AnalyzeResult, options: PresentOptions): v2.DocumentResult {
  const { features } = options;
  const custom = result.custom;
  const fields: Record<string, v2.FieldValue | null> = {};
  for (const [name, value] of Object.entries(form.fields)) {
    const presented = presentField(value, result.pages, options);
    // A field that was not found is null in v2.0; v2.1 leaves it out.
    if (presented !== null || features.hasNullFields) fields[name] = presented;
  }
  return {
    docType:
      features.namesModelInDocuments && custom !== undefined
        ? `custom:${custom.modelName ?? custom.modelId}`
        : 'custom:form',
    ...(features.namesModelInDocuments && custom !== undefined
      ? { modelId: custom.modelId, docTypeConfidence: form.docTypeConfidence }
      : {}),
    pageRange: [...form.pageRange],
    fields,
  };
}

function presentField(value: FieldValue | null, pages: readonly Page[], options: PresentOptions): v2.FieldValue | null {
  if (value === null) return null;
  if (value.type === 'array') {
    return { type: 'array', valueArray: value.value.map((item) => presentField(item, pages, options)) };
  }
  if (value.type === 'object') {
    return {
      type: 'object',
      valueObject: Object.fromEntries(
        Object.entries(value.value).map(([name, item]) => [name, presentField(item, pages, options)]),
      ),
    };
  }
  const rest = {
    text: value.text,
    page: value.page,
    boundingBox: [...value.polygon],
    ...(value.confidence === undefined ? {} : { confidence: value.confidence }),
    ...elementsOf(value.elements, pages, options),
  };
  switch (value.type) {
    case 'string':
      return { type: 'string', ...(value.value === undefined ? {} : { valueString: value.value }), ...rest };
    case 'phoneNumber':
      return { type: 'phoneNumber', ...(value.value === undefined ? {} : { valuePhoneNumber: value.value }), ...rest };
    case 'date':
      return { type: 'date', ...(value.value === undefined ? {} : { valueDate: value.value }), ...rest };
    case 'time':
      return { type: 'time', ...(value.value === undefined ? {} : { valueTime: value.value }), ...rest };
    case 'number':
      return { type: 'number', ...(value.value === undefined ? {} : { valueNumber: value.value }), ...rest };
    case 'integer':
      return { type: 'integer', ...(value.value === undefined ? {} : { valueInteger: value.value }), ...rest };
    case 'countryRegion':
      if (!options.features.hasCountryRegions) {
        return { type: 'string', ...(value.value === undefined ? {} : { valueString: value.value }), ...rest };
      }
      return {
        type: 'countryRegion',
        ...(value.value === undefined ? {} : { valueCountryRegion: value.value }),
        ...rest,
      };
    case 'selectionMark':
      // v2.0 has no such type: its labels were text.
      return options.features.hasSelectionMarks
        ? { type: 'selectionMark', valueSelectionMark: value.value, ...rest }
        : { type: 'string', valueString: value.value, ...rest };
    default:
      throw new TypeError(`unknown field ${JSON.stringify(value satisfies never)}`);
  }
}

function presentRegion(region: TextRegion, pages: readonly Page[], options: PresentOptions): v2.KeyValueElement {
  return {
    text: region.text,
    boundingBox: [...(region.polygon satisfies Polygon)],
    ...(options.includeTextDetails ? elementsOf(region.elements, pages, options) : { elements: null }),
  };
}

/** JSON pointers into readResults, which has lines only where they were asked for. */
function elementsOf(
  elements: readonly ElementRef[],
  pages: readonly Page[],
  options: PresentOptions,
): { elements?: string[] } {
  const { features } = options;
  const listed = elements.filter(({ kind }) => features.refersToSelectionMarks || kind === 'word');
  if (!options.includeTextDetails || listed.length === 0) return {};
  return {
    elements: listed.map((element) => {
      const page = `${features.elementPrefix}/${pages.findIndex(({ number }) => number === element.page)}`;
      return element.kind === 'word'
        ? `${page}/lines/${element.line}/words/${element.word}`
        : `${page}/selectionMarks/${element.mark}`;
    }),
  };
}
