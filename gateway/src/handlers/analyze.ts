import { parseModelId, parseOperationId, ServiceError, v2 } from '@formhaven/contract';
import { type Exchange, unavailable } from '../exchange.ts';
import { sendHeld } from '../held-answer.ts';
import type { GatewayParts } from '../parts.ts';
import type { RoutedRequest } from '../routed-request.ts';
import type { Candidate } from '../router.ts';
import { DocumentTooLarge, type SpooledDocument, SpoolFull } from '../spool/spool.ts';
import { type AnalyzeWork, type Submission, submitAnalysis } from '../submit-analysis.ts';
import { describePlaces, requireNotDeleted } from './model-place.ts';

type AnalyzeRequest = Extract<RoutedRequest, { kind: 'analyze' }>;

/** POST …/analyze: the document is spooled, a region accepts it, the operation is stored; then 202. From there the result is owed. */
export async function analyze(parts: GatewayParts, exchange: Exchange, request: AnalyzeRequest): Promise<void> {
  const { store, router, spool } = parts;
  const { target } = request;
  const clientId = target.kind === 'custom' ? parseModelId(target.modelId) : undefined;
  if (target.kind === 'custom' && clientId === undefined) {
    throw new ServiceError('1001', { values: { modelId: target.modelId } });
  }
  const home = clientId === undefined ? undefined : await store.modelHome(clientId);
  if (clientId !== undefined) requireNotDeleted(home, clientId, '1001');
  const candidates = router.forAnalysis(clientId, home);
  if (candidates.length === 0) throw unavailable(describePlaces(parts, clientId, home), 5);

  const document = await takeDocument(parts, exchange);
  let isKept = false;
  try {
    const work: AnalyzeWork = {
      kind: 'analyze',
      target: clientId === undefined ? target : { kind: 'custom', modelId: clientId },
      query: request.query,
      contentType: exchange.request.headers['content-type'] ?? '',
      document,
    };
    const places = router.placesOf(clientId, home);
    const submission = await submitAnalysis(parts, candidates, work, { version: request.version, document, places });
    if (submission.kind !== 'accepted') {
      await refuse(parts, exchange, submission, candidates, request);
      return;
    }
    const { region, regionOperationId, regionModelId, answer } = submission;
    const id = parseOperationId(regionOperationId);
    if (id === undefined) throw new TypeError('parsed before');
    await store.addOperation({
      id,
      version: request.version,
      work,
      region,
      regionOperationId,
      regionModelId,
      generation: 1,
      createdOn: parts.now(),
      outcome: { status: 'open' },
    });
    isKept = true;
    const location = v2.locationUrl(exchange.baseUrl, locationOf(request, work, id));
    exchange.send(202, { ...answer.headers, 'operation-location': location }, undefined);
  } finally {
    if (!isKept) await spool.remove(document);
  }
}

function locationOf(
  request: AnalyzeRequest,
  work: AnalyzeWork,
  resultId: NonNullable<ReturnType<typeof parseOperationId>>,
): v2.V2Location {
  const { version } = request;
  const { target } = work;
  switch (target.kind) {
    case 'layout':
      return { kind: 'layoutResult', version, resultId };
    case 'prebuilt':
      return { kind: 'prebuiltResult', version, prebuilt: target.prebuilt, resultId };
    case 'custom': {
      const modelId = parseModelId(target.modelId);
      if (modelId === undefined) throw new TypeError('parsed before');
      return { kind: 'analyzeResult', version, modelId, resultId };
    }
    default:
      throw new TypeError(`no such target: ${JSON.stringify(target satisfies never)}`);
  }
}

async function takeDocument(parts: GatewayParts, exchange: Exchange): Promise<SpooledDocument> {
  const { maxDocumentBytes } = parts.limits;
  const tooLarge = () => new ServiceError('RequestBodyTooLarge', { values: { bytes: maxDocumentBytes } });
  if (Number(exchange.request.headers['content-length'] ?? 0) > maxDocumentBytes) throw tooLarge();
  try {
    return await parts.spool.put(exchange.request, maxDocumentBytes);
  } catch (error) {
    if (error instanceof DocumentTooLarge) throw tooLarge();
    if (error instanceof SpoolFull) {
      parts.log.warn({ event: 'spool-full', bytes: parts.spool.bytes });
      throw unavailable('Too many documents are waiting for their results to be fetched.', 5);
    }
    throw error;
  }
}

async function refuse(
  parts: GatewayParts,
  exchange: Exchange,
  submission: Exclude<Submission, { kind: 'accepted' }>,
  candidates: readonly Candidate[],
  request: AnalyzeRequest,
): Promise<void> {
  switch (submission.kind) {
    case 'refused':
      // 403 is between the region and the gateway; a client could do nothing with it.
      if (submission.answer.status === 403) throw unavailable(`${submission.region} does not admit the gateway.`, 5);
      await sendHeld(exchange, withClientsIds(submission.answer, request, candidates), {
        toClientId: (id) => parts.ids.current.clientIdOf(id),
        spool: parts.spool,
      });
      return;
    case 'throttled':
      throw v2.tooManyRequests({
        operation: 'Analyze Form operation',
        version: request.version,
        retryAfterSeconds: submission.retryAfterSeconds,
      });
    case 'unavailable':
      parts.log.warn({ event: 'no-region', reasons: submission.reasons });
      throw unavailable(`No region can take this analysis: ${submission.reasons.join('; ')}.`);
    default:
      throw new TypeError(`no such submission: ${JSON.stringify(submission satisfies never)}`);
  }
}

/** 1001 repeats the id in its sentence; the client gets the one it sent. */
function withClientsIds(
  answer: Extract<Submission, { kind: 'refused' }>['answer'],
  request: AnalyzeRequest,
  candidates: readonly Candidate[],
): Extract<Submission, { kind: 'refused' }>['answer'] {
  if (request.target.kind !== 'custom' || answer.rest !== undefined) return answer;
  let text = answer.head.toString('latin1');
  for (const { modelId } of candidates) {
    if (modelId !== undefined) text = text.replaceAll(modelId, request.target.modelId);
  }
  return { ...answer, head: Buffer.from(text, 'latin1') };
}
