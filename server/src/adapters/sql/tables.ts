import type { ModelId, OperationId, Region, ResourceId, Sha256 } from '@formhaven/contract';
import type { KeySlot, OperationKind } from '../../ports/store.ts';

// The rows as they lie in the database, in SQL that SQLite and PostgreSQL both know: dates are milliseconds since 1970 in UTC,
// JSON is text, a case of a union is a status column beside nullable columns that only some cases fill.

export interface IdentityTable {
  /** Always 1: the table has one row. */
  only: number;
  region: Region;
}

export interface ResourcesTable {
  name: string;
  resource_id: ResourceId;
}

export interface KeysTable {
  resource: string;
  slot: KeySlot;
  hash: Sha256;
}

export interface ModelsTable {
  resource: string;
  id: ModelId;
  created_on: number;
  last_updated_on: number;
  name: string | null;
  status: 'creating' | 'ready' | 'invalid';
  /** Of `creating`. */
  created_by: 'train' | 'copy' | null;
  /** Of `ready`. */
  digest: Sha256 | null;
  manifest: string | null;
  /** Of `invalid`: JSON. */
  errors: string | null;
}

export interface OperationsTable {
  id: OperationId;
  kind: OperationKind;
  resource: string;
  model_id: ModelId | null;
  created_on: number;
  last_updated_on: number;
  expires_on: number;
  request: string;
  status: 'notStarted' | 'running' | 'succeeded' | 'failed';
  /** Of `failed`: JSON. */
  errors: string | null;
}

export interface AuthorizationsTable {
  model_id: ModelId;
  resource: string;
  token_hash: Sha256;
  created_on: number;
  expires_on: number;
  /** Both or neither. */
  used_by: string | null;
  used_digest: Sha256 | null;
}

export interface ChangeCounterTable {
  /** Always 1: the table has one row. */
  only: number;
  /** Made with the database: a region that lost its disk has another one. */
  instance: string;
  last: number;
}

/** The last change of a model; an earlier one of the same model is replaced. */
export interface ModelChangesTable {
  sequence: number;
  resource: string;
  model_id: ModelId;
  change: 'ready' | 'deleted';
  changed_on: number;
}

export interface StoreTables {
  identity: IdentityTable;
  resources: ResourcesTable;
  keys: KeysTable;
  models: ModelsTable;
  operations: OperationsTable;
  authorizations: AuthorizationsTable;
  change_counter: ChangeCounterTable;
  model_changes: ModelChangesTable;
}
