import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sourceError } from '../../ports/sources.suite.ts';
import type { OutboundPolicy } from '../../ports/sources.ts';
import { names, startServer } from './http-server.fixture.ts';
import { OutboundDocumentSources } from './outbound-document-sources.ts';

const PUBLIC_ONLY: OutboundPolicy = { allowPrivateAddresses: false, allowedHosts: undefined, trainingRoots: [] };
const ANYWHERE: OutboundPolicy = { ...PUBLIC_ONLY, allowPrivateAddresses: true };
const never = new AbortController().signal;

describe('A document by URL', () => {
  test('is read', async () => {
    await using server = await startServer((_request, response) => response.end('a document'));
    const bytes = await new OutboundDocumentSources(ANYWHERE).fetch(`${server.origin}/a.pdf?sig=secret`, 100, never);
    expect(Buffer.from(bytes).toString()).toBe('a document');
    expect(server.requests).toEqual(['/a.pdf?sig=secret']);
  });

  test('is refused when it has more bytes than allowed, announced or not', async () => {
    await using server = await startServer((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', 1000);
      response.write('x'.repeat(600));
      response.end('x'.repeat(400));
    });
    const sources = new OutboundDocumentSources(ANYWHERE);
    for (const path of ['/announced', '/streamed']) {
      expect((await sourceError(sources.fetch(server.origin + path, 999, never))).code).toBe('tooLarge');
      expect(await sources.fetch(server.origin + path, 1000, never)).toHaveLength(1000);
    }
  });

  test('is refused as soon as a stream without end has sent too much', async () => {
    await using server = await startServer((_request, response) => {
      const send = (): void => void response.write('x'.repeat(10_000), (error) => (error ? undefined : send()));
      send();
    });
    const error = await sourceError(new OutboundDocumentSources(ANYWHERE).fetch(server.origin, 100_000, never));
    expect(error.code).toBe('tooLarge');
  });

  test.each([401, 403, 404, 410, 204])('is refused when its server answers %i, without another try', async (status) => {
    await using server = await startServer((_request, response) => response.writeHead(status).end());
    const error = await sourceError(
      new OutboundDocumentSources(ANYWHERE).fetch(`${server.origin}/a.pdf?sig=secret`, 100, never),
    );
    expect(error).toMatchObject({ code: 'refused', message: `${server.origin}/a.pdf answered ${status}.` });
    expect(server.requests).toHaveLength(1);
  });

  test('is tried again when its server has a bad moment', async () => {
    let left = 2;
    await using server = await startServer((request, response) => {
      left -= 1;
      if (left === 1) response.writeHead(503).end();
      else if (left === 0) request.socket.destroy();
      else response.end('a document');
    });
    const bytes = await new OutboundDocumentSources(ANYWHERE).fetch(server.origin, 100, never);
    expect(bytes).toHaveLength(10);
    expect(server.requests).toHaveLength(3);
  });

  test('is unreachable where nobody listens, in words without the query', async () => {
    const server = await startServer(() => {});
    await server[Symbol.asyncDispose]();
    const fetched = new OutboundDocumentSources(ANYWHERE).fetch(`${server.origin}/a.pdf?sig=secret`, 100, never);
    const error = await sourceError(fetched);
    expect(error.code).toBe('unreachable');
    expect(`${error.message} ${String(error.cause)}`).not.toContain('secret');
  });

  test('is given up with the reason of whoever aborts', async () => {
    await using server = await startServer(() => {});
    const abort = new AbortController();
    const fetched = new OutboundDocumentSources(ANYWHERE).fetch(server.origin, 100, abort.signal);
    const reason = new Error('the lease was lost');
    await expect(Promise.all([fetched, sleep(50).then(() => abort.abort(reason))])).rejects.toBe(reason);
  });

  test.each(['ftp://example.com/a.pdf', 'file:///etc/passwd', 'data:text/plain,a', 'javascript:1'])(
    'is refused for the scheme of %s',
    async (url) => {
      expect((await sourceError(new OutboundDocumentSources(ANYWHERE).fetch(url, 100, never))).code).toBe('notAllowed');
    },
  );

  test.each(['', 'a.pdf', '//example.com/a.pdf', 'http://', 'http://user:password@example.com/a.pdf'])(
    'is refused as malformed: %j',
    async (url) => {
      expect((await sourceError(new OutboundDocumentSources(ANYWHERE).fetch(url, 100, never))).code).toBe('malformed');
    },
  );
});

describe('A document on a private address', () => {
  test.each([
    '127.0.0.1',
    'localhost',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '①②⑦.⓪.⓪.①',
  ])('is refused without a connection when its host is %s', async (host) => {
    await using server = await startServer((_request, response) => response.end('secret'));
    for (const scheme of ['http', 'https']) {
      const fetched = new OutboundDocumentSources(PUBLIC_ONLY).fetch(`${scheme}://${host}:${server.port}/`, 100, never);
      expect((await sourceError(fetched)).code).toBe('notAllowed');
    }
    expect(server.connections).toBe(0);
  });

  test('is refused when a name means it, over https as well, and the words do not tell which address that is', async () => {
    await using server = await startServer((_request, response) => response.end('secret'));
    for (const scheme of ['http', 'https']) {
      const sources = new OutboundDocumentSources(PUBLIC_ONLY, names(['127.0.0.1']));
      const error = await sourceError(sources.fetch(`${scheme}://inside.example:${server.port}/`, 100, never));
      expect(error).toMatchObject({ code: 'notAllowed' });
      expect(error.message).not.toContain('127.0.0.1');
    }
    expect(server.connections).toBe(0);
  });

  test('is refused when a name means it beside a public one', async () => {
    await using server = await startServer((_request, response) => response.end('secret'));
    const sources = new OutboundDocumentSources(PUBLIC_ONLY, names(['93.184.216.34', '127.0.0.1']));
    const error = await sourceError(sources.fetch(`http://both.example:${server.port}/`, 100, never));
    expect(error.code).toBe('notAllowed');
    expect(server.connections).toBe(0);
  });

  test('is refused when a name that was public when somebody looked means it when the connection is made', async () => {
    await using server = await startServer((_request, response) => response.end('secret'));
    const lookup = names(['93.184.216.34'], ['127.0.0.1']);
    await new Promise((resolve) => lookup('rebinding.example', { all: true }, resolve));
    const fetched = new OutboundDocumentSources(PUBLIC_ONLY, lookup).fetch(
      `http://rebinding.example:${server.port}/`,
      100,
      never,
    );
    expect((await sourceError(fetched)).code).toBe('notAllowed');
    expect(server.connections).toBe(0);
  });

  test('is reached where configuration allows private addresses', async () => {
    await using server = await startServer((_request, response) => response.end('fine'));
    const sources = new OutboundDocumentSources(ANYWHERE, names(['127.0.0.1']));
    expect(await sources.fetch(`http://inside.example:${server.port}/`, 100, never)).toHaveLength(4);
  });
});

describe('A document that is redirected', () => {
  test('is followed three times, each time to where it may lie', async () => {
    await using server = await startServer((request, response) => {
      const step = Number(request.url?.slice(1));
      if (step === 0) response.end('arrived');
      else response.writeHead(302, { location: `/${step - 1}` }).end();
    });
    const sources = new OutboundDocumentSources(ANYWHERE);
    expect(await sources.fetch(`${server.origin}/3`, 100, never)).toHaveLength(7);
    const error = await sourceError(sources.fetch(`${server.origin}/4`, 100, never));
    expect(error).toMatchObject({ code: 'refused', message: `${server.origin}/4 redirects more than 3 times.` });
  });

  test('is refused when it leads to a private address', async () => {
    await using inside = await startServer((_request, response) => response.end('secret'));
    await using outside = await startServer((_request, response) =>
      response.writeHead(302, { location: `http://inside.example:${inside.port}/` }).end(),
    );
    // The first name is let through as if it were public, the second is what it is.
    const sources = new OutboundDocumentSources(
      { ...ANYWHERE, allowedHosts: ['outside.example'] },
      names(['127.0.0.1']),
    );
    const error = await sourceError(sources.fetch(`http://outside.example:${outside.port}/`, 100, never));
    expect(error.code).toBe('notAllowed');
    expect(outside.requests).toHaveLength(1);
    expect(inside.connections).toBe(0);
  });

  test.each(['file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com/'])(
    'is refused when it leads to %s',
    async (location) => {
      await using server = await startServer((_request, response) => response.writeHead(301, { location }).end());
      const error = await sourceError(new OutboundDocumentSources(ANYWHERE).fetch(server.origin, 100, never));
      expect(error.code).toBe('notAllowed');
    },
  );
});

describe('A document from a host', () => {
  test.each([
    ['example.com', true],
    ['EXAMPLE.com', true],
    ['example.com.', true],
    ['files.example.com', true],
    ['badexample.com', false],
    ['example.com.evil.test', false],
    ['127.0.0.1', false],
  ])('%s is allowed beside example.com: %s', async (host, isAllowed) => {
    await using server = await startServer((_request, response) => response.end('fine'));
    const policy = { ...ANYWHERE, allowedHosts: ['example.com'] };
    const fetched = new OutboundDocumentSources(policy, names(['127.0.0.1'])).fetch(
      `http://${host}:${server.port}/`,
      100,
      never,
    );
    if (isAllowed) expect(await fetched).toHaveLength(4);
    else expect((await sourceError(fetched)).code).toBe('notAllowed');
    expect(server.connections).toBe(isAllowed ? 1 : 0);
  });
});
