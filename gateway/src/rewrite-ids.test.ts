import { Readable } from 'node:stream';
import { type ModelId, parseModelId } from '@formhaven/contract';
import { expect, test } from 'vitest';
import { rewriteIds, rewritingStream } from './rewrite-ids.ts';

const REGION = '22222222-2222-4222-8222-222222222222';
const CLIENT = '11111111-1111-4111-8111-111111111111';
const clientId = parseModelId(CLIENT);

function toClientId(id: ModelId): ModelId {
  return id === REGION && clientId !== undefined ? clientId : id;
}

const ANSWER = JSON.stringify({
  modelInfo: { modelId: REGION },
  analyzeResult: {
    documentResults: [
      { docType: `custom:${REGION}`, modelId: REGION, fields: { Text: { text: `"modelId":"${REGION}"` } } },
    ],
    readResults: [{ lines: [{ text: `custom:${REGION} é 한국어` }] }],
  },
});

test('ids are mapped where they name a model, and left alone in what a document says', () => {
  const mapped: unknown = JSON.parse(rewriteIds(Buffer.from(ANSWER), toClientId).toString('utf8'));
  expect(mapped).toEqual({
    modelInfo: { modelId: CLIENT },
    analyzeResult: {
      documentResults: [
        { docType: `custom:${CLIENT}`, modelId: CLIENT, fields: { Text: { text: `"modelId":"${REGION}"` } } },
      ],
      readResults: [{ lines: [{ text: `custom:${REGION} é 한국어` }] }],
    },
  });
});

test('a stream is mapped alike, wherever it is cut', async () => {
  const whole = Buffer.from(ANSWER);
  const expected = rewriteIds(whole, toClientId);
  for (const piece of [1, 2, 7, 50, 161, 1000]) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < whole.byteLength; at += piece) pieces.push(whole.subarray(at, at + piece));
    const chunks: Buffer[] = [];
    for await (const chunk of Readable.from(pieces, { objectMode: false }).pipe(rewritingStream(toClientId))) {
      chunks.push(chunk as Buffer);
    }
    expect(Buffer.concat(chunks)).toEqual(expected);
  }
});
