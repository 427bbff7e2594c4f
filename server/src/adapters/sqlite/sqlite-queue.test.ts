import { join } from 'node:path';
import { describeQueue } from '../../ports/queue.suite.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { WESTUS2 } from './region.fixture.ts';

describeQueue('SQLite', async ({ clock, leaseMilliseconds }) => {
  const folder = await freshFolder();
  const open = () =>
    openSqliteStore({ file: join(folder.path, 'region.db'), region: WESTUS2, clock, limits: { leaseMilliseconds } });
  const { store, queue } = await open();
  return {
    store,
    queue,
    again: open,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});
