import { acquireFolderLock } from './lock.ts';

// Takes the lock of a folder, says so, and keeps it for as long as it lives.

const [folder = ''] = process.argv.slice(2);
const lock = await acquireFolderLock(folder, { what: 'the first region' });
process.send?.('held');
setInterval(() => lock, 60_000);
