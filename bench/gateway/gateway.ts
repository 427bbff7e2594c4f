import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { v2 } from '@formhaven/contract';

// What the gateway costs, and how fast it notices. Regions, gateway and yardstick are processes of their own.
//   node bench/gateway/gateway.ts [kills]      writes results.md beside this file

const MODEL = '11111111-1111-4111-8111-111111111111';
const MODEL_IN_EAST = '22222222-2222-4222-8222-222222222222';
const REQUESTS = 4000;
const AT_ONCE = 16;
const kills = Number(process.argv[2] ?? 20);

const here = import.meta.dirname;
const folder = await mkdtemp(join(tmpdir(), 'formhaven-bench-'));
const children: ChildProcess[] = [];
try {
  await run();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function run(): Promise<void> {
  const west = await start<Region>('region.fixture.ts', ['west', MODEL]);
  const east = await start<Region>('region.fixture.ts', ['east', MODEL_IN_EAST]);
  const key = randomBytes(16).toString('hex');
  const hash = createHash('sha256').update(key).digest('hex');
  await writeFile(
    join(folder, 'gateway.json'),
    JSON.stringify({
      regions: [
        { region: 'west', endpoint: west.said.endpoint, key1: west.said.keys[0] },
        { region: 'east', endpoint: east.said.endpoint, key1: east.said.keys[0] },
      ],
      clientKeys: [hash],
      adminKeys: [hash],
    }),
  );
  await writeFile(
    join(folder, 'model-map.json'),
    JSON.stringify({
      version: 1,
      writtenOn: new Date().toISOString(),
      models: [
        {
          id: MODEL,
          regions: { west: { modelId: MODEL, isProven: true }, east: { modelId: MODEL_IN_EAST, isProven: true } },
        },
      ],
    }),
  );
  const gateway = await start<Endpoint>('../../cli/bin/formhaven.js', [
    ...['gateway', '--config', join(folder, 'gateway.json'), '--data', join(folder, 'gateway')],
    ...['--model-map', join(folder, 'model-map.json'), '--port', '0'],
  ]);
  const plain = await start<Endpoint>('plain-proxy.fixture.ts', [west.said.endpoint]);
  const client = new v2.V2Client({ endpoint: gateway.said.endpoint, key, version: 'v2.1', retries: 0 });

  const { resultId } = await client.analyze(MODEL, someDocument());
  const path = `/formrecognizer/v2.1/custom/models/${MODEL}/analyzeResults/${resultId}`;
  const regionKey = west.said.keys[0] ?? '';
  const direct = await measure(west, path, regionKey);
  const throughPlain = await measure(plain, path, regionKey);
  const throughGateway = await measure(gateway, path, key);

  const accepting: number[] = [];
  for (let n = 0; n < 200; n++) {
    const document = someDocument(100_000);
    const begunAt = performance.now();
    await client.analyze(MODEL, document);
    accepting.push(performance.now() - begunAt);
  }

  const recoveries = { detected: [] as number[], firstGood: [] as number[], errors: 0, requests: 0 };
  for (let n = 0; n < kills; n++) await killOnce({ client, gateway: gateway.said.endpoint, key, west }, recoveries);

  const ms = (value: number | undefined): string => `${(value ?? Number.NaN).toFixed(2)} ms`;
  const ratio = throughGateway.perCpuSecond / throughPlain.perCpuSecond;
  const lines = [
    '# Gateway',
    '',
    `Node ${process.version}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}; other work was running beside it. \`node bench/gateway/gateway.ts ${kills}\``,
    '',
    '| | measured | to reach |',
    '|---|---|---|',
    `| GET of a result, p50 one at a time: region / plain proxy / gateway | ${ms(direct.p50)} / ${ms(throughPlain.p50)} / ${ms(throughGateway.p50)} | |`,
    `| overhead of the gateway on a GET, p50 | ${ms(throughGateway.p50 - direct.p50)} | ≤ 3 ms |`,
    `| GETs per CPU second: plain proxy / gateway | ${throughPlain.perCpuSecond.toFixed(0)} / ${throughGateway.perCpuSecond.toFixed(0)} = ${ratio.toFixed(2)} | ≥ 0.7 |`,
    `| a document of 100 kB accepted (spooled, fsync, stored), p50 / p99 | ${ms(percentile(accepting, 0.5))} / ${ms(percentile(accepting, 0.99))} | |`,
    `| dead region taken out, p50 / p99 of ${kills} kills | ${ms(percentile(recoveries.detected, 0.5))} / ${ms(percentile(recoveries.detected, 0.99))} | 3 s |`,
    `| first good answer after the kill, p50 / p99 | ${ms(percentile(recoveries.firstGood, 0.5))} / ${ms(percentile(recoveries.firstGood, 0.99))} | 5 s |`,
    `| errors seen by a client without retries, at 50 requests a second | ${recoveries.errors} of ${recoveries.requests} | ≤ 0.1 % |`,
    '',
  ];
  console.log(lines.join('\n'));
  await writeFile(join(here, 'results.md'), lines.join('\n'));
}

interface Endpoint {
  readonly endpoint: string;
}

interface Region extends Endpoint {
  readonly keys: readonly string[];
}

interface Started<Said> {
  readonly child: ChildProcess;
  readonly said: Said;
}

async function start<Said>(file: string, args: readonly string[]): Promise<Started<Said>> {
  const child = spawn(process.execPath, [join(here, file), ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, FORMHAVEN_LOG_LEVEL: 'error' },
  });
  children.push(child);
  const [said] = (await once(child, 'message')) as [Said];
  return { child, said };
}

/** One at a time for the latency, then several at once for what it costs the process that passes on. */
async function measure(
  at: Started<Endpoint>,
  path: string,
  key: string,
): Promise<{ readonly p50: number; readonly perCpuSecond: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const get = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(
        at.said.endpoint + path,
        { agent, headers: { 'ocp-apim-subscription-key': key } },
        (answer) => {
          if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
          answer.resume().once('end', resolve);
        },
      );
      sent.once('error', reject).end();
    });
  const many = async (count: number): Promise<void> => {
    let left = count;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) await get();
      }),
    );
  };
  await many(REQUESTS / 2);
  const times: number[] = [];
  for (let n = 0; n < 1000; n++) {
    const begunAt = performance.now();
    await get();
    times.push(performance.now() - begunAt);
  }
  const before = cpuSeconds(at.child);
  await many(REQUESTS);
  const used = cpuSeconds(at.child) - before;
  agent.destroy();
  return { p50: percentile(times, 0.5), perCpuSecond: REQUESTS / used };
}

async function killOnce(
  setting: {
    readonly client: v2.V2Client;
    readonly gateway: string;
    readonly key: string;
    readonly west: Started<Region>;
  },
  into: { detected: number[]; firstGood: number[]; errors: number; requests: number },
): Promise<void> {
  const { client, gateway, key, west } = setting;
  const post = async (path: string, body: unknown): Promise<Response> =>
    await fetch(gateway + path, {
      method: 'POST',
      headers: { 'ocp-apim-subscription-key': key },
      body: JSON.stringify({ by: 'bench', reason: '', ...(body as object) }),
    });
  const state = async (): Promise<string> => {
    const response = await fetch(`${gateway}/gateway/status`, { headers: { 'ocp-apim-subscription-key': key } });
    const { regions } = (await response.json()) as { regions: { region: string; state: string }[] };
    return regions.find(({ region }) => region === 'west')?.state ?? '';
  };
  const over = new AbortController();
  let killedAt = Number.POSITIVE_INFINITY;
  let firstGood: number | undefined;
  const attempts: Promise<void>[] = [];
  const sending = (async () => {
    while (!over.signal.aborted) {
      const sentAt = performance.now();
      into.requests++;
      attempts.push(
        client
          .analyze(MODEL, someDocument())
          .then(({ resultId }) =>
            v2.pollUntil({
              poll: (signal) => client.getAnalyzeResult(MODEL, resultId, { signal }),
              isDone: ({ status }) => status === 'succeeded',
              intervalMilliseconds: 50,
              deadlineMilliseconds: 20_000,
            }),
          )
          .then(
            () => {
              if (sentAt > killedAt) firstGood ??= performance.now() - killedAt;
            },
            () => {
              into.errors++;
            },
          ),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 300 + 500 * Math.random()));
  killedAt = performance.now();
  west.child.send('kill');
  while ((await state()) !== 'dead') await new Promise((resolve) => setTimeout(resolve, 20));
  into.detected.push(performance.now() - killedAt);
  await new Promise((resolve) => setTimeout(resolve, 500));
  over.abort();
  await sending;
  await Promise.all(attempts);
  into.firstGood.push(firstGood ?? Number.POSITIVE_INFINITY);
  const revived = once(west.child, 'message');
  west.child.send('revive');
  await revived;
  // Not the flapping is measured: the region comes back as if after a long peace, and takes the work again.
  await post('/gateway/regions/west/isolate', {});
  await post('/gateway/regions/west/release', {});
  while ((await state()) !== 'healthy') await new Promise((resolve) => setTimeout(resolve, 50));
  await post('/gateway/failover', { to: 'east' });
  await post('/gateway/failover', { to: 'west' });
}

/** User and system time of a process: fields 14 and 15 of proc(5), in ticks of which there are a hundred a second. */
function cpuSeconds(child: ChildProcess): number {
  const text = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function someDocument(bytes = 2000): {
  readonly contentType: 'application/pdf';
  readonly body: Uint8Array<ArrayBuffer>;
} {
  return { contentType: 'application/pdf', body: new Uint8Array(randomBytes(bytes)) };
}
