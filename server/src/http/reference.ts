import type { FastifyInstance } from 'fastify';
import { type OpenApiDocument, type OpenApiOperation, openApiDocument } from './openapi.ts';

/** `/openapi.json` for programs, `/docs` for people. No key is needed: both say what is public anyway. */
export function referenceRoutes(app: FastifyInstance): void {
  const document = openApiDocument();
  const text = JSON.stringify(document);
  const page = referencePage(document);
  app.get('/openapi.json', async (_request, reply) =>
    reply.header('content-type', 'application/json; charset=utf-8').send(text),
  );
  app.get('/docs', async (_request, reply) =>
    reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      })
      .send(page),
  );
}

/** One page without scripts or anything from elsewhere. */
function referencePage(document: OpenApiDocument): string {
  const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const versions = [...new Set(entries.flatMap(({ operation }) => operation.tags))].reverse();
  const sections = versions.map((version) => {
    const rows = entries
      .filter(({ operation }) => operation.tags.includes(version))
      .map(({ path, method, operation }) => row(path, method, operation));
    return `<h2 id="${escaped(version)}">${escaped(version)}</h2><table><thead><tr><th>call</th><th>what</th><th>query</th><th>body</th><th>answer</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  });
  const links = versions.map((version) => `<a href="#${escaped(version)}">${escaped(version)}</a>`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(document.info.title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1a1a1a;background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #ddd}code{font-size:.9em;overflow-wrap:anywhere}</style>
<h1>${escaped(document.info.title)}</h1><p>${escaped(document.info.description)} Every call needs a key in <code>Ocp-Apim-Subscription-Key</code>. The schemas are in <a href="/openapi.json">openapi.json</a>.</p><p>${links.join(' · ')}</p>${sections.join('\n')}</html>`;
}

function row(path: string, method: string, operation: OpenApiOperation): string {
  const query = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const body = Object.keys(operation.requestBody?.content ?? {});
  const answer = Object.keys(operation.responses).filter((status) => status !== 'default');
  const codes = (texts: readonly string[]): string => texts.map((text) => `<code>${escaped(text)}</code>`).join('<br>');
  return `<tr><td>${codes([`${method} ${path}`])}</td><td>${escaped(operation.summary)}</td><td>${codes(query)}</td><td>${codes(body)}</td><td>${codes(answer)}</td></tr>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
