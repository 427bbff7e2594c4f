import { isRestError, type RestError } from '@azure/core-rest-pipeline';
import {
  AnonymousCredential,
  type BlobItem,
  ContainerClient,
  newPipeline,
  StorageRetryPolicyType,
} from '@azure/storage-blob';
import { type OutboundPolicy, SourceError, type SourceFile } from '../../ports/sources.ts';
import { asFolder, byName } from './directly-under.ts';
import { AddressNotAllowed, type GuardedAgents } from './guarded-agents.ts';
import { guardedHttpClient } from './guarded-http-client.ts';
import { parseOutboundUrl, withoutQuery } from './outbound-url.ts';
import { readLimited, tooLarge } from './read-limited.ts';

const BLOBS_PER_PAGE = 500;
/** Far beyond any training set; without it a listing that never ends would fill the memory. */
const MAX_BLOBS = 100_000;
const READ_MILLISECONDS = 120_000;

/** Files of an Azure Blob container, by a URL with a SAS that permits list and read. @throws SourceError */
export async function listContainer(
  source: string,
  filter: { readonly prefix: string; readonly includeSubFolders: boolean },
  parts: { readonly policy: OutboundPolicy; readonly agents: GuardedAgents; readonly signal: AbortSignal },
): Promise<readonly SourceFile[]> {
  const url = parseOutboundUrl(source, parts.policy);
  const container = openContainer(url, parts.agents);
  const files: SourceFile[] = [];
  const take = (blob: BlobItem): void => {
    if (files.length >= MAX_BLOBS) {
      throw new SourceError('tooLarge', `${withoutQuery(url)} holds more than ${MAX_BLOBS} blobs. Narrow the prefix.`);
    }
    // Names that end in a slash stand for folders.
    if (!blob.name.endsWith('/')) files.push(blobFile(container, blob, url, parts.signal));
  };
  try {
    if (filter.includeSubFolders) {
      const pages = container.listBlobsFlat({ prefix: filter.prefix, abortSignal: parts.signal });
      for await (const page of pages.byPage({ maxPageSize: BLOBS_PER_PAGE })) page.segment.blobItems.forEach(take);
    } else {
      const folders = await listDirectly(container, filter.prefix, parts.signal, take);
      const folder = asFolder(filter.prefix);
      if (files.length === 0 && folder !== undefined && folders.has(folder)) {
        await listDirectly(container, folder, parts.signal, take);
      }
    }
  } catch (error) {
    throw asSourceError(error, `list ${withoutQuery(url)}`, parts.signal);
  }
  return files.sort(byName);
}

/** Returns the folders seen beside the blobs. */
async function listDirectly(
  container: ContainerClient,
  prefix: string,
  signal: AbortSignal,
  take: (blob: BlobItem) => void,
): Promise<ReadonlySet<string>> {
  const folders = new Set<string>();
  const pages = container.listBlobsByHierarchy('/', { prefix, abortSignal: signal });
  for await (const page of pages.byPage({ maxPageSize: BLOBS_PER_PAGE })) {
    page.segment.blobItems.forEach(take);
    for (const folder of page.segment.blobPrefixes ?? []) folders.add(folder.name);
  }
  return folders;
}

function openContainer(url: URL, agents: GuardedAgents): ContainerClient {
  // `https://ACCOUNT.blob.core.windows.net/CONTAINER`, or with the account first in the path, as emulators have it.
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  if (segments.length < 1 || segments.length > 2) {
    throw new SourceError('malformed', 'The source must be the URL of a container.');
  }
  const pipeline = newPipeline(new AnonymousCredential(), {
    httpClient: guardedHttpClient(agents),
    // Three retries, after 0, 0.5 and 1.5 seconds: a hiccup is bridged, a dead end is told while somebody waits.
    retryOptions: {
      retryPolicyType: StorageRetryPolicyType.EXPONENTIAL,
      maxTries: 4,
      retryDelayInMs: 500,
      maxRetryDelayInMs: 1500,
    },
  });
  try {
    return new ContainerClient(url.href, pipeline);
  } catch {
    // The cause would carry the URL with its SAS.
    throw new SourceError('malformed', 'The source must be the URL of a container.');
  }
}

function blobFile(container: ContainerClient, blob: BlobItem, url: URL, signal: AbortSignal): SourceFile {
  const { name } = blob;
  return {
    name,
    size: blob.properties.contentLength ?? 0,
    async read(maxBytes) {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(READ_MILLISECONDS)]);
      try {
        const response = await container
          .getBlobClient(name)
          .download(0, undefined, { abortSignal: limited, maxRetryRequests: 2 });
        const stream = response.readableStreamBody;
        if (stream === undefined) throw new SourceError('unreachable', `${name} came without content.`);
        if ((response.contentLength ?? 0) > maxBytes) {
          (stream as { destroy?: () => void }).destroy?.();
          throw tooLarge(name, maxBytes);
        }
        return await readLimited(stream, maxBytes, name);
      } catch (error) {
        throw asSourceError(error, `read ${name} from ${withoutQuery(url)}`, signal);
      }
    },
  };
}

/** The caller's own abort comes back as what it aborted with. */
function asSourceError(error: unknown, doing: string, signal: AbortSignal): unknown {
  if (error instanceof SourceError) return error;
  if (signal.aborted) return signal.reason;
  if (error instanceof AddressNotAllowed) {
    return new SourceError('notAllowed', `Not allowed to ${doing}: ${error.message}.`);
  }
  if (isRestError(error) && error.statusCode !== undefined && error.statusCode < 500 && error.statusCode !== 429) {
    const reason = storageCode(error);
    return new SourceError(
      'refused',
      `Could not ${doing}: the storage answered ${error.statusCode}${reason === undefined ? '' : ` (${reason})`}. ` +
        'Check that the SAS has not expired and permits list and read.',
      { cause: described(error) },
    );
  }
  return new SourceError('unreachable', `Could not ${doing}: the storage did not answer as one.`, {
    cause: described(error),
  });
}

/** Such as `AuthorizationFailure`. */
function storageCode(error: RestError): string | undefined {
  return error.code !== undefined && /^[A-Za-z0-9_]{1,100}$/.test(error.code) ? error.code : undefined;
}

/** What may be logged of an error: the original holds the request, and with it the SAS. */
function described(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('not an error');
  const code = 'code' in error ? String(error.code) : 'no code';
  const text = error.message.split('\n')[0] ?? '';
  return new Error(`${error.name} (${code}): ${text.replaceAll(/\?[^\s"']*/g, '?…')}`);
}
