import type { LookupFunction } from 'node:net';
import type { OutboundPolicy, SourceFile, TrainingSources } from '../../ports/sources.ts';
import { listContainer } from './container-source.ts';
import { isFolderSource, listFolder } from './folder-source.ts';
import { type GuardedAgents, guardedAgents } from './guarded-agents.ts';

/** Containers of Azure Blob Storage by SAS URL, and local folders by path or `file:` URL. */
export class OutboundTrainingSources implements TrainingSources {
  readonly #policy: OutboundPolicy;
  readonly #agents: GuardedAgents;

  constructor(policy: OutboundPolicy, lookup?: LookupFunction) {
    this.#policy = policy;
    this.#agents = guardedAgents(policy, lookup);
  }

  async list(
    source: string,
    filter: { readonly prefix: string; readonly includeSubFolders: boolean },
    signal: AbortSignal,
  ): Promise<readonly SourceFile[]> {
    signal.throwIfAborted();
    return isFolderSource(source)
      ? listFolder(source, filter, { roots: this.#policy.trainingRoots, signal })
      : listContainer(source, filter, { policy: this.#policy, agents: this.#agents, signal });
  }
}
