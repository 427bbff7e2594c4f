import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { parseSha256, type Sha256 } from '@formhaven/contract';
import type { RegionName } from '../config/config.ts';
import { type AuditEntry, type AuditEvent, CHAIN_START, chainEntry } from './audit-chain.ts';
import {
  type Alias,
  type KnownRegion,
  keyText,
  type Leftover,
  type Miss,
  type Replica,
  type ReplicaKey,
  type State,
  type StateWriting,
  type Tombstone,
} from './state.ts';

// Rows are JSON beside the columns they are looked up by: one program reads and writes them, and few enough to read all.

const SCHEMA_VERSION = 1;
const BUSY_MILLISECONDS = 10_000;

const SCHEMA = `
  create table replicas (key text primary key, source text not null, target text not null, row text not null) strict;
  create index replicas_pair on replicas (source, target);
  create table leftovers (region text not null, model_id text not null, row text not null, primary key (region, model_id)) strict;
  create table tombstones (number integer primary key autoincrement, key text not null unique, row text not null) strict;
  create table regions (name text primary key, row text not null) strict;
  create table aliases (name text primary key, row text not null) strict;
  create table misses (policy text not null, target text not null, row text not null, primary key (policy, target)) strict;
  create table audit (sequence integer primary key, event text not null, on_time integer not null, details text not null,
    previous text not null, hash text not null) strict;
  create trigger audit_is_appended_to_only before update on audit begin select raise(abort, 'the audit log is append-only'); end;
  create trigger audit_keeps_everything before delete on audit begin select raise(abort, 'the audit log is append-only'); end;
`;

export class StateOpenError extends Error {
  override readonly name = 'StateOpenError';
}

/** Opens the file, making it where there is none; `:memory:` for a state of its own. @throws StateOpenError */
export function openSqliteState(file: string): State {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file);
    db.exec(`pragma busy_timeout = ${BUSY_MILLISECONDS}; pragma journal_mode = wal;`);
    migrate(db, file);
  } catch (cause) {
    if (cause instanceof StateOpenError) throw cause;
    throw new StateOpenError(`${file} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  return new SqliteState(db);
}

function migrate(db: DatabaseSync, file: string): void {
  db.exec('begin immediate');
  const version = Number(db.prepare('pragma user_version').get()?.user_version ?? 0);
  if (version > SCHEMA_VERSION) {
    db.exec('rollback');
    throw new StateOpenError(`${file} was written by a later release (version ${version}). Use that one.`);
  }
  if (version === 0) db.exec(`${SCHEMA} pragma user_version = ${SCHEMA_VERSION};`);
  db.exec('commit');
}

class SqliteState implements State {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  readonly #writing: StateWriting;
  #isDurable: boolean | undefined;
  /** Every replica, so that a round of thousands does not parse them all again; read anew when another process wrote. */
  #replicas: Map<string, Replica> | undefined;
  #dataVersion: number | undefined;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#writing = this.#makeWriting();
  }

  transact<Value>(options: { readonly durable: boolean }, change: (writing: StateWriting) => Value): Value {
    if (options.durable !== this.#isDurable) {
      this.#db.exec(`pragma synchronous = ${options.durable ? 'full' : 'normal'}`);
      this.#isDurable = options.durable;
    }
    this.#db.exec('begin immediate');
    try {
      const value = change(this.#writing);
      this.#db.exec('commit');
      return value;
    } catch (error) {
      this.#db.exec('rollback');
      this.#replicas = undefined;
      throw error;
    }
  }

  replicas(pair?: { readonly from: RegionName; readonly to: RegionName }): readonly Replica[] {
    const all = [...this.#known().values()];
    return pair === undefined ? all : all.filter(({ from, to }) => from === pair.from && to === pair.to);
  }

  replica(key: ReplicaKey): Replica | undefined {
    return this.#known().get(keyText(key));
  }

  leftovers(): readonly Leftover[] {
    return this.#rows<Leftover>('select row from leftovers order by region, model_id');
  }

  tombstones(): readonly Tombstone[] {
    return this.#all('select number, row from tombstones order by number').map((row) => ({
      ...parseRow<Omit<Tombstone, 'order'>>(row.row),
      order: Number(row.number),
    }));
  }

  knownRegion(name: RegionName): KnownRegion | undefined {
    return this.#rows<KnownRegion>('select row from regions where name = ?', name)[0];
  }

  aliases(): readonly Alias[] {
    return this.#rows<Alias>('select row from aliases order by name');
  }

  alias(name: string): Alias | undefined {
    return this.#rows<Alias>('select row from aliases where name = ?', name)[0];
  }

  misses(): readonly Miss[] {
    return this.#rows<Miss>('select row from misses order by policy, target');
  }

  *audit(): Generator<AuditEntry> {
    for (const row of this.#statement('select * from audit order by sequence').iterate()) yield readEntry(row);
  }

  auditHead(): { readonly sequence: number; readonly hash: Sha256 } | undefined {
    const [row] = this.#all('select sequence, hash from audit order by sequence desc limit 1');
    return row === undefined ? undefined : { sequence: Number(row.sequence), hash: hash(row.hash) };
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #makeWriting(): StateWriting {
    return {
      putReplica: (replica) => {
        this.#run(
          'insert into replicas values (?, ?, ?, ?) on conflict (key) do update set row = excluded.row',
          keyText(replica),
          replica.from,
          replica.to,
          JSON.stringify(replica),
        );
        this.#replicas?.set(keyText(replica), replica);
      },
      removeReplica: (key) => {
        this.#run('delete from replicas where key = ?', keyText(key));
        this.#replicas?.delete(keyText(key));
      },
      putLeftover: (leftover) =>
        this.#run(
          'insert into leftovers values (?, ?, ?) on conflict (region, model_id) do update set row = excluded.row',
          leftover.region,
          leftover.modelId,
          JSON.stringify(leftover),
        ),
      removeLeftover: ({ region, modelId }) =>
        this.#run('delete from leftovers where region = ? and model_id = ?', region, modelId),
      bury: (tombstone) =>
        this.#run(
          'insert into tombstones (key, row) values (?, ?) on conflict (key) do update set row = excluded.row',
          keyText(tombstone),
          JSON.stringify(tombstone),
        ),
      unbury: (key) => this.#run('delete from tombstones where key = ?', keyText(key)),
      putKnownRegion: (known) =>
        this.#run(
          'insert into regions values (?, ?) on conflict (name) do update set row = excluded.row',
          known.region,
          JSON.stringify(known),
        ),
      putAlias: (alias) =>
        this.#run(
          'insert into aliases values (?, ?) on conflict (name) do update set row = excluded.row',
          alias.name,
          JSON.stringify(alias),
        ),
      removeAlias: (name) => this.#run('delete from aliases where name = ?', name),
      putMiss: (miss) =>
        this.#run(
          'insert into misses values (?, ?, ?) on conflict (policy, target) do update set row = excluded.row',
          miss.policy,
          miss.to,
          JSON.stringify(miss),
        ),
      removeMiss: ({ policy, to }) => this.#run('delete from misses where policy = ? and target = ?', policy, to),
      record: (event: AuditEvent) => {
        const entry = chainEntry(event, this.auditHead() ?? { sequence: 0, hash: CHAIN_START });
        this.#run(
          'insert into audit values (?, ?, ?, ?, ?, ?)',
          entry.sequence,
          entry.event,
          entry.on,
          JSON.stringify(entry.details),
          entry.previous,
          entry.hash,
        );
      },
    };
  }

  #known(): ReadonlyMap<string, Replica> {
    // Changes when another connection has committed, never by our own writes.
    const version = Number(this.#statement('pragma data_version').get()?.data_version);
    if (this.#replicas === undefined || version !== this.#dataVersion) {
      const rows = this.#rows<Replica>('select row from replicas order by key');
      this.#replicas = new Map(rows.map((replica) => [keyText(replica), replica]));
      this.#dataVersion = version;
    }
    return this.#replicas;
  }

  #statement(sql: string): ReturnType<DatabaseSync['prepare']> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#statement(sql).run(...values);
  }

  #all(sql: string, ...values: string[]): Record<string, SQLOutputValue>[] {
    return this.#statement(sql).all(...values);
  }

  #rows<Row>(sql: string, ...values: string[]): readonly Row[] {
    return this.#all(sql, ...values).map((row) => parseRow<Row>(row.row));
  }
}

function parseRow<Row>(text: SQLOutputValue | undefined): Row {
  return JSON.parse(String(text)) as Row;
}

function readEntry(row: Record<string, SQLOutputValue>): AuditEntry {
  return {
    sequence: Number(row.sequence),
    event: String(row.event) as AuditEntry['event'],
    on: Number(row.on_time),
    details: JSON.parse(String(row.details)) as AuditEntry['details'],
    previous: hash(row.previous),
    hash: hash(row.hash),
  };
}

/** A hash that is none was tampered with; verification has to be able to say so. */
function hash(value: SQLOutputValue | undefined): Sha256 {
  return parseSha256(String(value)) ?? (String(value) as Sha256);
}
