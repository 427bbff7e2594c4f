import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { v2 } from '@formhaven/contract';
import { type GatewayStatus, startLoad } from '@formhaven/gateway';
import { readStatement, STATEMENTS } from '../../test/kit/forms.ts';

// Does the gateway leave a region that is only busy? Real regions, real documents, a load near what they can bear.
//   node bench/gateway/soak.ts [seconds] [share of the measured capacity]

const seconds = Number(process.argv[2] ?? 120);
const share = Number(process.argv[3] ?? 0.8);
const WARM_UP = 12;

const dataFolder = await mkdtemp(join(tmpdir(), 'formhaven-soak-'));
const started = spawn(
  process.execPath,
  [join(import.meta.dirname, '..', '..', 'cli', 'bin', 'formhaven.js'), 'start', '--gateway'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      FORMHAVEN_DATA: dataFolder,
      FORMHAVEN_PORT: '0',
      FORMHAVEN_GATEWAY_PORT: '0',
      FORMHAVEN_TRAINING_ROOTS: STATEMENTS,
      FORMHAVEN_LOG_LEVEL: 'error',
    },
  },
);
try {
  for await (const chunk of started.stdout.setEncoding('utf8')) if (String(chunk).includes('Ctrl-C')) break;
  await run();
} finally {
  const ended = new Promise((resolve) => started.once('exit', resolve));
  started.kill('SIGINT');
  await ended;
  await rm(dataFolder, { recursive: true, force: true, maxRetries: 5 });
}

async function run(): Promise<void> {
  const { gateway } = JSON.parse(await readFile(join(dataFolder, 'endpoints.json'), 'utf8')) as {
    gateway: { endpoint: string; key1: string; adminKey: string };
  };
  const client = new v2.V2Client({ endpoint: gateway.endpoint, key: gateway.key1, version: 'v2.1', retries: 0 });
  const { modelId } = await client.train({ source: STATEMENTS, useLabelFile: true });
  while ((await client.getModel(modelId)).modelInfo.status === 'creating') await sleep(200);
  const document = new Uint8Array(await readStatement('Invoice_6.pdf'));

  const begunAt = performance.now();
  await Promise.all(
    Array.from({ length: WARM_UP }, async () => {
      const { resultId } = await client.analyze(modelId, { contentType: 'application/pdf', body: document });
      while ((await client.getAnalyzeResult(modelId, resultId)).status !== 'succeeded') await sleep(50);
    }),
  );
  const capacity = (WARM_UP * 1000) / (performance.now() - begunAt);
  const perSecond = capacity * share;
  console.log(`capacity ${capacity.toFixed(1)} documents a second; load ${perSecond.toFixed(1)} for ${seconds} s`);

  const load = startLoad({
    client,
    modelId,
    document,
    perSecond,
    isRight: () => true,
    pollMilliseconds: 250,
    patienceMilliseconds: 120_000,
  });
  const states = new Map<string, number>();
  while (load.now() < seconds * 1000) {
    const response = await fetch(`${gateway.endpoint}/gateway/status`, {
      headers: { 'ocp-apim-subscription-key': gateway.adminKey },
    });
    const status = (await response.json()) as GatewayStatus;
    for (const { region, state } of status.regions) {
      states.set(`${region} ${state}`, (states.get(`${region} ${state}`) ?? 0) + 1);
    }
    await sleep(500);
  }
  const attempts = await load.stop();
  const bad = attempts.filter(({ outcome }) => outcome.kind !== 'good');
  const times = attempts.map(({ sentAt, endedAt }) => endedAt - sentAt).toSorted((a, b) => a - b);
  console.log(`states seen: ${[...states].map(([state, times]) => `${state} ${times}`).join(', ')}`);
  console.log(
    `${attempts.length} documents, ${bad.length} bad; p50 ${times[Math.floor(times.length / 2)]?.toFixed(0)} ms, slowest ${times.at(-1)?.toFixed(0)} ms`,
  );
}
