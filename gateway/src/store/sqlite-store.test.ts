import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openSqliteGatewayStore } from './sqlite-store.ts';
import { gatewayStoreSuite } from './store.suite.ts';

gatewayStoreSuite('the SQLite store', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-store-'));
  const [one, two] = await Promise.all([1, 2].map(() => openSqliteGatewayStore(join(folder, 'gateway.db'))));
  if (one === undefined || two === undefined) throw new Error('two were opened');
  return {
    one,
    two,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
});

test('a store of a newer release is refused by name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'formhaven-store-'));
  const file = join(folder, 'gateway.db');
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(openSqliteGatewayStore(file)).rejects.toThrow('newer release');
  await rm(folder, { recursive: true });
});
