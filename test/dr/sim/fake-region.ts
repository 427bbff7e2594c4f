import { createHash, createHmac } from 'node:crypto';
import {
  type ModelId,
  type OperationId,
  parseModelId,
  parseOperationId,
  parseRegion,
  parseResourceId,
  parseSha256,
  type Region,
  type ResourceId,
  ServiceError,
  type Sha256,
  v2,
} from '@formhaven/contract';
import type { Evidence, ModelRecord, PublicApi, ReplicationApi, Side } from '@formhaven/dr';
import type { Random } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

// A region as a rule book: what the public API promises, in memory, with a clock of its own. Copies are work of the region, which
// goes on whatever becomes of whoever asked for it, and rests while the region is down.

export interface FakeModel {
  readonly id: ModelId;
  status: 'creating' | 'ready';
  name: string | undefined;
  /** Stands for the bytes. */
  content: string;
  createdDateTime: string;
  lastUpdatedDateTime: string;
  componentIds: readonly ModelId[] | undefined;
  /** The bytes on the disk are not those of the digest any more. */
  isDamaged: boolean;
}

interface Authorization {
  readonly token: string;
  readonly expiresOn: number;
  used: boolean;
}

interface CopyOperation {
  readonly sourceId: ModelId;
  readonly request: Parameters<PublicApi['copy']>[1];
  readonly acceptedOn: number;
  status: v2.OperationStatus;
  error: string | undefined;
}

export interface Conditions {
  isUp: boolean;
  /** Requests that get 429. */
  throttledShare: number;
  /** Requests that never arrive. */
  lostShare: number;
  /** Requests that are carried out and whose answer is lost. */
  unansweredShare: number;
  /** Requests that arrive twice. */
  doubledShare: number;
  /** Copies from here that are accepted and never end. */
  stuckShare: number;
  /** Copies from here that say succeeded and copied nothing. */
  lyingShare: number;
  /** Copies from here that arrive with other content. */
  garbledShare: number;
  /** Copies into here fail. */
  isDiskFull: boolean;
  /** Authorizations given out here run out at once. */
  hasShortAuthorizations: boolean;
  /** Models whose copies from here always fail. */
  failing: ReadonlySet<ModelId>;
}

export const FINE: Conditions = {
  isUp: true,
  throttledShare: 0,
  lostShare: 0,
  unansweredShare: 0,
  doubledShare: 0,
  stuckShare: 0,
  lyingShare: 0,
  garbledShare: 0,
  isDiskFull: false,
  hasShortAuthorizations: false,
  failing: new Set(),
};

const COPY_PATIENCE_MILLISECONDS = 120_000;
const AUTHORIZATION_MILLISECONDS = 24 * 3_600_000;

export class FakeRegion {
  readonly name: string;
  readonly region: Region;
  readonly resourceId: ResourceId;
  readonly isFormhaven: boolean;
  conditions: Conditions = { ...FINE };
  models = new Map<ModelId, FakeModel>();
  instance: string;
  #sequence = 0;
  readonly #waiting = new Set<() => void>();
  readonly authorizations = new Map<ModelId, Authorization>();
  readonly #operations = new Map<OperationId, CopyOperation>();
  readonly #deleted = new Set<ModelId>();
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #peers: () => readonly FakeRegion[];
  /** Its own clock is this far off. */
  readonly #skew: number;
  /** Told before a model goes by a DELETE request. */
  onDelete: (model: FakeModel) => void = () => undefined;
  /** Requests by name, for tests that count. */
  readonly asked = new Map<string, number>();
  /** Told of each request when it arrives. */
  onRequest: (what: string) => void = () => undefined;

  constructor(options: {
    readonly name: string;
    readonly isFormhaven: boolean;
    readonly clock: VirtualClock;
    readonly random: Random;
    readonly peers: () => readonly FakeRegion[];
    readonly skew?: number;
  }) {
    this.name = options.name;
    this.region = parsed(parseRegion(options.name));
    this.resourceId = parsed(
      parseResourceId(
        `/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/${options.name}`,
      ),
    );
    this.isFormhaven = options.isFormhaven;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#peers = options.peers;
    this.#skew = options.skew ?? 0;
    this.instance = this.#random.guid();
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Whoever waits for a change hears of it. */
  #changed(): void {
    this.#sequence++;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  get #now(): number {
    return this.#clock.now() + this.#skew;
  }

  // ---- what people do

  train(name: string | undefined, componentIds?: readonly ModelId[]): FakeModel {
    const date = new Date(this.#now).toISOString().replace(/\.\d+Z/, 'Z');
    const model: FakeModel = {
      id: parsed(parseModelId(this.#random.guid())),
      status: 'ready',
      name,
      content: this.#random.hex(16),
      createdDateTime: date,
      lastUpdatedDateTime: date,
      componentIds,
      isDamaged: false,
    };
    this.models.set(model.id, model);
    this.#changed();
    return model;
  }

  remove(id: ModelId): void {
    const model = this.models.get(id);
    if (model === undefined) return;
    this.models.delete(id);
    this.authorizations.delete(id);
    if (model.status === 'ready') this.#deleted.add(id);
    this.#changed();
  }

  /** Content that is here already, without anybody having copied it. */
  hold(model: FakeModel): FakeModel {
    const held = { ...this.train(model.name), content: model.content };
    held.createdDateTime = model.createdDateTime;
    held.lastUpdatedDateTime = model.lastUpdatedDateTime;
    this.models.set(held.id, held);
    return held;
  }

  /** Everything is gone, what was deleted before included; the region comes up empty. */
  loseDisk(): void {
    this.models = new Map();
    this.authorizations.clear();
    this.#operations.clear();
    this.#deleted.clear();
    this.instance = this.#random.guid();
    this.#sequence = 0;
  }

  readyModels(): readonly FakeModel[] {
    return [...this.models.values()].filter(({ status }) => status === 'ready');
  }

  // ---- the side, as a process sees it

  side(owner: string, limits: Side['limits']): Side {
    const { name, region, resourceId } = this;
    const api = this.#publicApi(owner);
    const replication = this.isFormhaven ? this.#replicationApi(owner) : undefined;
    return { name, region, resourceId, version: 'v2.1', limits, api, replication };
  }

  /** Every request takes time, and may meet what the conditions hold. */
  async #request<Value>(
    owner: string,
    what: string,
    options: { readonly signal?: AbortSignal | undefined } | undefined,
    run: () => Value,
  ): Promise<Value> {
    this.asked.set(what, (this.asked.get(what) ?? 0) + 1);
    this.onRequest(what);
    const clock = this.#clock.of(owner);
    const random = this.#random;
    const latency = (): number => random.between(2, 40);
    await clock.sleep(latency(), options?.signal);
    const { conditions } = this;
    if (!conditions.isUp || random.chance(conditions.lostShare)) {
      await clock.sleep(random.chance(0.2) ? 60_000 : latency(), options?.signal);
      throw new v2.RequestFailure('unreachable', `${what} to ${this.name} could not be sent`);
    }
    if (random.chance(conditions.throttledShare)) {
      const seconds = random.between(1, 30);
      throw new ServiceError('429', { retryAfterSeconds: seconds, values: { seconds } });
    }
    const value = run();
    if (random.chance(conditions.doubledShare)) {
      try {
        run();
      } catch {
        // The second of two equal requests may well be refused; nobody hears of it.
      }
    }
    if (random.chance(conditions.unansweredShare)) {
      await clock.sleep(random.chance(0.2) ? 60_000 : latency(), options?.signal);
      throw new v2.RequestFailure('timeout', `${what} to ${this.name} had no answer`);
    }
    await clock.sleep(latency(), options?.signal);
    return value;
  }

  #publicApi(owner: string): PublicApi {
    return {
      listModelsPage: (_nextLink, options) =>
        this.#request(owner, 'list', options, () => ({
          modelList: [...this.models.values()].map((model) => this.#info(model)),
          nextLink: '',
        })),
      getModel: (id, options) => this.#request(owner, 'get', options, () => this.#present(this.#existing(id))),
      authorizeCopy: (options) => this.#request(owner, 'authorize', options, () => this.#authorize()),
      copy: (id, request, options) => this.#request(owner, 'copy', options, () => this.#accept(id, request)),
      getCopyResult: (_id, resultId, options) =>
        this.#request(owner, 'result', options, () => this.#copyResult(resultId)),
      deleteModel: (id, options) =>
        this.#request(owner, 'delete', options, () => {
          const model = this.#existing(id);
          this.onDelete(model);
          this.remove(model.id);
        }),
      analyze: (id, _document, options) =>
        this.#request(owner, 'analyze', options, () => {
          const model = this.models.get(parsed(parseModelId(id)));
          if (model?.status !== 'ready') throw new ServiceError('1001', { values: { modelId: id } });
          return { resultId: parsed(parseOperationId(this.#random.guid())), location: '' };
        }),
      getAnalyzeResult: (id, _resultId, options) =>
        this.#request(owner, 'analysis', options, () => {
          const { content, isDamaged } = this.#existing(id);
          const text = isDamaged ? `not ${content}` : content;
          return {
            status: 'succeeded',
            createdDateTime: '',
            lastUpdatedDateTime: '',
            analyzeResult: {
              version: '2.1.0',
              readResults: [],
              documentResults: [{ docType: 'custom', pageRange: [1, 1], fields: { Total: { type: 'string', text } } }],
            },
          };
        }),
    };
  }

  #replicationApi(owner: string): ReplicationApi {
    const region = this;
    const evidence = <Value>(id: ModelId, give: (model: FakeModel) => Value): Evidence<Value> => {
      const model = this.models.get(id);
      if (model?.status !== 'ready') return { outcome: 'gone' };
      if (model.isDamaged) return { outcome: 'damaged', message: 'a part is damaged' };
      return { outcome: 'given', value: give(model) };
    };
    return {
      position: (options) =>
        this.#request(owner, 'position', options, () => ({ instance: this.instance, last: this.sequence })),
      waitForChange: async (position, options) => {
        const clock = this.#clock.of(owner);
        const look = () =>
          this.#request(owner, 'changes', options, () => ({
            instance: this.instance,
            last: this.sequence,
            isReset: position.instance !== this.instance || position.last > this.sequence,
          }));
        const first = await look();
        if (first.isReset || first.last > position.last) return first;
        const ended = new AbortController();
        const wake = (): void => this.#clock.at(owner, 50, () => ended.abort());
        this.#waiting.add(wake);
        try {
          await clock.sleep(options.waitSeconds * 1000, AbortSignal.any([ended.signal, options.signal]));
        } catch {
          options.signal.throwIfAborted();
        } finally {
          this.#waiting.delete(wake);
        }
        return await look();
      },
      async *listRecords(options) {
        yield* await region.#request(owner, 'records', options, () =>
          region.readyModels().map(
            (model): ModelRecord => ({
              modelId: model.id,
              digest: digestOf(model),
              name: model.name,
              createdDateTime: model.createdDateTime,
              lastUpdatedDateTime: model.lastUpdatedDateTime,
              isComposed: model.componentIds !== undefined,
            }),
          ),
        );
      },
      whereabouts: (id, options) =>
        this.#request(owner, 'whereabouts', options, () => {
          const model = this.models.get(id);
          if (model !== undefined) return model.status === 'ready' ? 'ready' : 'unready';
          return this.#deleted.has(id) ? 'deleted' : 'unknown';
        }),
      prove: (id, options) =>
        this.#request(owner, 'prove', options, () =>
          evidence(id, (model) => ({
            digest: digestOf(model),
            proof: sha(createHmac('sha256', options.nonce).update(model.content).digest('hex')),
          })),
        ),
      runCanary: (id, options) =>
        this.#request(owner, 'canary', options, () =>
          evidence(id, ({ content }) => {
            const findings = [{ name: 'sample', found: { '0/Total': content } }];
            return { found: findings, expected: findings };
          }),
        ),
    };
  }

  #existing(id: string): FakeModel {
    const model = this.models.get(parsed(parseModelId(id)));
    if (model === undefined) throw new ServiceError('1022', { values: { modelId: id } });
    return model;
  }

  #info(model: FakeModel): v2.ModelInfo {
    const { id: modelId, status, createdDateTime, lastUpdatedDateTime, name, componentIds } = model;
    return {
      modelId,
      status,
      createdDateTime,
      lastUpdatedDateTime,
      ...(name === undefined ? {} : { modelName: name }),
      ...(status === 'ready' ? { attributes: { isComposed: componentIds !== undefined } } : {}),
    };
  }

  #present(model: FakeModel): v2.Model {
    const modelInfo = this.#info(model);
    if (model.status === 'creating') return { modelInfo };
    const trainResult = { trainingDocuments: [], fields: [], errors: [] };
    return model.componentIds === undefined
      ? { modelInfo, trainResult }
      : { modelInfo, composedTrainResults: model.componentIds.map((modelId) => ({ ...trainResult, modelId })) };
  }

  // ---- copy, this region being the target

  #authorize(): v2.GrantedCopy {
    const model = this.train(undefined);
    model.status = 'creating';
    const token = this.#random.guid();
    const life = this.conditions.hasShortAuthorizations ? -1000 : AUTHORIZATION_MILLISECONDS;
    const expiresOn = this.#now + life;
    this.authorizations.set(model.id, { token, expiresOn, used: false });
    return {
      authorization: {
        modelId: model.id,
        accessToken: token,
        expirationDateTimeTicks: Math.floor(expiresOn / 1000),
      },
      location: '',
    };
  }

  /** One step: the model is there whole, or not at all. Returns why not. */
  receive(request: CopyOperation['request'], source: FakeModel, content: string): string | undefined {
    const id = parsed(parseModelId(request.copyAuthorization.modelId));
    const authorization = this.authorizations.get(id);
    const model = this.models.get(id);
    if (authorization === undefined || model === undefined || authorization.used) {
      return 'Could not retrieve authorization metadata.';
    }
    if (authorization.token !== request.copyAuthorization.accessToken) {
      return 'Authorization failure due to missing or invalid authorization claims.';
    }
    if (authorization.expiresOn < this.#now) return 'Could not retrieve authorization metadata.';
    if (this.conditions.isDiskFull) {
      // The cloud uses an authorization up by a failure too.
      if (!this.isFormhaven) authorization.used = true;
      return 'No space is left at the target.';
    }
    authorization.used = true;
    Object.assign(model, {
      status: 'ready',
      name: source.name,
      content,
      createdDateTime: source.createdDateTime,
      lastUpdatedDateTime: source.lastUpdatedDateTime,
      componentIds: source.componentIds,
    });
    this.#changed();
    return undefined;
  }

  // ---- copy, this region being the source

  #accept(id: string, request: CopyOperation['request']): v2.AcceptedOperation {
    const model = this.#existing(id);
    // By this region's clock; our own regions grant five minutes.
    const expiresOn = request.copyAuthorization.expirationDateTimeTicks * 1000;
    if (this.isFormhaven && expiresOn + 5 * 60_000 < this.#now) {
      throw new ServiceError('1002', { message: 'The copy authorization has expired.' });
    }
    const resultId = parsed(parseOperationId(this.#random.guid()));
    const operation: CopyOperation = {
      sourceId: model.id,
      request,
      acceptedOn: this.#clock.now(),
      status: 'notStarted',
      error: undefined,
    };
    this.#operations.set(resultId, operation);
    if (!this.#random.chance(this.conditions.stuckShare)) {
      this.#clock.at('world', this.#random.between(5, 3000), () => this.#work(operation));
    }
    return { resultId, location: '' };
  }

  #work(operation: CopyOperation): void {
    const { conditions } = this;
    const again = (): void => this.#clock.at('world', 1000, () => this.#work(operation));
    if (!conditions.isUp) {
      again();
      return;
    }
    const model = this.models.get(operation.sourceId);
    const target = this.#peers().find(({ region }) => region === operation.request.targetResourceRegion);
    const fail = (error: string): void => {
      operation.status = 'failed';
      operation.error = error;
    };
    if (model === undefined || target === undefined) {
      fail('the model is gone');
      return;
    }
    if (conditions.failing.has(model.id)) {
      fail('An error occurred during model copy.');
      return;
    }
    operation.status = 'running';
    if (!target.conditions.isUp) {
      if (this.#clock.now() - operation.acceptedOn > COPY_PATIENCE_MILLISECONDS) fail('the target does not answer');
      else again();
      return;
    }
    if (this.#random.chance(conditions.lyingShare)) {
      operation.status = 'succeeded';
      return;
    }
    const content = this.#random.chance(conditions.garbledShare) ? `${model.content}!` : model.content;
    const error = target.receive(operation.request, model, content);
    if (error === undefined) operation.status = 'succeeded';
    else fail(error);
  }

  #copyResult(resultId: string): v2.CopyOperationResult {
    const operation = this.#operations.get(parsed(parseOperationId(resultId)));
    if (operation === undefined) throw new ServiceError('404');
    const date = new Date(this.#now).toISOString();
    return {
      status: operation.status,
      createdDateTime: date,
      lastUpdatedDateTime: date,
      copyResult: {
        modelId: operation.request.copyAuthorization.modelId,
        ...(operation.error === undefined ? {} : { errors: [{ code: '2024', message: operation.error }] }),
      },
    };
  }
}

function digestOf(model: FakeModel): Sha256 {
  return sha(createHash('sha256').update(model.content).digest('hex'));
}

function sha(text: string): Sha256 {
  return parsed(parseSha256(text));
}

function parsed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new TypeError('it is made to be parsed');
  return value;
}
