import { join } from 'node:path';
import { describeStore } from '../../ports/store.suite.ts';
import { freshFolder } from '../fresh-folder.fixture.ts';
import { openSqliteStore } from './open-sqlite-store.ts';
import { WESTUS2 } from './region.fixture.ts';

const clock = { now: () => new Date() };

describeStore('SQLite', async () => {
  const folder = await freshFolder();
  const open = () => openSqliteStore({ file: join(folder.path, 'region.db'), region: WESTUS2, clock });
  const { store, queue } = await open();
  return {
    store,
    async countJobs() {
      const { waiting, running } = await queue.depth();
      return waiting + running;
    },
    again: async () => (await open()).store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
});
