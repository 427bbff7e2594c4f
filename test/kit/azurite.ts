import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';

// Azure Blob Storage for tests: Azurite as a process of its own on a free port, in memory. Regions reach it only where
// FORMHAVEN_ALLOW_PRIVATE_ADDRESSES is true.

const BIN = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
const STARTED = /successfully listens on (http:\/\/\S+)/;

// The account every Azurite has; its key is printed in Azurite's manual.
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const HOUR = 3_600_000;

export interface Sas {
  /** `rl` (read and list) is what training takes. */
  readonly permissions?: string;
  readonly expiresOn?: Date;
}

export interface TestContainer {
  readonly url: string;
  /** URL of the container with a SAS. */
  sasUrl(sas?: Sas): string;
  /** URL of one blob with a SAS that permits reading. */
  blobSasUrl(name: string): string;
  upload(name: string, content: Uint8Array | string): Promise<void>;
}

export interface TestStorage extends AsyncDisposable {
  /** A new container with the files of a folder, under `prefix` where there is one. */
  container(folder?: string, options?: { readonly prefix?: string }): Promise<TestContainer>;
}

export async function startAzurite(): Promise<TestStorage> {
  const args = ['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const child = spawn(process.execPath, [BIN, ...args, '--blobHost', '127.0.0.1', '--blobPort', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const started = Promise.withResolvers<string>();
  child.on('error', started.reject);
  child.on('exit', () => started.reject(new Error(`Azurite did not start:\n${output}`)));
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const url = STARTED.exec(output)?.[1];
      if (url !== undefined) started.resolve(url);
    });
  }
  const credential = new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY);
  const service = new BlobServiceClient(`${await started.promise}/${ACCOUNT}`, credential);
  return {
    async container(folder, options = {}) {
      const client = service.getContainerClient(`forms-${randomUUID()}`);
      await client.create();
      const query = (sas: Sas, blobName?: string): string =>
        generateBlobSASQueryParameters(
          {
            containerName: client.containerName,
            ...(blobName === undefined ? {} : { blobName }),
            permissions: ContainerSASPermissions.parse(sas.permissions ?? 'rl'),
            expiresOn: sas.expiresOn ?? new Date(Date.now() + HOUR),
          },
          credential,
        ).toString();
      const container: TestContainer = {
        url: client.url,
        sasUrl: (sas = {}) => `${client.url}?${query(sas)}`,
        blobSasUrl: (name) => `${client.getBlobClient(name).url}?${query({ permissions: 'r' }, name)}`,
        async upload(name, content) {
          const bytes = Buffer.from(content);
          await client.getBlockBlobClient(name).upload(bytes, bytes.byteLength);
        },
      };
      if (folder !== undefined) {
        const entries = await readdir(folder, { withFileTypes: true, recursive: true });
        for (const entry of entries.filter((candidate) => candidate.isFile())) {
          const path = join(entry.parentPath, entry.name);
          const name = path.slice(folder.length + 1).replaceAll('\\', '/');
          await client.getBlockBlobClient(`${options.prefix ?? ''}${name}`).uploadFile(path);
        }
      }
      return container;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
