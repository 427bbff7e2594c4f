import { type OutboundPolicy, SourceError } from '../../ports/sources.ts';

/** @throws SourceError where the text is no http(s) URL, or configuration does not allow its host */
export function parseOutboundUrl(text: string, policy: Pick<OutboundPolicy, 'allowedHosts'>): URL {
  const url = URL.parse(text);
  if (url === null) throw new SourceError('malformed', 'The source is not a URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new SourceError('notAllowed', `The source has the scheme ${url.protocol} where http: or https: is wanted.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new SourceError('malformed', 'The source holds a user name or password, which is not supported.');
  }
  const { allowedHosts } = policy;
  if (allowedHosts !== undefined && !allowedHosts.some((allowed) => isSameOrBelow(url.hostname, allowed))) {
    throw new SourceError(
      'notAllowed',
      `${url.hostname} is not among the hosts this region may read sources from (FORMHAVEN_ALLOWED_HOSTS).`,
    );
  }
  return url;
}

/** For messages: the query of a URL is where its secrets are. */
export function withoutQuery(url: URL): string {
  return url.origin + url.pathname;
}

function isSameOrBelow(host: string, allowed: string): boolean {
  const name = withoutLastDot(host.toLowerCase());
  const domain = withoutLastDot(allowed.toLowerCase());
  return name === domain || name.endsWith(`.${domain}`);
}

function withoutLastDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
