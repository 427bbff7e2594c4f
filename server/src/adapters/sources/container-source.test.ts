import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAzurite, type TestStorage } from '../../../../test/kit/azurite.ts';
import { describeTrainingSources, sourceError } from '../../ports/sources.suite.ts';
import type { OutboundPolicy } from '../../ports/sources.ts';
import { names, startServer } from './http-server.fixture.ts';
import { OutboundTrainingSources } from './outbound-training-sources.ts';

const PUBLIC_ONLY: OutboundPolicy = { allowPrivateAddresses: false, allowedHosts: undefined, trainingRoots: [] };
const ANYWHERE: OutboundPolicy = { ...PUBLIC_ONLY, allowPrivateAddresses: true };
const DIRECT = { prefix: '', includeSubFolders: false };
const ALL = { prefix: '', includeSubFolders: true };
const never = new AbortController().signal;

let storage: TestStorage;
beforeAll(async () => {
  storage = await startAzurite();
});
afterAll(() => storage[Symbol.asyncDispose]());

describeTrainingSources('A container', async (files) => {
  const container = await storage.container();
  for (const [name, content] of Object.entries(files)) await container.upload(name, content);
  return {
    sources: new OutboundTrainingSources(ANYWHERE),
    source: container.sasUrl(),
    async [Symbol.asyncDispose]() {},
  };
});

describe('A container', () => {
  test('is listed over several pages', async () => {
    const container = await storage.container();
    const wanted = Array.from({ length: 620 }, (_, index) => `page/${String(index).padStart(5, '0')}.pdf`);
    for (let from = 0; from < wanted.length; from += 100) {
      await Promise.all(wanted.slice(from, from + 100).map((name) => container.upload(name, name)));
    }
    const sources = new OutboundTrainingSources(ANYWHERE);
    for (const filter of [ALL, { prefix: 'page/', includeSubFolders: false }]) {
      const files = await sources.list(container.sasUrl(), filter, never);
      expect(files.map(({ name }) => name)).toEqual(wanted);
    }
  });

  test.each([
    ['has expired', { expiresOn: new Date(Date.now() - 60_000) }],
    ['permits writing only', { permissions: 'w' }],
    ['permits reading only', { permissions: 'r' }],
  ])('is refused when its SAS %s, in words that do not repeat it', async (_why, sas) => {
    const container = await storage.container();
    await container.upload('a.pdf', 'a');
    const source = container.sasUrl(sas);
    for (const filter of [DIRECT, ALL]) {
      const error = await sourceError(new OutboundTrainingSources(ANYWHERE).list(source, filter, never));
      expect(error.code).toBe('refused');
      expect(error.message).toContain(container.url);
      expect(error.message).toContain('403');
      expectNoSecret(error, source);
    }
  });

  test('refuses its files when its SAS permits listing only', async () => {
    const container = await storage.container();
    await container.upload('a.pdf', 'a');
    const source = container.sasUrl({ permissions: 'l' });
    const [file] = await new OutboundTrainingSources(ANYWHERE).list(source, DIRECT, never);
    const error = await sourceError(file?.read(10) ?? Promise.resolve());
    expect(error.code).toBe('refused');
    expect(error.message).toContain('a.pdf');
    expectNoSecret(error, source);
  });

  test('is refused without a SAS, and where there is no such container', async () => {
    const container = await storage.container();
    const absent = container.sasUrl().replace(/forms-[0-9a-f-]+/, 'absent');
    for (const source of [container.url, absent]) {
      const listed = new OutboundTrainingSources(ANYWHERE).list(source, DIRECT, never);
      expect((await sourceError(listed)).code).toBe('refused');
    }
  });

  test.each([
    'https://account.blob.core.windows.net/?sv=1&sig=secret',
    'https://example.com/a/b/c?sig=secret',
    'no url',
  ])('is malformed as %s', async (source) => {
    const error = await sourceError(new OutboundTrainingSources(PUBLIC_ONLY).list(source, DIRECT, never));
    expect(error.code).toBe('malformed');
    expect(error.message).not.toContain('secret');
  });

  test('is refused for its scheme', async () => {
    const listed = new OutboundTrainingSources(ANYWHERE).list('ftp://example.com/forms', DIRECT, never);
    expect((await sourceError(listed)).code).toBe('notAllowed');
  });
});

describe('A container on a private address', () => {
  test('is refused at once and without a connection, by name or literal', async () => {
    await using server = await startServer((_request, response) => response.end());
    const sources = new OutboundTrainingSources(PUBLIC_ONLY, names(['127.0.0.1']));
    for (const host of ['127.0.0.1', 'localhost', 'storage.example', '[::1]', '[::ffff:127.0.0.1]', '2130706433']) {
      const source = `http://${host}:${server.port}/account/forms?sv=1&sig=secret`;
      const error = await sourceError(sources.list(source, ALL, never));
      expect(error.code).toBe('notAllowed');
      expectNoSecret(error, source);
    }
    expect(server.connections).toBe(0);
  });

  test('is refused when its host is not among the allowed ones', async () => {
    await using server = await startServer((_request, response) => response.end());
    const sources = new OutboundTrainingSources({ ...ANYWHERE, allowedHosts: ['blob.core.windows.net'] });
    const error = await sourceError(sources.list(`${server.origin}/account/forms?sig=secret`, ALL, never));
    expect(error.code).toBe('notAllowed');
    expect(server.connections).toBe(0);
  });
});

describe('A server that is no honest storage', () => {
  test('is not followed where it redirects to', async () => {
    await using inside = await startServer((_request, response) => response.end('secret'));
    await using server = await startServer((_request, response) =>
      response.writeHead(307, { location: `${inside.origin}/` }).end(),
    );
    await using same = await startServer((_request, response) =>
      response.writeHead(302, { location: '/elsewhere' }).end(),
    );
    for (const { origin } of [server, same]) {
      const listed = new OutboundTrainingSources(ANYWHERE).list(`${origin}/account/forms?sig=secret`, ALL, never);
      expect((await sourceError(listed)).code).toBe('refused');
    }
    expect(inside.connections).toBe(0);
    expect(same.requests).toHaveLength(1);
  });

  test('is given up after three retries', async () => {
    await using server = await startServer((_request, response) => response.writeHead(503).end());
    const listed = new OutboundTrainingSources(ANYWHERE).list(`${server.origin}/account/forms?sig=secret`, ALL, never);
    const error = await sourceError(listed);
    expect(error.code).toBe('unreachable');
    expect(server.requests).toHaveLength(4);
    expectNoSecret(error, 'sig=secret');
  });

  test('is cut short when its listing does not end', async () => {
    await using server = await startServer((_request, response) => {
      const send = (): void => void response.write('x'.repeat(1_000_000), (error) => (error ? undefined : send()));
      send();
    });
    const listed = new OutboundTrainingSources(ANYWHERE).list(`${server.origin}/account/forms`, ALL, never);
    expect((await sourceError(listed)).code).toBe('tooLarge');
  });

  test('is left when whoever asked has gone', async () => {
    await using server = await startServer(() => {});
    const abort = new AbortController();
    const listed = new OutboundTrainingSources(ANYWHERE).list(`${server.origin}/account/forms`, ALL, abort.signal);
    const reason = new Error('the lease was lost');
    setTimeout(() => abort.abort(reason), 50);
    await expect(listed).rejects.toBe(reason);
  });

  test('is unreachable when it speaks something else', async () => {
    await using server = await startServer((_request, response) => response.end('<html>hello</html>'));
    const listed = new OutboundTrainingSources(ANYWHERE).list(`${server.origin}/account/forms`, ALL, never);
    expect(await listed.catch((error: unknown) => error)).toMatchObject({ name: 'SourceError' });
  });
});

/** Neither the message nor what may be logged beside it holds the signature. */
function expectNoSecret(error: Error, source: string): void {
  const query = source.slice(source.indexOf('?') + 1);
  const signature = new URLSearchParams(query).get('sig') ?? query;
  const cause = error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack}` : '';
  const told = `${error.message} ${error.stack} ${cause} ${JSON.stringify(error.cause)}`;
  expect(told).not.toContain(signature);
  expect(told).not.toContain(encodeURIComponent(signature));
}
