import type { Selectable } from 'kysely';
import type { Failure } from '../../failure.ts';
import type {
  CopyAuthorization,
  Model,
  ModelChange,
  ModelState,
  Operation,
  OperationState,
  TerminalState,
} from '../../ports/store.ts';
import type { AuthorizationsTable, ModelChangesTable, ModelsTable, OperationsTable } from './tables.ts';

// Between the domain's unions and rows of nullable columns. Rows are only ever written here, so reading trusts them; a row that
// breaks the agreement is a damaged database and throws.

type ModelStateColumns = Pick<ModelsTable, 'status' | 'created_by' | 'digest' | 'manifest' | 'errors'>;
type OperationStateColumns = Pick<OperationsTable, 'status' | 'errors'>;

export function modelRow(model: Model): ModelsTable {
  return {
    resource: model.resource,
    id: model.id,
    created_on: model.createdOn.getTime(),
    last_updated_on: model.lastUpdatedOn.getTime(),
    name: model.name ?? null,
    ...modelStateColumns(model.state),
  };
}

export function modelStateColumns(state: ModelState): ModelStateColumns {
  const none = { created_by: null, digest: null, manifest: null, errors: null };
  switch (state.status) {
    case 'creating':
      return { ...none, status: 'creating', created_by: state.by };
    case 'ready':
      return { ...none, status: 'ready', digest: state.digest, manifest: state.manifest };
    case 'invalid':
      return { ...none, status: 'invalid', errors: JSON.stringify(state.errors) };
  }
}

export function readModel(row: Selectable<ModelsTable>): Model {
  return {
    id: row.id,
    resource: row.resource,
    createdOn: new Date(row.created_on),
    lastUpdatedOn: new Date(row.last_updated_on),
    name: row.name ?? undefined,
    state: readModelState(row),
  };
}

function readModelState(row: Selectable<ModelsTable>): ModelState {
  switch (row.status) {
    case 'creating':
      return { status: 'creating', by: filled(row.created_by, 'created_by') };
    case 'ready':
      return { status: 'ready', digest: filled(row.digest, 'digest'), manifest: filled(row.manifest, 'manifest') };
    case 'invalid':
      return { status: 'invalid', errors: readFailures(row.errors) };
  }
}

export function readChange(row: Selectable<ModelChangesTable>): ModelChange {
  return {
    sequence: Number(row.sequence),
    modelId: row.model_id,
    change: row.change,
    changedOn: new Date(Number(row.changed_on)),
  };
}

export function operationRow(operation: Operation): OperationsTable {
  return {
    id: operation.id,
    kind: operation.kind,
    resource: operation.resource,
    model_id: operation.modelId ?? null,
    created_on: operation.createdOn.getTime(),
    last_updated_on: operation.lastUpdatedOn.getTime(),
    expires_on: operation.expiresOn.getTime(),
    request: operation.request,
    ...operationStateColumns(operation.state),
  };
}

export function operationStateColumns(state: OperationState): OperationStateColumns {
  switch (state.status) {
    case 'notStarted':
    case 'running':
    case 'succeeded':
      return { status: state.status, errors: null };
    case 'failed':
      return { status: 'failed', errors: JSON.stringify(state.errors) };
  }
}

export function readOperation(row: Selectable<OperationsTable>): Operation {
  return {
    id: row.id,
    kind: row.kind,
    resource: row.resource,
    modelId: row.model_id ?? undefined,
    createdOn: new Date(row.created_on),
    lastUpdatedOn: new Date(row.last_updated_on),
    expiresOn: new Date(row.expires_on),
    request: row.request,
    state: row.status === 'failed' ? { status: 'failed', errors: readFailures(row.errors) } : { status: row.status },
  };
}

export function isTerminal(status: OperationState['status']): status is TerminalState['status'] {
  return status === 'succeeded' || status === 'failed';
}

export function authorizationRow(authorization: CopyAuthorization): AuthorizationsTable {
  return {
    model_id: authorization.modelId,
    resource: authorization.resource,
    token_hash: authorization.tokenHash,
    created_on: authorization.createdOn.getTime(),
    expires_on: authorization.expiresOn.getTime(),
    used_by: authorization.used?.by ?? null,
    used_digest: authorization.used?.digest ?? null,
  };
}

export function readAuthorization(row: Selectable<AuthorizationsTable>): CopyAuthorization {
  return {
    modelId: row.model_id,
    resource: row.resource,
    tokenHash: row.token_hash,
    createdOn: new Date(row.created_on),
    expiresOn: new Date(row.expires_on),
    used: row.used_by === null ? undefined : { by: row.used_by, digest: filled(row.used_digest, 'used_digest') },
  };
}

function readFailures(text: string | null): readonly Failure[] {
  return JSON.parse(filled(text, 'errors')) as readonly Failure[];
}

function filled<Value>(value: Value | null, column: string): Value {
  if (value === null) throw new TypeError(`the database is damaged: ${column} is empty where its status needs it`);
  return value;
}
