import { randomUUID } from 'node:crypto';
import type { Migration } from './migrate.ts';

/** Never edited once released: a change of the tables is a further migration, appended to a dialect's list. */
export const createStoreTables: Migration = async (db) => {
  await db.schema
    .createTable('identity')
    .addColumn('only', 'integer', (column) => column.primaryKey())
    .addColumn('region', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('resources')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('resource_id', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('keys')
    .addColumn('resource', 'text', (column) => column.notNull().references('resources.name'))
    .addColumn('slot', 'integer', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('keys_pk', ['resource', 'slot'])
    .execute();

  await db.schema
    .createTable('models')
    .addColumn('resource', 'text', (column) => column.notNull().references('resources.name'))
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('created_on', 'bigint', (column) => column.notNull())
    .addColumn('last_updated_on', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addColumn('digest', 'text')
    .addColumn('manifest', 'text')
    .addColumn('errors', 'text')
    .addPrimaryKeyConstraint('models_pk', ['resource', 'id'])
    .execute();

  await db.schema
    .createTable('operations')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('resource', 'text', (column) => column.notNull().references('resources.name'))
    .addColumn('model_id', 'text')
    .addColumn('created_on', 'bigint', (column) => column.notNull())
    .addColumn('last_updated_on', 'bigint', (column) => column.notNull())
    .addColumn('expires_on', 'bigint', (column) => column.notNull())
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('errors', 'text')
    .execute();
  await db.schema.createIndex('operations_expires_on').on('operations').column('expires_on').execute();

  await db.schema
    .createTable('authorizations')
    .addColumn('model_id', 'text', (column) => column.primaryKey())
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull())
    .addColumn('created_on', 'bigint', (column) => column.notNull())
    .addColumn('expires_on', 'bigint', (column) => column.notNull())
    .addColumn('used_by', 'text')
    .addColumn('used_digest', 'text')
    .addForeignKeyConstraint(
      'authorizations_model',
      ['resource', 'model_id'],
      'models',
      ['resource', 'id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute();
  await db.schema.createIndex('authorizations_expires_on').on('authorizations').column('expires_on').execute();
};

/**
 * The change feed of models: the last change of every model that was ever ready, in the order of the commits. The counter's row
 * is updated first in each transaction that records one, so that a smaller number is never seen after a larger one.
 */
export const createModelChanges: Migration = async (db) => {
  await db.schema
    .createTable('change_counter')
    .addColumn('only', 'integer', (column) => column.primaryKey())
    .addColumn('instance', 'text', (column) => column.notNull())
    .addColumn('last', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('model_changes')
    .addColumn('sequence', 'bigint', (column) => column.primaryKey())
    .addColumn('resource', 'text', (column) => column.notNull().references('resources.name'))
    .addColumn('model_id', 'text', (column) => column.notNull())
    .addColumn('change', 'text', (column) => column.notNull())
    .addColumn('changed_on', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('model_changes_model')
    .on('model_changes')
    .columns(['resource', 'model_id'])
    .unique()
    .execute();
  const ready = await db
    .selectFrom('models')
    .select(['resource', 'id', 'last_updated_on'])
    .where('status', '=', 'ready')
    .orderBy('last_updated_on')
    .execute();
  for (const [index, model] of ready.entries()) {
    await db
      .insertInto('model_changes')
      .values({
        sequence: index + 1,
        resource: model.resource,
        model_id: model.id,
        change: 'ready',
        changed_on: model.last_updated_on,
      })
      .execute();
  }
  await db.insertInto('change_counter').values({ only: 1, instance: randomUUID(), last: ready.length }).execute();
};
