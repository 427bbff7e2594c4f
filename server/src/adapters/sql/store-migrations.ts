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
