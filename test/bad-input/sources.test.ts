import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAzurite, type TestContainer, type TestStorage } from '../kit/azurite.ts';
import { STATEMENTS } from '../kit/forms.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';
import { type Ended, endOf, postJson } from './refusal.ts';

const MODELS = '/formrecognizer/v2.1/custom/models';

const opened = new AsyncDisposableStack();
/** May read from private addresses, as development does. */
let open: TestRegion;
/** As configured where nothing is said. */
let closed: TestRegion;
let roots: string;
let outside: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-sources-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  roots = join(folder, 'roots');
  outside = join(folder, 'outside');
  for (const made of [roots, outside]) await mkdir(made);
  const privately = opened.use(await startRegions(['westus2'], { FORMHAVEN_ALLOW_PRIVATE_ADDRESSES: 'true' }));
  open = privately.region('westus2');
  closed = opened.use(await startRegions(['eastus'], { FORMHAVEN_TRAINING_ROOTS: roots })).region('eastus');
});

afterAll(() => opened.disposeAsync());

async function train(region: TestRegion, request: object): Promise<Ended> {
  return await endOf(region, await postJson(region, MODELS, request));
}

describe('a container', () => {
  let storage: TestStorage;
  let statements: TestContainer;

  beforeAll(async () => {
    storage = opened.use(await startAzurite());
    statements = await storage.container(STATEMENTS);
  });

  test('with a SAS that permits reading and listing is trained from', async () => {
    const ended = await train(open, { source: statements.sasUrl(), useLabelFile: true, sourceFilter: {} });
    expect(ended).toMatchObject({ status: 'ready', code: undefined });
  });

  test.each<[string, (container: TestContainer) => string]>([
    ['has expired', (container) => container.sasUrl({ expiresOn: new Date(Date.now() - 60_000) })],
    ['has a signature that is not right', (container) => container.sasUrl().replace(/sig=[^&]+/, 'sig=c2VjcmV0')],
    ['permits writing only', (container) => container.sasUrl({ permissions: 'w' })],
    ['permits reading but not listing', (container) => container.sasUrl({ permissions: 'r' })],
    ['is missing', (container) => container.url],
    ["is another container's", (container) => container.sasUrl().replace(container.url, `${container.url}x`)],
  ])('whose SAS %s ends the model invalid with 2012', async (_what, urlOf) => {
    const source = urlOf(statements);
    const ended = await train(open, { source, useLabelFile: true });
    expect(ended).toEqual({
      status: 'invalid',
      code: '2012',
      message: expect.stringMatching(/^Unable to list blobs on the Azure blob storage account\./),
      header: '2012',
    });
    expect(ended.message).not.toContain('sig=');
  });

  test('that permits listing but not reading ends the model invalid', async () => {
    const ended = await train(open, { source: statements.sasUrl({ permissions: 'l' }), useLabelFile: true });
    expect(ended).toMatchObject({ status: 'invalid', code: '2012' });
  });

  test.each<[string, (url: URL) => string]>([
    ['the URL of one blob', (url) => url.href.replace('?', '/folder/Invoice_1.pdf?')],
    ['the URL of an account', (url) => `${url.origin}/?${url.search}`],
    ['a URL of something else', (url) => `${url.origin}/nothing`],
    ['no URL', () => 'not a url'],
    ['a URL of ftp', (url) => url.href.replace('http:', 'ftp:')],
  ])('given as %s ends the model invalid with 2012', async (_what, sourceOf) => {
    const source = sourceOf(new URL(statements.sasUrl()));
    expect(await train(open, { source, useLabelFile: true })).toMatchObject({ status: 'invalid', code: '2012' });
  });

  test('without documents, or without labels that were asked for, ends the model invalid with 2014', async () => {
    const [empty, unlabeled, spoiled] = await Promise.all([
      storage.container(),
      storage.container(),
      storage.container(STATEMENTS),
    ]);
    await empty.upload('readme.txt', 'no form');
    await unlabeled.upload('Invoice_1.pdf', '%PDF-1.4');
    await spoiled.upload('fields.json', '{"fields":[');
    const invalid = { status: 'invalid', header: '2014', code: '2014' };
    expect(await train(open, { source: empty.sasUrl() })).toMatchObject(invalid);
    const withLabels = { useLabelFile: true };
    expect(await train(open, { source: unlabeled.sasUrl(), ...withLabels })).toMatchObject(invalid);
    const prefix = { sourceFilter: { prefix: 'nothing-here/' } };
    expect(await train(open, { source: statements.sasUrl(), ...withLabels, ...prefix })).toMatchObject(invalid);
    expect((await train(open, { source: spoiled.sasUrl(), ...withLabels })).status).toBe('invalid');
  });

  test('on a private address is not even connected to, unless configuration allows it', async () => {
    const ended = await train(closed, { source: statements.sasUrl(), useLabelFile: true });
    expect(ended).toMatchObject({ status: 'invalid', code: '2012' });
    expect(ended.message).toContain('private');
  });
});

describe('a private address', () => {
  let trap: Server;
  let port: number;
  let connections = 0;

  beforeAll(async () => {
    trap = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    // On every address, those of IPv6 too where the machine has them.
    trap.listen(0);
    await once(trap, 'listening');
    port = (trap.address() as AddressInfo).port;
  });

  afterAll(() => {
    trap.close();
  });

  const HOSTS = [
    'localhost',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '10.0.0.1',
  ];

  test.each(HOSTS)('is not asked for documents: %s', async (host) => {
    for (const path of ['/formrecognizer/v2.1/layout/analyze', '/formrecognizer/v2.0/layout/analyze']) {
      const ended = await endOf(closed, await postJson(closed, path, { source: `http://${host}:${port}/form.pdf` }));
      expect(ended).toMatchObject({ status: 'failed', code: '2003' });
    }
  });

  test.each(HOSTS)('is not asked for training documents: %s', async (host) => {
    const ended = await train(closed, { source: `http://${host}:${port}/account/container?sig=SECRET` });
    expect(ended).toMatchObject({ status: 'invalid', code: '2012' });
    expect(ended.message).not.toContain('SECRET');
  });

  test('was not connected to by any of these', () => {
    expect(connections).toBe(0);
  });
});

describe('a local folder', () => {
  const NOT_ALLOWED = { status: 'invalid', code: '2012', message: expect.stringContaining('FORMHAVEN_TRAINING_ROOTS') };

  test('under a root is trained from, by its path and by its file: URL', async () => {
    await cp(STATEMENTS, join(roots, 'statements'), { recursive: true });
    for (const source of [join(roots, 'statements'), `file://${join(roots, 'statements')}`]) {
      expect((await train(closed, { source, useLabelFile: true })).status).toBe('ready');
    }
  });

  test('outside the roots is not allowed, whether it is there or not', async () => {
    await cp(STATEMENTS, outside, { recursive: true });
    for (const source of [
      outside,
      '/',
      '/etc',
      '/nowhere/at/all',
      `${roots}x`,
      join(roots, '..', 'outside'),
      `${roots}/statements/../../${relative(join(roots, '..'), outside)}`,
      `file://${outside}`,
      `file://${roots}/..%2foutside`,
    ]) {
      const ended = await train(closed, { source, useLabelFile: true });
      expect([source, ended.status, ended.code]).toEqual([source, 'invalid', '2012']);
    }
    expect(await train(closed, { source: outside, useLabelFile: true })).toMatchObject(NOT_ALLOWED);
  });

  test('of a relative path, or with a zero in it, is none', async () => {
    for (const source of ['statements', './statements', `${roots}/state\u0000ments`]) {
      expect(await train(closed, { source, useLabelFile: true })).toMatchObject({ status: 'invalid', code: '2012' });
    }
  });

  test('that is a link out of the roots is not allowed', async () => {
    await symlink(outside, join(roots, 'way-out'));
    const source = join(roots, 'way-out');
    expect(await train(closed, { source, useLabelFile: true })).toMatchObject(NOT_ALLOWED);
    const above = { source: roots, useLabelFile: true, sourceFilter: { prefix: 'way-out/' } };
    expect(await train(closed, above)).toMatchObject({ status: 'invalid', code: '2014' });
  });

  test('whose documents are links out of the roots has none', async () => {
    const folder = join(roots, 'linked');
    await mkdir(folder);
    for (const n of [1, 2, 3, 4, 5]) await symlink(join(outside, `Invoice_${n}.pdf`), join(folder, `Invoice_${n}.pdf`));
    await symlink('/etc/hostname', join(folder, 'secret.pdf'));
    expect(await train(closed, { source: folder })).toMatchObject({ status: 'invalid', code: '2014' });
  });

  test('is not left by its prefix', async () => {
    const source = join(roots, 'statements');
    for (const prefix of ['../', '../../outside/', '/etc/', './']) {
      for (const includeSubFolders of [false, true]) {
        const ended = await train(closed, { source, useLabelFile: true, sourceFilter: { prefix, includeSubFolders } });
        expect([prefix, ended.status, ended.code]).toEqual([prefix, 'invalid', '2014']);
      }
    }
  });

  test('with documents of which none can be read ends the model invalid', async () => {
    const folder = join(roots, 'broken');
    await mkdir(folder);
    for (const n of [1, 2, 3, 4, 5]) await writeFile(join(folder, `${n}.pdf`), 'no PDF at all');
    const ended = await train(closed, { source: folder });
    expect(ended.status).toBe('invalid');
    expect(ended.code).toMatch(/^(2014|3003)$/);
  });

  test('is none where no root is configured', async () => {
    await using regions = await startRegions(['northeurope'], { FORMHAVEN_TRAINING_ROOTS: '' });
    const source = join(roots, 'statements');
    expect(await train(regions.region('northeurope'), { source, useLabelFile: true })).toMatchObject(NOT_ALLOWED);
  });
});
