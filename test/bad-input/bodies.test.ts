import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, openSocket, parseAnswer, readToEnd } from '../kit/raw-http.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { pollUntil } from '../kit/work.ts';
import { postDocument, postJson, refusalOf } from './refusal.ts';

const MODELS = '/formrecognizer/v2.1/custom/models';
const LAYOUT = '/formrecognizer/v2.1/layout/analyze';
const MEGABYTE = 1024 * 1024;
const LIMIT = 50 * MEGABYTE;

const opened = new AsyncDisposableStack();
let region: TestRegion;

beforeAll(async () => {
  region = opened.use(await startRegions(['westus2'])).region('westus2');
});

afterAll(() => opened.disposeAsync());

describe.each([
  ['training', MODELS],
  ['composing', `${MODELS}/compose`],
])('%s refuses a body', (_what, path) => {
  test.each([
    ['that is empty', ''],
    ['that is blank', ' \r\n\t'],
    ['that is cut off', '{"source":"https://example.org/'],
    ['that is no JSON', 'source=https://example.org/'],
    ['of brackets as deep as it goes', '['.repeat(500_000)],
    ['in UTF-16', Buffer.from('{"source":"https://example.org/"}', 'utf16le').toString('latin1')],
    ['that is null', 'null'],
    ['that is a list', '[]'],
    ['that is a text', '"source"'],
    ['that is a number', '1e999'],
  ])('%s', async (_body, body) => {
    const { status, code } = await refusalOf(await postJson(region, path, body));
    expect(status).toBe(400);
    expect(code).toMatch(/^(1002|1001)$/);
  });

  test('of another type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data']) {
      expect(await refusalOf(await postDocument(region, path, '{}', type))).toMatchObject({
        status: 415,
        code: 'UnsupportedMediaType',
      });
    }
  });

  test('of more than a megabyte', async () => {
    const body = JSON.stringify({ source: 'x'.repeat(2 * MEGABYTE) });
    expect(await refusalOf(await postJson(region, path, body))).toMatchObject({
      status: 413,
      code: 'RequestBodyTooLarge',
    });
  });
});

describe('training refuses a request', () => {
  test.each([
    ['without a source', {}, 'source'],
    ['with a source that is null', { source: null }, 'source'],
    ['with a source that is empty', { source: '' }, 'source'],
    ['with a source that is a number', { source: 5 }, 'source'],
    ['with a source of 2049 characters', { source: `https://example.org/${'x'.repeat(2029)}` }, 'source'],
    [
      'with a prefix of 1025 characters',
      { source: 'https://example.org/x', sourceFilter: { prefix: 'x'.repeat(1025) } },
      'prefix',
    ],
    ['with a filter that is a text', { source: 'https://example.org/x', sourceFilter: 'x' }, 'sourceFilter'],
    [
      'with includeSubFolders in words',
      { source: 'https://example.org/x', sourceFilter: { includeSubFolders: 'yes' } },
      'includeSubFolders',
    ],
    ['with useLabelFile as a number', { source: 'https://example.org/x', useLabelFile: 1 }, 'useLabelFile'],
    ['with a name of 1025 characters', { source: 'https://example.org/x', modelName: 'x'.repeat(1025) }, 'modelName'],
  ])('%s', async (_what, body, member) => {
    const refusal = await refusalOf(await postJson(region, MODELS, body));
    expect(refusal).toMatchObject({ status: 400, code: '1002' });
    expect(refusal.message).toContain(member);
    expect(refusal.message).not.toContain('example.org');
  });
});

describe('an analysis refuses a document', () => {
  test('that is empty', async () => {
    expect(await refusalOf(await postDocument(region, LAYOUT, ''))).toMatchObject({
      status: 400,
      code: 'InvalidImage',
    });
  });

  test('of a type that is not read', async () => {
    for (const type of ['text/plain', 'image/gif', 'application/octet-stream', 'application/pdfx', 'application/*']) {
      const refusal = await refusalOf(await postDocument(region, LAYOUT, '%PDF-1.4', type));
      expect(refusal).toMatchObject({ status: 415, code: 'UnsupportedMediaType' });
      expect(refusal.message).toContain('application/pdf');
    }
  });

  test('as a bitmap before v2.1', async () => {
    const path = '/formrecognizer/v2.0/layout/analyze';
    expect((await refusalOf(await postDocument(region, path, 'BM', 'image/bmp'))).status).toBe(415);
  });

  test.each([
    ['no JSON', '{"source":', 'BadArgument'],
    ['without a source', {}, 'BadArgument'],
    ['with a source that is a list', { source: ['https://example.org/x.pdf'] }, 'BadArgument'],
    ['with a source that is no URL', { source: 'x.pdf' }, 'InvalidImageURL'],
    ['with a file as its source', { source: 'file:///etc/passwd' }, 'InvalidImageURL'],
    ['with a script as its source', { source: 'javascript:alert(1)' }, 'InvalidImageURL'],
    ['with data as its source', { source: 'data:application/pdf;base64,JVBERi0=' }, 'InvalidImageURL'],
    ['with a source of ftp', { url: 'ftp://example.org/x.pdf' }, 'InvalidImageURL'],
  ])('named in a body that is %s', async (_what, body, code) => {
    expect(await refusalOf(await postJson(region, LAYOUT, body))).toMatchObject({ status: 400, code });
  });
});

describe('a document over the limit', () => {
  const tooLarge = { status: 413, code: 'RequestBodyTooLarge', message: expect.stringContaining(String(LIMIT)) };

  test('is refused by its announced length, before a byte of it is sent', async () => {
    const answer = await exchange(region.endpoint, head({ 'Content-Length': String(LIMIT + 1) }));
    expect(answer.status).toBe(413);
    expect((JSON.parse(answer.body) as { error: object }).error).toEqual({
      code: tooLarge.code,
      message: tooLarge.message,
    });
  });

  test('is refused while it streams, leaves nothing behind, and costs no memory', async () => {
    expect(await refusalOf(await stream(LIMIT + MEGABYTE))).toEqual(tooLarge);
    const before = await peakMemory();
    for (let round = 0; round < 4; round++) expect(await refusalOf(await stream(4 * LIMIT))).toEqual(tooLarge);
    // Eight hundred megabytes were offered. One body held whole would show.
    expect((await peakMemory()) - before).toBeLessThan(LIMIT);
    expect(await storedFiles()).toEqual([]);
    await expectToServe();
  });
});

describe('a body that is not what its length says', () => {
  test('ends early: the request is refused, and nothing is accepted', async () => {
    const socket = await openSocket(region.endpoint);
    const answer = readToEnd(socket);
    socket.end(`${head({ 'Content-Length': '1000' })}%PDF-1.4 and no more`);
    expect(parseAnswer(await answer).status).toBe(400);
    await expectNothingStored();
  });

  test('breaks off: nothing is accepted', async () => {
    for (const framing of [{ 'Content-Length': '100000' }, { 'Transfer-Encoding': 'chunked' }]) {
      const socket = await openSocket(region.endpoint);
      const chunk = 'Content-Length' in framing ? '%PDF-1.4 half a document' : '18\r\n%PDF-1.4 half a document\r\n';
      socket.write(head(framing) + chunk);
      // Until the server has begun to store it.
      await pollUntil(storedFiles, (files) => files.length > 0);
      socket.resetAndDestroy();
      await expectNothingStored();
    }
    await expectToServe();
  });

  test('is longer than it says: the rest is no request, and nothing is accepted', async () => {
    const document = `${head({ 'Content-Length': '4' })}%PDF-1.4 and more`;
    const training =
      `POST ${MODELS} HTTP/1.1\r\nHost: x\r\nOcp-Apim-Subscription-Key: ${region.key1}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"source":"x"}';
    for (const request of [document, training]) expect((await exchange(region.endpoint, request)).status).toBe(400);
    await expectNothingStored();
    expect((await region.client().summary()).count).toBe(0);
  });

  test('comes in chunks that are none', async () => {
    const answer = await exchange(
      region.endpoint,
      `${head({ 'Transfer-Encoding': 'chunked' })}zz\r\n%PDF\r\n0\r\n\r\n`,
    );
    expect(answer.status).toBe(400);
    await expectNothingStored();
  });
});

/** The head of a request that analyzes a PDF. */
function head(framing: Readonly<Record<string, string>>): string {
  const lines = Object.entries({
    Host: 'x',
    'Ocp-Apim-Subscription-Key': region.key1,
    'Content-Type': 'application/pdf',
    Connection: 'close',
    ...framing,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${LAYOUT} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Sends so many bytes in chunks, as far as the server takes them. */
async function stream(bytes: number): Promise<Response> {
  const chunk = Buffer.alloc(MEGABYTE, '%PDF-1.4 ');
  const sending = request(region.endpoint + LAYOUT, {
    method: 'POST',
    headers: { 'ocp-apim-subscription-key': region.key1, 'content-type': 'application/pdf' },
  });
  const answered = once(sending, 'response') as Promise<
    [Readable & { statusCode: number; headers: Record<string, string> }]
  >;
  // Ends early where the server has heard enough.
  pipeline(Readable.from(Array.from({ length: bytes / MEGABYTE }, () => chunk)), sending).catch(() => {});
  const [response] = await answered;
  const text = Buffer.concat(await response.toArray());
  return new Response(text, { status: response.statusCode, headers: response.headers });
}

/** The most the server's process has ever held, in bytes; what it holds now where the system does not keep the peak. */
async function peakMemory(): Promise<number> {
  const status = await readFile(`/proc/${region.child.pid}/status`, 'utf8').catch(() => undefined);
  if (status !== undefined) return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(region.child.pid)]);
  return Number(stdout) * 1024;
}

/** Documents of accepted operations and what is on its way to become one. */
async function storedFiles(): Promise<readonly string[]> {
  const folder = join(region.dataFolder, 'blobs');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function expectNothingStored(): Promise<void> {
  await pollUntil(storedFiles, (files) => files.length === 0);
}

async function expectToServe(): Promise<void> {
  expect((await region.request(`${MODELS}?op=summary`)).status).toBe(200);
}
