import { v2 } from '@formhaven/contract';
import { OPERATION_NAMES, type OperationName, operationsOf } from './descriptions.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';

/** Operation by version, in Markdown, from what the conformance tests hold. Numbers lead to the differences listed below it. */
export function coverage(): string {
  const rows = OPERATION_NAMES.map((operation) => [
    `\`${operation}\``,
    ...v2.V2_VERSIONS.map((version) => cell(operation, version)),
  ]);
  const lines = [['operation', ...v2.V2_VERSIONS], ['---', ...v2.V2_VERSIONS.map(() => '---')], ...rows];
  const reasons = KNOWN_DIFFERENCES.map(({ reason }, index) => `${index + 1}. ${reason}`);
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n${reasons.join('\n')}\n`;
}

function cell(operation: OperationName, version: v2.V2Version): string {
  if (!operationsOf(version).includes(operation)) return '–';
  if (operation.includes('/prebuilt/')) return 'refused';
  const differences = KNOWN_DIFFERENCES.flatMap(({ operations, versions = v2.V2_VERSIONS }, index) =>
    operations.includes(operation) && versions.includes(version) ? [String(index + 1)] : [],
  );
  return differences.length === 0 ? 'done' : `differs (${differences.join(', ')})`;
}
