import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from '@commander-js/extra-typings';
import { v2 } from '@formhaven/contract';
import {
  type DrillReport,
  drillFigures,
  drillReportHtml,
  type GatewayStatus,
  isPassed,
  startLoad,
} from '@formhaven/gateway';
import { type DrillSetting, FAULTS, type Fault, openDrillSetting } from '../drill-setting.ts';
import { askGateway, type GatewayAccess } from '../gateway-admin.ts';
import { runCommand, UsageError } from '../replication-command.ts';
import { operator } from './gateway.ts';

const FORMS = fileURLToPath(new URL('../../../test/forms/azure-statements', import.meta.url));
const DOCUMENT = join(FORMS, 'test', 'Invoice_6.pdf');
const MISSED = 4;
const BASELINE_MILLISECONDS = 5000;
/** How long the load goes on once the region is out: long enough for the gap to be seen whole. */
const AFTERMATH_MILLISECONDS = 8000;
const STATE_MILLISECONDS = 90_000;
/** A region that finishes nothing looks like a slow one for as long as one has patience with slow ones. */
const RTO_SECONDS: Readonly<Record<Fault, number>> = { kill: 5, partition: 5, grey: 35 };

/** `formhaven drill`: a region really fails under load, in regions started for it; what clients saw becomes a report. */
export function drillCommand(): Command {
  return new Command('drill')
    .description('let a region fail under load, in regions started for it, and report what clients saw')
    .option('--fault <kind>', `what happens to the primary: ${Object.keys(FAULTS).join(', ')}`, 'kill')
    .option('--rate <number>', 'documents a second', '2')
    .option('--rto <seconds>', 'objective for the first good answer (default: 5, for a grey region 35)')
    .option('--report <folder>', 'where the reports go', 'drills')
    .option('--json', 'the report as JSON on standard output')
    .addHelpText(
      'after',
      '\nRegions, models and the gateway live in a folder of their own that is removed afterwards: nothing of yours is touched.\nExit codes: 0 every objective met; 4 one missed; 1 the drill itself failed.',
    )
    .exitOverride()
    .action(async (options) => {
      await runCommand(options, async () => {
        const { fault } = options;
        if (!isFault(fault)) throw new UsageError(`--fault takes ${Object.keys(FAULTS).join(', ')}.`);
        if (process.platform === 'win32' && fault !== 'kill') {
          throw new UsageError(`Windows cannot stop processes: of the faults it has kill alone.`);
        }
        const rate = Number(options.rate);
        const rto = Number(options.rto ?? RTO_SECONDS[fault]);
        if (!(rate > 0 && rate <= 100)) throw new UsageError('--rate takes a number above 0, at most 100.');
        if (!(rto > 0)) throw new UsageError('--rto takes seconds.');
        const say = options.json === true ? () => undefined : (line: string) => console.log(line);
        const report = await runDrill({ fault, rate, rtoMilliseconds: rto * 1000, say });
        const file = await keepReport(report, resolve(options.report));
        if (options.json === true) console.log(JSON.stringify(report, undefined, 2));
        else console.log(`\n${report.isPassed ? 'Passed.' : 'FAILED: an objective was missed.'} ${file}`);
        return report.isPassed ? 0 : MISSED;
      });
    }) as unknown as Command;
}

async function runDrill(options: {
  readonly fault: Fault;
  readonly rate: number;
  readonly rtoMilliseconds: number;
  say(line: string): void;
}): Promise<DrillReport> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'formhaven-drill-'));
  try {
    await using setting = await openDrillSetting(dataFolder, FORMS);
    return await drillIn(setting, options);
  } finally {
    await rm(dataFolder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function drillIn(
  setting: DrillSetting,
  options: { readonly fault: Fault; readonly rate: number; readonly rtoMilliseconds: number; say(line: string): void },
): Promise<DrillReport> {
  const { primary, secondary, gateway } = setting;
  const access: GatewayAccess = { endpoint: gateway.endpoint, adminKey: gateway.adminKey };
  const client = new v2.V2Client({ endpoint: gateway.endpoint, key: gateway.key1, version: 'v2.1', retries: 0 });
  const begunOn = new Date();
  options.say(`${primary.name} and ${secondary.name} are up behind a gateway; training a model.`);
  const modelId = await train(client);
  await setting.protect(modelId, primary, secondary);
  await until(async () => (await statusOf(access)).models === 1, 'the gateway knows the copy');

  const document = new Uint8Array(await readFile(DOCUMENT));
  const expected = fingerprint(await analyzeOnce(client, modelId, document));
  const load = startLoad({
    client,
    modelId,
    document,
    perSecond: options.rate,
    isRight: (result) => fingerprint(result) === expected,
    pollMilliseconds: 200,
    patienceMilliseconds: STATE_MILLISECONDS,
  });
  const timeline: { at: number; event: string }[] = [];
  const note = (event: string): void => {
    timeline.push({ at: load.now(), event });
    options.say(`${(load.now() / 1000).toFixed(2).padStart(8)} s  ${event}`);
  };
  try {
    note(`Clients send ${options.rate} documents a second through the gateway.`);
    await delay(BASELINE_MILLISECONDS);

    const faultAt = load.now();
    note(`Fault: ${options.fault} in ${primary.name}: ${FAULTS[options.fault]}.`);
    await primary.inject(options.fault);
    await until(async () => !isInUse(await statusOf(access), primary.name), `${primary.name} is taken out of use`);
    const detected = load.now() - faultAt;
    note(`The gateway takes ${primary.name} out of use; analyses go to ${secondary.name}.`);
    await delay(AFTERMATH_MILLISECONDS);

    await askGateway(access, '/gateway/failover', { to: secondary.name, by: operator(), reason: 'drill' });
    note(`Writes are moved to ${secondary.name} (formhaven failover).`);
    const meanwhile = await train(client);
    note(`A model is trained in ${secondary.name} during the outage.`);

    await primary.restore();
    note(`${primary.name} is restored.`);
    await until(async () => isInUse(await statusOf(access), primary.name), `${primary.name} is back`);
    note(`${primary.name} has finished analyses of the gateway's own and is in use again.`);
    await setting.protect(meanwhile, secondary, primary);
    note(`The model made meanwhile is copied to ${primary.name}.`);
    await until(async () => (await statusOf(access)).models === 2, 'the gateway knows both models');
    await askGateway(access, '/gateway/failback', { to: primary.name, by: operator(), reason: 'drill' });
    note(`Writes and analyses are given back to ${primary.name} (formhaven failback).`);

    const kept = await usable(client, [modelId, meanwhile], document);
    await delay(1000);
    const attempts = await load.stop();
    note('The load ends; every document sent has been waited for.');
    const figures = {
      ...drillFigures(attempts, faultAt),
      detected,
      switches: await switchesOf(access),
      modelsBefore: 1,
      lostModels: kept.has(modelId) ? 0 : 1,
      modelsMadeMeanwhile: 1,
      modelsMadeMeanwhileKept: kept.has(meanwhile) ? 1 : 0,
    };
    const objectives = { firstGoodAnswer: options.rtoMilliseconds, errors: 0, lostDocuments: 0, lostModels: 0 };
    return {
      format: 'formhaven-drill/1',
      begunOn: begunOn.toISOString(),
      endedOn: new Date().toISOString(),
      fault: options.fault,
      faultMeans: FAULTS[options.fault],
      region: primary.name,
      takenOverBy: secondary.name,
      requestsPerSecond: options.rate,
      objectives,
      figures,
      timeline,
      isPassed: isPassed({ objectives, figures }),
    };
  } finally {
    await load.stop();
  }
}

/** Reports lie side by side; `drills.jsonl` lists them with their hashes, so that a changed one is seen. */
async function keepReport(report: DrillReport, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const name = `drill-${report.begunOn.replaceAll(/[:.]/g, '-')}-${report.fault}`;
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  const html = drillReportHtml(report);
  await writeFile(join(folder, `${name}.json`), json);
  await writeFile(join(folder, `${name}.html`), html);
  const entry = {
    on: report.endedOn,
    by: operator(),
    event: 'drill',
    report: name,
    isPassed: report.isPassed,
    sha256: { json: sha256(json), html: sha256(html) },
  };
  await appendFile(join(folder, 'drills.jsonl'), `${JSON.stringify(entry)}\n`);
  return join(folder, `${name}.html`);
}

async function train(client: v2.V2Client): Promise<string> {
  const { modelId } = await client.train({ source: join(FORMS, 'train'), useLabelFile: true });
  const model = await v2.pollUntil({
    poll: (signal) => client.getModel(modelId, { signal }),
    isDone: ({ modelInfo }) => modelInfo.status !== 'creating',
    intervalMilliseconds: 200,
    deadlineMilliseconds: STATE_MILLISECONDS,
  });
  if (model.modelInfo.status !== 'ready') throw new Error('the model of the drill could not be trained');
  return modelId;
}

async function analyzeOnce(
  client: v2.V2Client,
  modelId: string,
  document: Uint8Array<ArrayBuffer>,
): Promise<v2.AnalyzeOperationResult> {
  const { resultId } = await client.analyze(modelId, { contentType: 'application/pdf', body: document });
  return await v2.pollUntil({
    poll: (signal) => client.getAnalyzeResult(modelId, resultId, { signal }),
    isDone: ({ status }) => status === 'succeeded' || status === 'failed',
    intervalMilliseconds: 200,
    deadlineMilliseconds: STATE_MILLISECONDS,
  });
}

/** Of these models, the ones that recognize a document. */
async function usable(
  client: v2.V2Client,
  modelIds: readonly string[],
  document: Uint8Array<ArrayBuffer>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const modelId of modelIds) {
    const result = await analyzeOnce(client, modelId, document).catch(() => undefined);
    if (result?.status === 'succeeded') found.add(modelId);
  }
  return found;
}

/** What a result says, without when it was made. */
function fingerprint(result: v2.AnalyzeOperationResult): string {
  return result.status === 'succeeded' ? sha256(JSON.stringify(result.analyzeResult)) : result.status;
}

function statusOf(access: GatewayAccess): Promise<GatewayStatus> {
  return askGateway<GatewayStatus>(access, '/gateway/status');
}

function isInUse(status: GatewayStatus, region: string): boolean {
  const state = status.regions.find((entry) => entry.region === region)?.state;
  return state === 'healthy' || state === 'slow';
}

async function switchesOf(access: GatewayAccess): Promise<number> {
  const response = await fetch(`${access.endpoint}/metrics`, {
    headers: { 'ocp-apim-subscription-key': access.adminKey },
  });
  const lines = (await response.text()).split('\n');
  return lines
    .filter((line) => line.startsWith('formhaven_gateway_switches_total{'))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + STATE_MILLISECONDS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`the drill waited in vain until ${what}`);
    await delay(50);
  }
}

function isFault(text: string): text is Fault {
  return Object.hasOwn(FAULTS, text);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
