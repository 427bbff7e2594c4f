import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readStatement } from '../kit/forms.ts';
import { emptyPng, encryptedPdf, plainPdf } from '../kit/hostile-documents.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { trainStatements } from '../kit/work.ts';
import { endOf, postDocument, postJson, refusalOf } from './refusal.ts';

const LAYOUT = '/formrecognizer/v2.1/layout/analyze';

const opened = new AsyncDisposableStack();
let region: TestRegion;
let modelId: string;

beforeAll(async () => {
  // Documents may come from 127.0.0.1 and nowhere else.
  region = opened
    .use(
      await startRegions(['westus2'], {
        FORMHAVEN_ALLOW_PRIVATE_ADDRESSES: 'true',
        FORMHAVEN_ALLOWED_HOSTS: '127.0.0.1',
      }),
    )
    .region('westus2');
  modelId = (await trainStatements(region)).modelInfo.modelId;
});

afterAll(() => opened.disposeAsync());

test('the documents of these tests are read where nothing is wrong with them', async () => {
  expect(await endOf(region, await postDocument(region, LAYOUT, plainPdf('Legible')))).toMatchObject({
    status: 'succeeded',
  });
});

describe('a document that cannot be read fails with 2005, by layout and by a model', () => {
  const plain = plainPdf('Legible');
  test.each<[string, () => Buffer, string]>([
    ['a PDF with a password', () => encryptedPdf('Illegible'), 'application/pdf'],
    ['a PDF of which only the head is left', () => plain.subarray(0, 9), 'application/pdf'],
    ['a PDF of noise', () => Buffer.concat([Buffer.from('%PDF-1.7\n'), noise(20_000)]), 'application/pdf'],
    [
      'a PDF without pages',
      () => Buffer.from(plain.toString('latin1').replace('[3 0 R] /Count 1', '[] /Count 0'), 'latin1'),
      'application/pdf',
    ],
    ['a PNG that breaks off', () => emptyPng(600, 800), 'image/png'],
    ['a PNG of noise', () => Buffer.concat([emptyPng(600, 800), noise(20_000)]), 'image/png'],
    ['a PNG of four thousand million pixels', () => emptyPng(65_000, 65_000), 'image/png'],
    ['a JPEG of noise', () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), noise(20_000)]), 'image/jpeg'],
    ['a TIFF that points nowhere', () => Buffer.from('49492a00ffffff7f', 'hex'), 'image/tiff'],
    [
      'a TIFF that points at itself',
      () => Buffer.from('49492a00080000000000080000000800000008000000', 'hex'),
      'image/tiff',
    ],
  ])('%s', async (_what, make, contentType) => {
    const document = make();
    const unreadable = {
      status: 'failed',
      code: '2005',
      message: expect.stringMatching(/^Unable to read file\./),
      header: '2005',
    };
    expect(await endOf(region, await postDocument(region, LAYOUT, document, contentType))).toEqual(unreadable);
    const analyze = `/formrecognizer/v2.0/custom/models/${modelId}/analyze`;
    expect(await endOf(region, await postDocument(region, analyze, document, contentType))).toEqual(unreadable);
  });
});

test('of a document that asks for a password the answer says so', async () => {
  const ended = await endOf(region, await postDocument(region, LAYOUT, encryptedPdf('Illegible')));
  expect(ended.message).toContain('password');
});

describe('what is no document at all', () => {
  const text = 'Dear Sir or Madam, this is a letter and not a scan of one.';

  test('is refused at once by layout and, since v2.1, by a model', async () => {
    expect(await refusalOf(await postDocument(region, LAYOUT, text))).toMatchObject({
      status: 400,
      code: 'InvalidImage',
    });
    const analyze = `/formrecognizer/v2.1/custom/models/${modelId}/analyze`;
    expect(await refusalOf(await postDocument(region, analyze, text))).toEqual({
      status: 400,
      code: '1000',
      message: 'Invalid input file.',
    });
  });

  test.each(['v2.0-preview', 'v2.0'])('is taken by a model of %s, and fails later', async (version) => {
    const analyze = `/formrecognizer/${version}/custom/models/${modelId}/analyze`;
    expect(await endOf(region, await postDocument(region, analyze, text))).toMatchObject({
      status: 'failed',
      code: '2005',
    });
  });
});

test('a document is known by its bytes, not by the type it is sent as', async () => {
  const accepted = await postDocument(region, LAYOUT, await readStatement('Invoice_6.pdf'), 'image/png');
  expect((await endOf(region, accepted)).status).toBe('succeeded');
});

describe('a document by its URL', () => {
  let server: Server;
  let origin: string;
  const asked: string[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const { port } = server.address() as AddressInfo;
      switch (request.url?.split('?')[0]) {
        case '/form.pdf':
          return response.setHeader('content-type', 'text/plain').end(plainPdf('Legible'));
        case '/moved':
          return response.writeHead(302, { location: '/form.pdf' }).end();
        case '/away':
          return response.writeHead(302, { location: `http://localhost:${port}/form.pdf?secret` }).end();
        case '/metadata':
          return response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
        case '/file':
          return response.writeHead(301, { location: 'file:///etc/passwd' }).end();
        case '/round':
          return response.writeHead(302, { location: '/round' }).end();
        case '/huge':
          return response.writeHead(200, { 'content-length': String(51 * 1024 * 1024) }).end('%PDF-1.4');
        case '/zipped':
          return response.writeHead(200, { 'content-encoding': 'gzip' }).end('%PDF-1.4');
        case '/text':
          return response.end('Dear Sir or Madam');
        default:
          return response.writeHead(404).end();
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function endAt(source: string): ReturnType<typeof endOf> {
    return await endOf(region, await postJson(region, LAYOUT, { source }));
  }

  test('is read, over a redirect too, whatever type the server says it has', async () => {
    expect((await endAt(`${origin}/form.pdf`)).status).toBe('succeeded');
    expect((await endAt(`${origin}/moved`)).status).toBe('succeeded');
    const labelingTool = await postJson(region, LAYOUT, { url: `${origin}/form.pdf` });
    expect((await endOf(region, labelingTool)).status).toBe('succeeded');
  });

  test.each([
    ['is not there', '/gone.pdf'],
    ['lies at the end of a redirect to another host', '/away'],
    ["lies at the end of a redirect to a cloud's metadata", '/metadata'],
    ['lies at the end of a redirect to a file', '/file'],
    ['is redirected for ever', '/round'],
    ['is over the limit', '/huge'],
    ['comes in an encoding nobody asked for', '/zipped'],
  ])('that %s fails with 2003', async (_what, path) => {
    expect(await endAt(`${origin}${path}?sig=SECRET`)).toEqual({
      status: 'failed',
      code: '2003',
      message: expect.stringMatching(/^Unable to download the file from the given URL\./),
      header: '2003',
    });
    expect(asked.filter((url) => url.includes('secret'))).toEqual([]);
  });

  test('that is no document fails with 2005', async () => {
    expect(await endAt(`${origin}/text`)).toMatchObject({ status: 'failed', code: '2005' });
  });

  test('on a host that is not among the allowed ones fails with 2003, and is not asked for', async () => {
    const before = asked.length;
    const { port } = server.address() as AddressInfo;
    for (const host of ['localhost', '[::1]', '127.0.0.2', 'example.org']) {
      const ended = await endAt(`http://${host}:${port}/form.pdf`);
      expect(ended).toMatchObject({ status: 'failed', code: '2003' });
      expect(ended.message).toContain('FORMHAVEN_ALLOWED_HOSTS');
    }
    expect(asked.length).toBe(before);
  });

  test('with a user name in it fails with 2003', async () => {
    expect(await endAt(`${origin.replace('//', '//user:SECRET@')}/form.pdf`)).toMatchObject({
      status: 'failed',
      code: '2003',
      message: expect.not.stringContaining('SECRET'),
    });
  });
});

test('the server reads on after all of these', async () => {
  const analyze = `/formrecognizer/v2.1/custom/models/${modelId}/analyze`;
  const accepted = await postDocument(region, analyze, await readStatement('Invoice_6.pdf'));
  expect((await endOf(region, accepted)).status).toBe('succeeded');
  expect(region.log()).not.toContain('worker-died');
  expect(region.log()).not.toContain('SECRET');
});

/** The same on every run. */
function noise(length: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    }),
  );
}
