import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseModelId, parseRegion, parseResourceId, ServiceError, v2 } from '@formhaven/contract';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { FORMHAVEN_LIMITS } from '../config/config.ts';
import { lookAt } from '../replicate/look.ts';
import { httpSide } from './http-side.ts';
import type { ReplicationApi, Side } from './side.ts';

const KEY = 'key-that-must-not-be-seen';

async function against(
  listener: RequestListener,
  run: (side: Side, api: ReplicationApi) => Promise<void>,
): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const side = httpSide(
    {
      name: 'westus2',
      kind: 'formhaven',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: required(parseRegion('westus2')),
      resourceId: required(
        parseResourceId('/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/w'),
      ),
      version: 'v2.1',
      key: { env: 'KEY' },
      limits: FORMHAVEN_LIMITS,
    },
    KEY,
  );
  try {
    await run(side, required(side.replication));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const { signal } = new AbortController();
const id = required(parseModelId('00000000-0000-4000-8000-000000000001'));
const ask = { nonce: 'n'.repeat(32), signal };

describe('a region over HTTP', () => {
  test('that breaks off its answer, or gives another one than described, has given none', async () => {
    const answers: readonly RequestListener[] = [
      (_, response) => response.end('{"format":"formhaven-replication/1","inst'),
      (_, response) => response.end('<html>Welcome</html>'),
      (_, response) => response.end('{"models":[{"modelId":"x"}],"next":null}'),
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"ins');
        setTimeout(() => response.destroy(), 20);
      },
      (request) => request.socket.destroy(),
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      (_, response) => response.writeHead(500).end(`{"error":{"code":"X","message":"oops"}}`),
    ];
    for (const answer of answers) {
      await against(answer, async (side, api) => {
        const error = await api.position({ signal }).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error instanceof v2.RequestFailure || error instanceof ServiceError).toBe(true);
        expect(String(error)).not.toContain(KEY);
        expect(await lookAt(side, systemClock, signal)).toMatchObject({ ok: false });
      });
    }
  });

  test('says of a proof that its bytes are damaged, that it has no such model, or when to ask again', async () => {
    const status =
      (code: number, body: unknown, headers = {}): RequestListener =>
      (_, response) =>
        response.writeHead(code, headers).end(JSON.stringify(body));
    await against(status(409, { error: { code: 'damaged', message: 'part 1' } }), async (_, api) => {
      expect(await api.prove(id, ask)).toEqual({ outcome: 'damaged', message: 'part 1' });
    });
    await against(status(404, { error: { code: '1022', message: 'not found' } }), async (_, api) => {
      expect(await api.prove(id, ask)).toEqual({ outcome: 'gone' });
      expect(await api.whereabouts(id, { signal })).toBe('unknown');
    });
    await against(status(429, { error: { code: '429', message: '' } }, { 'retry-after': '7' }), async (_, api) => {
      await expect(api.prove(id, ask)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 7 });
    });
  });

  test('is left alone as soon as the caller has gone', async () => {
    await against(
      () => undefined,
      async (_, api) => {
        const gone = new AbortController();
        const asked = api.position({ signal: gone.signal });
        gone.abort(new Error('stopped'));
        await expect(asked).rejects.toThrow('stopped');
      },
    );
  });
});

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('it is made to be parsed');
  return value;
}
