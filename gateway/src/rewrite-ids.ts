import { Transform } from 'node:stream';
import { type ModelId, parseModelId } from '@formhaven/contract';

// Answers name models in two ways: `"modelId":"GUID"` and `"docType":"custom:GUID"`. They are found in the text rather than by
// parsing it, since results have tens of megabytes and most have nothing to map. That is exact: inside a JSON string a quotation
// mark is written \", so neither pattern can begin in one. All of it is ASCII, so bytes are taken as Latin-1 and stay what they are.

const ID =
  /("(?:modelId|docType)"\s*:\s*"(?:custom:)?)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"/gi;
/** No pattern is longer, unless someone puts pages of white space after a colon. */
const HOLD_BACK = 160;

export type ToClientId = (regionId: ModelId) => ModelId;

export function rewriteIds(body: Buffer, toClientId: ToClientId): Buffer {
  const text = body.toString('latin1');
  const rewritten = rewriteText(text, toClientId);
  return rewritten === text ? body : Buffer.from(rewritten, 'latin1');
}

/** The same for a stream of any length. */
export function rewritingStream(toClientId: ToClientId): Transform {
  let held = '';
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = rewriteText(held + chunk.toString('latin1'), toClientId);
      // What was replaced already may be held back: client ids map to themselves, or they would be another model's region id.
      const end = Math.max(0, text.length - HOLD_BACK);
      held = text.slice(end);
      done(null, Buffer.from(text.slice(0, end), 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(rewriteText(held, toClientId), 'latin1'));
    },
  });
}

function rewriteText(text: string, toClientId: ToClientId): string {
  return text.replaceAll(ID, (whole, before: string, id: string) => {
    const regionId = parseModelId(id);
    if (regionId === undefined) return whole;
    const clientId = toClientId(regionId);
    return clientId === regionId ? whole : `${before}${clientId}"`;
  });
}
