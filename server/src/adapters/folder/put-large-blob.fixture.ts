import { Readable } from 'node:stream';
import { FolderBlobs } from './folder-blobs.ts';

// Puts one large stream and tells its size and by how many bytes the memory of the process grew at most.

const [root = '', size = ''] = process.argv.slice(2);
const blobs = await FolderBlobs.open(root);
const chunk = 64 * 1024;

function* content() {
  for (let left = Number(size); left > 0; left -= chunk) yield Buffer.alloc(Math.min(chunk, left), left % 251);
}

const before = process.memoryUsage().rss;
let highest = before;
const timer = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage().rss);
}, 10);
const put = await blobs.put('documents/large', Readable.from(content(), { highWaterMark: 4 }));
clearInterval(timer);
process.send?.({ size: put.size, grownBytes: highest - before });
process.disconnect();
