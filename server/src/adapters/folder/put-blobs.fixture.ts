import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { FolderBlobs } from './folder-blobs.ts';

// Puts blobs named after their content without end, others in place of older ones, and tells the key of each named one that was
// acknowledged.

const [root = ''] = process.argv.slice(2);
const blobs = await FolderBlobs.open(root);

async function putForever(writer: number): Promise<never> {
  for (let count = 0; ; count += 1) {
    const bytes = randomBytes(200_000);
    const hash = createHash('sha256').update(bytes).digest();
    const key = `parts/${hash.toString('hex')}`;
    await blobs.put(key, count % 2 === 0 ? bytes : Readable.from([bytes.subarray(0, 99_999), bytes.subarray(99_999)]));
    process.send?.(key);
    await blobs.put(`documents/replaced-${writer}`, Buffer.concat([hash, bytes]));
  }
}

await Promise.all([1, 2, 3].map(putForever));
