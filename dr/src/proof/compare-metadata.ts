import type { v2 } from '@formhaven/contract';
import canonicalize from 'canonicalize';

/**
 * What the copy of a model keeps of its source (recorded): dates, name, attributes, keys and the training's result. Only the id
 * differs. Returns the first member that is not the same; undefined where all are.
 */
export function metadataDifference(source: v2.Model, target: v2.Model, isSameVersion: boolean): string | undefined {
  if (target.modelInfo.status !== 'ready') return `the copy is ${target.modelInfo.status}`;
  const members: readonly (readonly [string, unknown, unknown])[] = [
    ['createdDateTime', source.modelInfo.createdDateTime, target.modelInfo.createdDateTime],
    ['lastUpdatedDateTime', source.modelInfo.lastUpdatedDateTime, target.modelInfo.lastUpdatedDateTime],
    ['documents', documents(source), documents(target)],
    ['fields', fieldNames(source), fieldNames(target)],
    // Versions round accuracies differently, and only v2.1 has names.
    ...(isSameVersion
      ? ([
          ['modelName', source.modelInfo.modelName, target.modelInfo.modelName],
          ['attributes', source.modelInfo.attributes, target.modelInfo.attributes],
          ['keys', source.keys, target.keys],
          ['trainResult', source.trainResult, target.trainResult],
          ['composedTrainResults', source.composedTrainResults, target.composedTrainResults],
        ] as const)
      : []),
  ];
  for (const [name, a, b] of members) {
    if (text(a) !== text(b)) return `${name} differs`;
  }
  return undefined;
}

function documents(model: v2.Model): readonly string[] {
  const results = model.composedTrainResults ?? (model.trainResult === undefined ? [] : [model.trainResult]);
  return results.flatMap((result) => result.trainingDocuments.map((entry) => `${entry.documentName} ${entry.pages}`));
}

function fieldNames(model: v2.Model): readonly string[] {
  return (model.trainResult?.fields ?? []).map((field) => field.fieldName);
}

function text(value: unknown): string {
  return canonicalize(value ?? null) ?? '';
}
