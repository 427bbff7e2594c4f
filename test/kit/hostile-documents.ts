import { createHash } from 'node:crypto';

// Documents that nobody can read, made here so that what is wrong with them can be seen.

/** A PDF of one page with this text and a password that nobody gives. ISO 32000-1, 7.6.3: RC4 with 40 bits, the oldest scheme. */
export function encryptedPdf(text: string): Buffer {
  const id = md5('a document of these tests');
  const permissions = -4;
  const ownerEntry = rc4(md5(padded('the owner')).subarray(0, 5), padded('the user'));
  const permissionBytes = Buffer.alloc(4);
  permissionBytes.writeInt32LE(permissions);
  const key = md5(Buffer.concat([padded('the user'), ownerEntry, permissionBytes, id])).subarray(0, 5);
  const userEntry = rc4(key, PADDING);
  // The content stream is object 4, generation 0.
  const contentKey = md5(Buffer.concat([key, Buffer.from([4, 0, 0, 0, 0])])).subarray(0, 10);
  return pdf({
    content: rc4(contentKey, Buffer.from(contentOf(text))),
    extra: `<< /Filter /Standard /V 1 /R 2 /P ${permissions} /O <${ownerEntry.toString('hex')}> /U <${userEntry.toString('hex')}> >>`,
    trailer: `/Encrypt 6 0 R /ID [<${id.toString('hex')}> <${id.toString('hex')}>]`,
  });
}

/** A PDF of one page with this text, to be spoiled by the test. */
export function plainPdf(text: string): Buffer {
  return pdf({ content: Buffer.from(contentOf(text)), extra: '<< >>', trailer: '' });
}

/** A PNG that says how large it is and then holds nothing of it. */
export function emptyPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(25);
  header.writeUInt32BE(13, 0);
  header.write('IHDR', 4, 'latin1');
  header.writeUInt32BE(width, 8);
  header.writeUInt32BE(height, 12);
  header.set([8, 2, 0, 0, 0], 16);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), header]);
}

function contentOf(text: string): string {
  return `BT /F1 24 Tf 72 720 Td (${text}) Tj ET`;
}

function pdf(parts: { readonly content: Buffer; readonly extra: string; readonly trailer: string }): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    Buffer.concat([
      Buffer.from(`<< /Length ${parts.content.byteLength} >>\nstream\n`),
      parts.content,
      Buffer.from('\nendstream'),
    ]),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    parts.extra,
  ];
  const chunks: Buffer[] = [Buffer.from('%PDF-1.4\n')];
  const offsets: number[] = [];
  const length = (): number => chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  for (const [index, object] of objects.entries()) {
    offsets.push(length());
    chunks.push(Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n'));
  }
  const start = length();
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`);
  chunks.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows.join('')}` +
        `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${parts.trailer} >>\nstartxref\n${start}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(chunks);
}

/** Algorithm 2, step a: passwords are filled up with these. */
const PADDING = Buffer.from('28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a', 'hex');

function padded(password: string): Buffer {
  return Buffer.concat([Buffer.from(password, 'latin1'), PADDING]).subarray(0, 32);
}

function md5(content: Uint8Array | string): Buffer {
  return createHash('md5').update(content).digest();
}

/** Node's OpenSSL has put it away. */
function rc4(key: Uint8Array, content: Uint8Array): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const at = (index: number): number => state[index & 255] ?? 0;
  const swap = (a: number, b: number): void => {
    const kept = at(a);
    state[a & 255] = at(b);
    state[b & 255] = kept;
  };
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + at(i) + (key[i % key.length] ?? 0)) & 255;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return Buffer.from(content).map((byte) => {
    i = (i + 1) & 255;
    j = (j + at(i)) & 255;
    swap(i, j);
    return byte ^ at(at(i) + at(j));
  }) as Buffer;
}
