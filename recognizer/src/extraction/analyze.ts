import type { Page } from '../document.ts';
import { analyzeLabeled } from './analyzeLabeled.ts';
import type { Analysis, ExtractionModel } from './types.ts';
import { analyzeUnlabeled } from './unlabeled/analyze.ts';

/**
 * What a model finds on a document that was read. Deterministic: the same model and pages give the same answer.
 *
 * @param pages in the order of the file, at least one for a labelled model to find a form
 */
export function analyze(model: ExtractionModel, pages: readonly Page[]): Analysis {
  switch (model.kind) {
    case 'labeled':
      return { kind: 'labeled', forms: pages.length > 0 ? [analyzeLabeled(model, pages)] : [] };
    case 'unlabeled':
      return { kind: 'unlabeled', pages: analyzeUnlabeled(model, pages) };
    default:
      return model satisfies never;
  }
}
