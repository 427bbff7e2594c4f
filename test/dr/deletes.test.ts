import { expect, test } from 'vitest';
import { expectedFields, readStatement } from '../kit/forms.ts';
import { startRegions } from '../kit/regions.ts';
import { analyzePdf, fieldTexts, trainStatements } from '../kit/work.ts';
import { configure } from './command.ts';

test('a model deleted at its source is kept for a while, and comes back from its copy with one command', async () => {
  await using regions = await startRegions(['westus2', 'eastus']);
  const [west, east] = [regions.region('westus2'), regions.region('eastus')];
  const formhaven = await configure(regions, [west, east], { policy: '    deletes: { afterGrace: 1h }' });
  const { modelInfo } = await trainStatements(west);
  expect((await formhaven.run('replicate')).code).toBe(0);
  await west.client().deleteModel(modelInfo.modelId);
  expect((await formhaven.run('replicate')).code).toBe(0);
  const kept = await formhaven.run('diff');
  expect(kept.code).toBe(3);
  expect(kept.stdout).toMatch(/^- .*deleted at the source; the copy is kept until/m);
  expect((await east.client().summary()).count).toBe(1);

  const undone = await formhaven.run('replicate', '--undelete', modelInfo.modelId);
  expect(undone).toMatchObject({ code: 0, stderr: '' });
  const newId = undone.stdout.trim();
  expect(newId).not.toBe(modelInfo.modelId);
  expect((await formhaven.run('replicate')).code).toBe(0);
  expect((await formhaven.run('diff')).code).toBe(0);
  expect((await east.client().summary()).count).toBe(1);
  const result = await analyzePdf(west, newId, await readStatement('Invoice_6.pdf'));
  expect(fieldTexts(result)).toEqual(await expectedFields('Invoice_6.pdf'));
  expect((await formhaven.run('audit', 'list')).stdout).toContain('undeleted');
});
