import type { DrillFigures } from './figures.ts';

/** Everything an auditor is shown. */
export interface DrillReport {
  readonly format: 'formhaven-drill/1';
  readonly begunOn: string;
  readonly endedOn: string;
  readonly fault: string;
  readonly faultMeans: string;
  readonly region: string;
  readonly takenOverBy: string;
  readonly requestsPerSecond: number;
  /** What was asked for, in milliseconds and counts. */
  readonly objectives: {
    readonly firstGoodAnswer: number;
    readonly errors: number;
    readonly lostDocuments: number;
    readonly lostModels: number;
  };
  readonly figures: DrillFigures & {
    /** From the fault to the gateway's taking the region out. */
    readonly detected: number | undefined;
    readonly switches: number;
    readonly modelsBefore: number;
    /** Recovery point: models that were there before the fault, and cannot be used after it or after the return. */
    readonly lostModels: number;
    /** Made while the region was out, and there after the failback. */
    readonly modelsMadeMeanwhile: number;
    readonly modelsMadeMeanwhileKept: number;
  };
  readonly timeline: readonly { readonly at: number; readonly event: string }[];
  readonly isPassed: boolean;
}

export function isPassed(report: Pick<DrillReport, 'objectives' | 'figures'>): boolean {
  const { objectives, figures } = report;
  return (
    figures.firstGoodAnswer !== undefined &&
    figures.firstGoodAnswer <= objectives.firstGoodAnswer &&
    figures.errors <= objectives.errors &&
    figures.lostDocuments <= objectives.lostDocuments &&
    figures.lostModels <= objectives.lostModels &&
    figures.modelsMadeMeanwhileKept === figures.modelsMadeMeanwhile
  );
}

/** One page without scripts or anything from elsewhere; prints well. */
export function drillReportHtml(report: DrillReport): string {
  const { figures, objectives } = report;
  const rows: readonly (readonly [string, string, string])[] = [
    [
      'Recovery time: first good answer to a request sent after the fault',
      seconds(figures.firstGoodAnswer),
      `≤ ${seconds(objectives.firstGoodAnswer)}`,
    ],
    ['Recovery point: models lost', String(figures.lostModels), `≤ ${objectives.lostModels}`],
    [
      'Recovery point: accepted documents without a result',
      String(figures.lostDocuments),
      `≤ ${objectives.lostDocuments}`,
    ],
    ['Errors that clients saw', `${figures.errors} of ${figures.sent} requests`, `≤ ${objectives.errors}`],
    [
      'Models made during the outage and kept after the return',
      `${figures.modelsMadeMeanwhileKept} of ${figures.modelsMadeMeanwhile}`,
      'all',
    ],
    ['Region taken out of use after', seconds(figures.detected), ''],
    ['Switches', String(figures.switches), ''],
    ['Longest time without a good answer, before the fault', seconds(figures.longestGapBefore), ''],
    ['Longest time without a good answer, from the fault on', seconds(figures.longestGapAfter), ''],
    [
      'Median time of an analysis, before and after',
      `${seconds(figures.medianBefore)}, ${seconds(figures.medianAfter)}`,
      '',
    ],
    ['Slowest analysis that the fault met', seconds(figures.slowestAfter), ''],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Disaster recovery drill, ${escaped(report.begunOn)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem }
th, td { text-align: left; padding: .4rem .8rem; border-bottom: 1px solid #ccc; vertical-align: top }
td:nth-child(n+2) { white-space: nowrap }
.passed { color: #0a6b2d } .failed { color: #b00020 }
@media print { body { margin: 0 } }
</style>
<h1>Disaster recovery drill</h1>
<p class="${report.isPassed ? 'passed' : 'failed'}"><strong>${report.isPassed ? 'Passed: every objective was met.' : 'Failed: an objective was missed.'}</strong></p>
<p>${escaped(report.begunOn)} to ${escaped(report.endedOn)}. Fault: <strong>${escaped(report.fault)}</strong> in region <strong>${escaped(report.region)}</strong>: ${escaped(report.faultMeans)}. ${escaped(report.takenOverBy)} took over. Clients sent ${report.requestsPerSecond} documents a second throughout; ${figures.modelsBefore} models were protected.</p>
<table>
<thead><tr><th>measured, as a client sees it</th><th>value</th><th>objective</th></tr></thead>
<tbody>
${rows.map(([name, value, objective]) => `<tr><td>${escaped(name)}</td><td>${escaped(value)}</td><td>${escaped(objective)}</td></tr>`).join('\n')}
</tbody>
</table>
<h2>What happened</h2>
<table>
<thead><tr><th>since the load began</th><th>event</th></tr></thead>
<tbody>
${report.timeline.map(({ at, event }) => `<tr><td>${escaped(seconds(at))}</td><td style="white-space: normal">${escaped(event)}</td></tr>`).join('\n')}
</tbody>
</table>
</html>
`;
}

function seconds(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'never' : `${(milliseconds / 1000).toFixed(2)} s`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
