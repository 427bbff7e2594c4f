import type { OperationId } from '@formhaven/contract';
import type { Transaction } from 'kysely';
import type { NewJob } from '../../ports/queue.ts';
import type { StoreTables } from './tables.ts';

/** What the store asks of a queue that keeps its jobs in the same database, so that an operation and its job are one write. */
export interface JobsInTransaction {
  insert(transaction: Transaction<StoreTables>, job: NewJob): Promise<void>;
  /** Succeeds where there is no such job. */
  remove(transaction: Transaction<StoreTables>, id: OperationId): Promise<void>;
}
