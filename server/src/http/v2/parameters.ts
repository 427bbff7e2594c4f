import { ServiceError } from '@formhaven/contract';
import type { PageSelection } from '@formhaven/recognizer';
import type { V2Context } from './context.ts';

type Query = Readonly<Record<string, string | undefined>>;

const PAGE_RANGE = /^(\d{1,7})(?:-(\d{1,7}))?$/;

/** `pages=1-3,5`, where the version knows the parameter for this kind of analysis. @throws ServiceError 400 */
export function readPages(
  query: Query,
  context: Pick<V2Context, 'features'>,
  kind: 'layout' | 'custom',
): PageSelection | undefined {
  const text = query.pages;
  if (!context.features.hasPages[kind] || text === undefined || text === '') return undefined;
  return text.split(',').map((part) => {
    const match = PAGE_RANGE.exec(part.trim());
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (match === null || first < 1 || last < first) {
      throw new ServiceError('BadArgument', { message: 'pages takes page numbers and ranges, such as 1-3,5.' });
    }
    return { first, last };
  });
}

/** @throws ServiceError 400 */
export function readReadingOrder(query: Query, context: Pick<V2Context, 'features'>): 'basic' | 'natural' {
  const text = context.features.hasReadingOrder ? query.readingOrder : undefined;
  if (text === undefined || text === '' || text === 'basic') return 'basic';
  if (text === 'natural') return 'natural';
  throw new ServiceError('BadArgument', { message: 'readingOrder takes basic or natural.' });
}

/** BCP 47 as far as the service lists it. @throws ServiceError 400 */
export function readLanguage(query: Query, context: Pick<V2Context, 'features'>): string | undefined {
  const text = context.features.hasLanguage ? query.language : undefined;
  if (text === undefined || text === '') return undefined;
  if (!/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/.test(text)) {
    throw new ServiceError('NotSupportedLanguage', { message: 'language takes a BCP 47 code, such as en or ko.' });
  }
  return text;
}
