import type { ModelId, OperationId, Sha256 } from '@formhaven/contract';
import type { Kysely, Transaction } from 'kysely';
import type { Failure } from '../../failure.ts';
import type { NewJob } from '../../ports/queue.ts';
import type {
  CopyAuthorization,
  KeyHash,
  Model,
  ModelChange,
  ModelPage,
  ModelSummary,
  Operation,
  PublishOutcome,
  Resource,
  Store,
  TerminalState,
} from '../../ports/store.ts';
import type { JobsInTransaction } from './jobs-in-transaction.ts';
import {
  authorizationRow,
  isTerminal,
  modelRow,
  modelStateColumns,
  operationRow,
  operationStateColumns,
  readAuthorization,
  readChange,
  readModel,
  readOperation,
} from './rows.ts';
import type { StoreTables } from './tables.ts';

// Below the smallest number of parameters a statement takes anywhere (SQLite before 3.32: 999).
const IDS_PER_STATEMENT = 500;
const MANIFESTS_PER_PAGE = 50;

const MODEL_GONE: Failure = { code: 'modelGone', message: 'The model was deleted before its training had ended.' };

export interface SqlStoreParts {
  readonly db: Kysely<StoreTables>;
  readonly jobs: JobsInTransaction;
  /** Housekeeping that only the dialect knows. */
  readonly checkpoint: () => Promise<void>;
}

/** The {@link Store} on any SQL database Kysely speaks to. Every write transaction must exclude lost updates (see the dialect). */
export class SqlStore implements Store {
  readonly #db: Kysely<StoreTables>;
  readonly #jobs: JobsInTransaction;
  readonly #checkpoint: () => Promise<void>;

  constructor(parts: SqlStoreParts) {
    this.#db = parts.db;
    this.#jobs = parts.jobs;
    this.#checkpoint = parts.checkpoint;
  }

  // ---- resources and keys

  async putResource(resource: Resource): Promise<void> {
    await this.#db
      .insertInto('resources')
      .values({ name: resource.name, resource_id: resource.resourceId })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ resource_id: resource.resourceId }))
      .execute();
  }

  async resources(): Promise<readonly Resource[]> {
    const rows = await this.#db.selectFrom('resources').selectAll().orderBy('name').execute();
    return rows.map((row) => ({ name: row.name, resourceId: row.resource_id }));
  }

  async putKey(key: KeyHash): Promise<void> {
    await this.#db
      .insertInto('keys')
      .values({ resource: key.resource, slot: key.slot, hash: key.hash })
      .onConflict((conflict) => conflict.columns(['resource', 'slot']).doUpdateSet({ hash: key.hash }))
      .execute();
  }

  async keys(): Promise<readonly KeyHash[]> {
    return this.#db
      .selectFrom('keys')
      .select(['resource', 'slot', 'hash'])
      .orderBy('resource')
      .orderBy('slot')
      .execute();
  }

  // ---- models

  async getModel(resource: string, id: ModelId): Promise<Model | undefined> {
    const row = await this.#db
      .selectFrom('models')
      .selectAll()
      .where('resource', '=', resource)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : readModel(row);
  }

  async listModels(
    resource: string,
    page: { readonly after: ModelId | undefined; readonly limit: number },
  ): Promise<ModelPage> {
    let query = this.#db.selectFrom('models').selectAll().where('resource', '=', resource);
    if (page.after !== undefined) query = query.where('id', '>', page.after);
    // One more than asked for tells whether there is a next page.
    const rows = await query
      .orderBy('id')
      .limit(page.limit + 1)
      .execute();
    const models = rows.slice(0, page.limit).map(readModel);
    return { models, next: rows.length > page.limit ? models.at(-1)?.id : undefined };
  }

  async summarizeModels(resource: string): Promise<ModelSummary> {
    const { count, last } = await this.#db
      .selectFrom('models')
      .select((query) => [query.fn.countAll().as('count'), query.fn.max('last_updated_on').as('last')])
      .where('resource', '=', resource)
      .executeTakeFirstOrThrow();
    return { count: Number(count), lastUpdatedOn: last === null ? undefined : new Date(last) };
  }

  async addModel(model: Model): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      await transaction.insertInto('models').values(modelRow(model)).execute();
      if (model.state.status === 'ready') {
        await recordChange(transaction, { ...model, change: 'ready', changedOn: model.lastUpdatedOn });
      }
    });
  }

  async deleteModel(resource: string, id: ModelId, now: Date): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      // Its authorization goes with it: the foreign key cascades.
      const deleted = await transaction
        .deleteFrom('models')
        .where('resource', '=', resource)
        .where('id', '=', id)
        .returning('status')
        .executeTakeFirst();
      if (deleted?.status === 'ready')
        await recordChange(transaction, { resource, id, change: 'deleted', changedOn: now });
      return deleted !== undefined;
    });
  }

  async *manifests(): AsyncGenerator<{ readonly digest: Sha256; readonly manifest: string }> {
    let after: { resource: string; id: ModelId } | undefined;
    for (;;) {
      const last = after;
      let query = this.#db
        .selectFrom('models')
        .select(['resource', 'id', 'digest', 'manifest'])
        .where('status', '=', 'ready');
      if (last !== undefined) {
        query = query.where((where) =>
          where.or([
            where('resource', '>', last.resource),
            where.and([where('resource', '=', last.resource), where('id', '>', last.id)]),
          ]),
        );
      }
      const rows = await query.orderBy('resource').orderBy('id').limit(MANIFESTS_PER_PAGE).execute();
      for (const row of rows) {
        if (row.digest !== null && row.manifest !== null) yield { digest: row.digest, manifest: row.manifest };
      }
      after = rows.at(-1);
      if (rows.length < MANIFESTS_PER_PAGE) return;
    }
  }

  // ---- change feed

  async changePosition(): Promise<{ readonly instance: string; readonly last: number }> {
    const { instance, last } = await this.#db
      .selectFrom('change_counter')
      .select(['instance', 'last'])
      .executeTakeFirstOrThrow();
    return { instance, last: Number(last) };
  }

  async listChanges(
    resource: string,
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly ModelChange[]> {
    const rows = await this.#db
      .selectFrom('model_changes')
      .selectAll()
      .where('resource', '=', resource)
      .where('sequence', '>', page.after)
      .orderBy('sequence')
      .limit(page.limit)
      .execute();
    return rows.map(readChange);
  }

  async findChange(resource: string, id: ModelId): Promise<ModelChange | undefined> {
    const row = await this.#db
      .selectFrom('model_changes')
      .selectAll()
      .where('resource', '=', resource)
      .where('model_id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : readChange(row);
  }

  // ---- operations

  async accept(accepted: {
    readonly operation: Operation;
    readonly job: NewJob;
    readonly model?: Model;
  }): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      await transaction.insertInto('operations').values(operationRow(accepted.operation)).execute();
      if (accepted.model !== undefined) {
        await transaction.insertInto('models').values(modelRow(accepted.model)).execute();
      }
      await this.#jobs.insert(transaction, accepted.job);
    });
  }

  async getOperation(resource: string, id: OperationId): Promise<Operation | undefined> {
    const row = await this.#db
      .selectFrom('operations')
      .selectAll()
      .where('id', '=', id)
      .where('resource', '=', resource)
      .executeTakeFirst();
    return row === undefined ? undefined : readOperation(row);
  }

  async findOperation(id: OperationId): Promise<Operation | undefined> {
    const row = await this.#db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : readOperation(row);
  }

  async startOperation(id: OperationId, now: Date): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('operations')
      .set({ status: 'running', last_updated_on: now.getTime() })
      .where('id', '=', id)
      .where('status', 'in', ['notStarted', 'running'])
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  async finishOperation(finished: Parameters<Store['finishOperation']>[0]): Promise<boolean> {
    return this.#db.transaction().execute(async (transaction) => {
      await this.#jobs.remove(transaction, finished.id);
      const operation = await transaction
        .selectFrom('operations')
        .select(['status', 'resource'])
        .where('id', '=', finished.id)
        .executeTakeFirst();
      if (operation === undefined || isTerminal(operation.status)) return false;

      let state: TerminalState = finished.state;
      if (finished.model !== undefined) {
        const { numUpdatedRows } = await transaction
          .updateTable('models')
          .set({
            ...modelStateColumns(finished.model.state),
            last_updated_on: finished.model.lastUpdatedOn.getTime(),
          })
          .where('resource', '=', operation.resource)
          .where('id', '=', finished.model.id)
          .where('status', '=', 'creating')
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n && finished.model.state.status === 'ready') {
          const { id } = finished.model;
          await recordChange(transaction, {
            resource: operation.resource,
            id,
            change: 'ready',
            changedOn: finished.now,
          });
        }
        if (numUpdatedRows === 0n && state.status === 'succeeded') state = { status: 'failed', errors: [MODEL_GONE] };
      }
      await transaction
        .updateTable('operations')
        .set({ ...operationStateColumns(state), last_updated_on: finished.now.getTime() })
        .where('id', '=', finished.id)
        .execute();
      return true;
    });
  }

  // ---- copy, target side

  async authorizeCopy(reserved: { readonly model: Model; readonly authorization: CopyAuthorization }): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      await transaction.insertInto('models').values(modelRow(reserved.model)).execute();
      await transaction.insertInto('authorizations').values(authorizationRow(reserved.authorization)).execute();
    });
  }

  async findCopyAuthorization(modelId: ModelId): Promise<CopyAuthorization | undefined> {
    const row = await findAuthorization(this.#db, modelId);
    return row === undefined ? undefined : readAuthorization(row);
  }

  async publishCopy(copy: Parameters<Store['publishCopy']>[0]): Promise<PublishOutcome> {
    return this.#db.transaction().execute(async (transaction) => {
      const authorization = await findAuthorization(transaction, copy.modelId);
      if (authorization === undefined) return { outcome: 'unknown' };
      // Before the expiry: a repeated request is answered as the first one was.
      if (authorization.used_by !== null) {
        const isRepeated = authorization.used_by === copy.by && authorization.used_digest === copy.digest;
        return { outcome: isRepeated ? 'alreadyPublished' : 'used' };
      }
      if (authorization.expires_on <= copy.now.getTime()) return { outcome: 'expired' };

      const { numUpdatedRows } = await transaction
        .updateTable('models')
        .set({
          ...modelStateColumns({ status: 'ready', digest: copy.digest, manifest: copy.manifest }),
          name: copy.name ?? null,
          created_on: copy.createdOn.getTime(),
          last_updated_on: copy.lastUpdatedOn.getTime(),
        })
        .where('resource', '=', authorization.resource)
        .where('id', '=', copy.modelId)
        .where('status', '=', 'creating')
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return { outcome: 'unknown' };
      await recordChange(transaction, {
        resource: authorization.resource,
        id: copy.modelId,
        change: 'ready',
        changedOn: copy.now,
      });
      await transaction
        .updateTable('authorizations')
        .set({ used_by: copy.by, used_digest: copy.digest })
        .where('model_id', '=', copy.modelId)
        .execute();
      return { outcome: 'published' };
    });
  }

  // ---- hygiene

  async expire(
    now: Date,
  ): Promise<{ readonly operations: readonly OperationId[]; readonly models: readonly ModelId[] }> {
    return this.#db.transaction().execute(async (transaction) => {
      const operations = await transaction
        .deleteFrom('operations')
        .where('expires_on', '<=', now.getTime())
        .where('status', 'in', ['succeeded', 'failed'])
        .returning('id')
        .execute();
      // The authorization goes with its model. A model that is not `creating` was published: its authorization is used.
      const models = await transaction
        .deleteFrom('models')
        .where('status', '=', 'creating')
        .where('created_by', '=', 'copy')
        .where('id', 'in', (query) =>
          query
            .selectFrom('authorizations')
            .select('model_id')
            .whereRef('authorizations.resource', '=', 'models.resource')
            .where('expires_on', '<=', now.getTime())
            .where('used_by', 'is', null),
        )
        .returning('id')
        .execute();
      return { operations: operations.map((row) => row.id), models: models.map((row) => row.id) };
    });
  }

  async knownOperations(ids: readonly OperationId[]): Promise<ReadonlySet<OperationId>> {
    return this.#db
      .transaction()
      .setAccessMode('read only')
      .execute(async (transaction) => {
        const known = new Set<OperationId>();
        for (let from = 0; from < ids.length; from += IDS_PER_STATEMENT) {
          const rows = await transaction
            .selectFrom('operations')
            .select('id')
            .where('id', 'in', ids.slice(from, from + IDS_PER_STATEMENT))
            .execute();
          for (const row of rows) known.add(row.id);
        }
        return known;
      });
  }

  async checkpoint(): Promise<void> {
    await this.#checkpoint();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.destroy();
  }
}

function findAuthorization(db: Kysely<StoreTables> | Transaction<StoreTables>, modelId: ModelId) {
  return db.selectFrom('authorizations').selectAll().where('model_id', '=', modelId).executeTakeFirst();
}

/** In the transaction that makes the change. */
async function recordChange(
  transaction: Transaction<StoreTables>,
  change: {
    readonly resource: string;
    readonly id: ModelId;
    readonly change: ModelChange['change'];
    readonly changedOn: Date;
  },
): Promise<void> {
  const { last } = await transaction
    .updateTable('change_counter')
    .set((row) => ({ last: row('last', '+', 1) }))
    .returning('last')
    .executeTakeFirstOrThrow();
  await transaction
    .deleteFrom('model_changes')
    .where('resource', '=', change.resource)
    .where('model_id', '=', change.id)
    .execute();
  await transaction
    .insertInto('model_changes')
    .values({
      sequence: Number(last),
      resource: change.resource,
      model_id: change.id,
      change: change.change,
      changed_on: change.changedOn.getTime(),
    })
    .execute();
}
