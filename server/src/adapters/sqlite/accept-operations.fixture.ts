import { randomUUID } from 'node:crypto';
import { type OperationId, parseOperationId, parseRegion } from '@formhaven/contract';
import { openSqliteStore } from './open-sqlite-store.ts';

// Accepts operations without end and tells the id of each that was acknowledged.

const [file = ''] = process.argv.slice(2);
const region = parseRegion('westus2');
if (region === undefined) throw new TypeError('no region');
const { store } = await openSqliteStore({ file, region, clock: { now: () => new Date() } });

for (;;) {
  const id: OperationId | undefined = parseOperationId(randomUUID());
  if (id === undefined) throw new TypeError('no operation id');
  const now = new Date();
  await store.accept({
    operation: {
      id,
      kind: 'analyze',
      resource: 'forms',
      modelId: undefined,
      createdOn: now,
      lastUpdatedOn: now,
      expiresOn: now,
      request: '{}',
      state: { status: 'notStarted' },
    },
    job: { operationId: id, kind: 'analyze', resource: 'forms' },
  });
  // The channel is asynchronous, a kill is not: only what has left this process was acknowledged.
  await new Promise<void>((sent) => process.send?.(id, undefined, undefined, () => sent()));
}
