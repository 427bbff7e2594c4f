import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ModelId, parseModelId, parseOperationId, parseRegion, type Region, v2 } from '@formhaven/contract';
import type { AnalysisTarget, WriteKind } from '../routed-request.ts';
import { parseSpoolKey, type SpooledDocument } from '../spool/spool.ts';
import type {
  AuditEntry,
  GatewayStore,
  Leadership,
  ModelHome,
  OperationOutcome,
  OperationWork,
  StoredOperation,
  UnsettledWrite,
  WriteTicket,
} from './store.ts';

// One file in WAL mode with synchronous=FULL: what was committed outlives a kill and a power cut. Several gateways on one machine
// share it. Statements are short and synchronous; each is one transaction.

const FORMAT = 1;
const BUSY_MILLISECONDS = 5000;
const SQLITE_BUSY = 5;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS operations (
  id TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  work TEXT NOT NULL,
  spool_key TEXT,
  spool_bytes INTEGER,
  region TEXT NOT NULL,
  region_operation_id TEXT NOT NULL,
  region_model_id TEXT,
  generation INTEGER NOT NULL,
  created_on INTEGER NOT NULL,
  status TEXT NOT NULL,
  ended_on INTEGER,
  message TEXT,
  claimed_by TEXT,
  claimed_until INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS operations_open ON operations (region, created_on) WHERE status = 'open' AND spool_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS operations_spooled ON operations (spool_key) WHERE spool_key IS NOT NULL;
CREATE INDEX IF NOT EXISTS operations_created ON operations (created_on);
CREATE TABLE IF NOT EXISTS leadership (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  region TEXT NOT NULL,
  drain_until INTEGER,
  since INTEGER NOT NULL,
  moved_by TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS writes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  epoch INTEGER NOT NULL,
  region TEXT NOT NULL,
  kind TEXT NOT NULL,
  begun_on INTEGER NOT NULL,
  problem TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS model_homes (model_id TEXT PRIMARY KEY, region TEXT, is_deleted INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS isolations (region TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  event TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;
`;

type Row = Readonly<Record<string, unknown>>;

export class GatewayStoreError extends Error {
  override readonly name = 'GatewayStoreError';
}

/** @param file a path, or `:memory:` */
export async function openSqliteGatewayStore(file: string): Promise<GatewayStore> {
  const db = new DatabaseSync(file);
  try {
    db.exec(`PRAGMA busy_timeout = ${BUSY_MILLISECONDS}`);
    await whenUnlocked(() => db.exec('PRAGMA journal_mode = WAL'));
    db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON');
    const format = Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
    if (format > FORMAT) {
      throw new GatewayStoreError(
        `${file} was written by a newer release (format ${format}; this one reads ${FORMAT}).`,
      );
    }
    if (format < FORMAT) {
      await whenUnlocked(() => db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${FORMAT}; COMMIT;`));
    }
    return new SqliteGatewayStore(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The first switch of a new file to WAL needs it alone and does not wait: gateways that start together collide here. */
async function whenUnlocked(work: () => void): Promise<void> {
  const until = performance.now() + BUSY_MILLISECONDS;
  for (;;) {
    try {
      work();
      return;
    } catch (error) {
      const isLocked = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
      if (!isLocked || performance.now() > until) throw error;
      await sleep(10 + 20 * Math.random());
    }
  }
}

class SqliteGatewayStore implements GatewayStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  async addOperation(operation: StoredOperation): Promise<void> {
    const { work, outcome } = operation;
    const document = work.kind === 'analyze' ? work.document : undefined;
    this.#run(
      `INSERT INTO operations (id, version, work, spool_key, spool_bytes, region, region_operation_id, region_model_id, generation,
        created_on, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      operation.id,
      operation.version,
      JSON.stringify(work.kind === 'analyze' ? { ...work, document: undefined } : work),
      document?.key ?? null,
      document?.bytes ?? null,
      operation.region,
      operation.regionOperationId,
      operation.regionModelId ?? null,
      operation.generation,
      operation.createdOn,
      outcome.status,
    );
  }

  async operation(id: string): Promise<StoredOperation | undefined> {
    const row = this.#get('SELECT * FROM operations WHERE id = ?', id);
    return row === undefined ? undefined : operationOf(row);
  }

  async markDelivered(id: string, on: number): Promise<void> {
    this.#run(`UPDATE operations SET status = 'delivered', ended_on = ? WHERE id = ? AND status = 'open'`, on, id);
  }

  async markLost(id: string, expected: { readonly generation: number }, on: number, message: string): Promise<boolean> {
    const sql = `UPDATE operations SET status = 'lost', ended_on = ?, message = ? WHERE id = ? AND generation = ? AND status = 'open'`;
    return this.#run(sql, on, message, id, expected.generation) === 1;
  }

  async openAnalyses(region: Region, limit: number): Promise<readonly StoredOperation[]> {
    return this.#all(
      `SELECT * FROM operations WHERE region = ? AND status = 'open' AND spool_key IS NOT NULL ORDER BY created_on LIMIT ?`,
      region,
      limit,
    ).map(operationOf);
  }

  async claimRerun(
    id: string,
    claim: { readonly generation: number; readonly by: string; readonly now: number; readonly milliseconds: number },
  ): Promise<boolean> {
    const changed = this.#run(
      `UPDATE operations SET claimed_by = ?, claimed_until = ? WHERE id = ? AND generation = ? AND status <> 'lost'
        AND (claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?)`,
      claim.by,
      claim.now + claim.milliseconds,
      id,
      claim.generation,
      claim.now,
      claim.now + claim.milliseconds,
    );
    return changed === 1;
  }

  async releaseRerun(id: string, claim: { readonly by: string }): Promise<void> {
    this.#run(
      'UPDATE operations SET claimed_by = NULL, claimed_until = NULL WHERE id = ? AND claimed_by = ?',
      id,
      claim.by,
    );
  }

  async moveOperation(
    id: string,
    expected: { readonly generation: number },
    to: { readonly region: Region; readonly regionOperationId: string; readonly regionModelId: ModelId | undefined },
  ): Promise<boolean> {
    const changed = this.#run(
      `UPDATE operations SET region = ?, region_operation_id = ?, region_model_id = ?, generation = generation + 1,
        claimed_by = NULL, claimed_until = NULL WHERE id = ? AND generation = ? AND status <> 'lost'`,
      to.region,
      to.regionOperationId,
      to.regionModelId ?? null,
      id,
      expected.generation,
    );
    return changed === 1;
  }

  async takeDisposable(before: {
    readonly deliveredOn: number;
    readonly createdOn: number;
    readonly limit: number;
  }): Promise<readonly SpooledDocument[]> {
    const rows = this.#all(
      `SELECT id, spool_key, spool_bytes FROM operations WHERE spool_key IS NOT NULL AND
        ((status <> 'open' AND ended_on < ?) OR created_on < ?) LIMIT ?`,
      before.deliveredOn,
      before.createdOn,
      before.limit,
    );
    const taken: SpooledDocument[] = [];
    for (const row of rows) {
      const document = documentOf(row);
      if (document === undefined) continue;
      const sql = 'UPDATE operations SET spool_key = NULL WHERE id = ? AND spool_key = ?';
      if (this.#run(sql, String(row.id), document.key) === 1) taken.push(document);
    }
    return taken;
  }

  async isSpooled(key: string): Promise<boolean> {
    return this.#get('SELECT 1 AS found FROM operations WHERE spool_key = ?', key) !== undefined;
  }

  async forgetOperations(createdBefore: number): Promise<number> {
    return this.#run('DELETE FROM operations WHERE created_on < ? AND spool_key IS NULL', createdBefore);
  }

  async countOpen(): Promise<number> {
    const sql = `SELECT count(*) AS n FROM operations WHERE status = 'open' AND spool_key IS NOT NULL`;
    return Number(this.#get(sql)?.n ?? 0);
  }

  async leadership(initial: { readonly region: Region; readonly now: number }): Promise<Leadership> {
    const known = this.#leadership();
    if (known !== undefined) return known;
    this.#run(
      `INSERT INTO leadership (one, epoch, region, since, moved_by, reason) VALUES (1, 1, ?, ?, 'start', 'first region')
        ON CONFLICT DO NOTHING`,
      initial.region,
      initial.now,
    );
    return this.#requiredLeadership();
  }

  async moveLeadership(
    expected: { readonly epoch: number },
    to: { readonly region: Region; readonly now: number; readonly by: string; readonly reason: string },
  ): Promise<Leadership | undefined> {
    const changed = this.#run(
      `UPDATE leadership SET epoch = epoch + 1, region = ?, drain_until = NULL, since = ?, moved_by = ?, reason = ? WHERE epoch = ?`,
      to.region,
      to.now,
      to.by,
      to.reason,
      expected.epoch,
    );
    return changed === 1 ? this.#requiredLeadership() : undefined;
  }

  async setMode(expected: { readonly epoch: number }, mode: Leadership['mode']): Promise<boolean> {
    const until = mode.kind === 'draining' ? mode.until : null;
    return this.#run('UPDATE leadership SET drain_until = ? WHERE epoch = ?', until, expected.epoch) === 1;
  }

  async beginWrite(
    epoch: number,
    write: { readonly region: Region; readonly kind: WriteKind; readonly now: number },
  ): Promise<WriteTicket | undefined> {
    // One statement, so that the epoch is compared and the write entered in one transaction.
    const row = this.#get(
      `INSERT INTO writes (epoch, region, kind, begun_on, problem) SELECT ?, ?, ?, ?, 'unfinished' FROM leadership
        WHERE epoch = ? AND region = ? AND (drain_until IS NULL OR drain_until <= ?) RETURNING id`,
      epoch,
      write.region,
      write.kind,
      write.now,
      epoch,
      write.region,
      write.now,
    );
    return row === undefined ? undefined : { id: Number(row.id), epoch };
  }

  async settleWrite(ticket: WriteTicket, outcome: 'done' | 'refused' | 'unknown'): Promise<boolean> {
    const isCurrent = this.#requiredLeadership().epoch === ticket.epoch;
    if (outcome === 'refused' || (outcome === 'done' && isCurrent)) {
      this.#run('DELETE FROM writes WHERE id = ?', ticket.id);
    } else {
      const problem = outcome === 'done' ? 'afterFailover' : 'unknownOutcome';
      this.#run('UPDATE writes SET problem = ? WHERE id = ?', problem, ticket.id);
    }
    return isCurrent;
  }

  async unsettledWrites(): Promise<readonly UnsettledWrite[]> {
    return this.#all('SELECT * FROM writes ORDER BY id').map((row) => ({
      id: Number(row.id),
      epoch: Number(row.epoch),
      region: required(parseRegion(String(row.region))),
      kind: String(row.kind) as WriteKind,
      begunOn: Number(row.begun_on),
      problem: String(row.problem) as UnsettledWrite['problem'],
    }));
  }

  async acknowledgeWrites(upToId: number): Promise<void> {
    this.#run('DELETE FROM writes WHERE id <= ?', upToId);
  }

  async putModelHome(modelId: ModelId, home: ModelHome): Promise<void> {
    this.#run(
      `INSERT INTO model_homes (model_id, region, is_deleted) VALUES (?, ?, ?)
        ON CONFLICT (model_id) DO UPDATE SET region = excluded.region, is_deleted = excluded.is_deleted`,
      modelId,
      home.status === 'made' ? home.region : null,
      home.status === 'deleted' ? 1 : 0,
    );
  }

  async modelHome(modelId: ModelId): Promise<ModelHome | undefined> {
    const row = this.#get('SELECT region, is_deleted FROM model_homes WHERE model_id = ?', modelId);
    if (row === undefined) return undefined;
    if (row.is_deleted === 1) return { status: 'deleted' };
    return { status: 'made', region: required(parseRegion(String(row.region))) };
  }

  async modelsMadeIn(region: Region): Promise<readonly ModelId[]> {
    const rows = this.#all('SELECT model_id FROM model_homes WHERE region = ? AND is_deleted = 0', region);
    return rows.map((row) => required(parseModelId(String(row.model_id))));
  }

  async isolations(): Promise<ReadonlyMap<Region, string>> {
    const rows = this.#all('SELECT region, reason FROM isolations');
    return new Map(rows.map((row) => [required(parseRegion(String(row.region))), String(row.reason)]));
  }

  async isolate(region: Region, reason: string): Promise<void> {
    this.#run(
      'INSERT INTO isolations (region, reason) VALUES (?, ?) ON CONFLICT (region) DO UPDATE SET reason = excluded.reason',
      region,
      reason,
    );
  }

  async release(region: Region): Promise<void> {
    this.#run('DELETE FROM isolations WHERE region = ?', region);
  }

  async audit(entry: AuditEntry): Promise<void> {
    this.#run(
      'INSERT INTO audit (at, by, event, details) VALUES (?, ?, ?, ?)',
      entry.on,
      entry.by,
      entry.event,
      JSON.stringify(entry.details),
    );
  }

  async auditLog(limit: number): Promise<readonly AuditEntry[]> {
    return this.#all('SELECT * FROM audit ORDER BY id DESC LIMIT ?', limit).map((row) => ({
      on: Number(row.at),
      by: String(row.by),
      event: String(row.event),
      details: JSON.parse(String(row.details)) as Readonly<Record<string, unknown>>,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#statements.clear();
    this.#db.close();
  }

  #leadership(): Leadership | undefined {
    const row = this.#get('SELECT * FROM leadership');
    if (row === undefined) return undefined;
    return {
      epoch: Number(row.epoch),
      region: required(parseRegion(String(row.region))),
      mode: row.drain_until === null ? { kind: 'open' } : { kind: 'draining', until: Number(row.drain_until) },
      since: Number(row.since),
      by: String(row.moved_by),
      reason: String(row.reason),
    };
  }

  #requiredLeadership(): Leadership {
    return required(this.#leadership());
  }

  #prepare(sql: string): ReturnType<DatabaseSync['prepare']> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#prepare(sql).all(...values);
  }
}

function operationOf(row: Row): StoredOperation {
  const stored = JSON.parse(String(row.work)) as
    | { kind: 'analyze'; target: AnalysisTarget; query: string; contentType: string }
    | { kind: 'copy'; modelId: ModelId };
  const work: OperationWork = stored.kind === 'analyze' ? { ...stored, document: documentOf(row) } : stored;
  return {
    id: required(parseOperationId(String(row.id))),
    version: required(v2.parseV2Version(String(row.version))),
    work,
    region: required(parseRegion(String(row.region))),
    regionOperationId: required(parseOperationId(String(row.region_operation_id))),
    regionModelId: row.region_model_id === null ? undefined : parseModelId(String(row.region_model_id)),
    generation: Number(row.generation),
    createdOn: Number(row.created_on),
    outcome: outcomeOf(row),
  };
}

function outcomeOf(row: Row): OperationOutcome {
  switch (row.status) {
    case 'delivered':
      return { status: 'delivered', deliveredOn: Number(row.ended_on) };
    case 'lost':
      return { status: 'lost', lostOn: Number(row.ended_on), message: String(row.message) };
    default:
      return { status: 'open' };
  }
}

function documentOf(row: Row): SpooledDocument | undefined {
  const key = row.spool_key === null ? undefined : parseSpoolKey(String(row.spool_key));
  return key === undefined ? undefined : { key, bytes: Number(row.spool_bytes) };
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined)
    throw new GatewayStoreError('the store of the gateway holds a row that this release cannot read');
  return value;
}
