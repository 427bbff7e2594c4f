import { parseRegion, type Region } from '@formhaven/contract';

export const WESTUS2 = region('westus2');
export const EASTUS = region('eastus');

function region(text: string): Region {
  const parsed = parseRegion(text);
  if (parsed === undefined) throw new TypeError(`${text} is no region`);
  return parsed;
}
