import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

// v2 chooses model ids by itself, so one model bears another id in each region. The model map says which ids are one model. It
// is a file that replication writes (whole, by rename, at every change) and gateways and client policies read.

const RegionModelSchema = Type.Object({
  modelId: Type.String(),
  /** Whether this region's model has been proven to give the same fields; an unproven one serves only where nothing else is left. */
  isProven: Type.Boolean(),
});

const MappedModelSchema = Type.Object({
  /** What clients call the model: an alias's id, or the id it got where it was trained. A GUID. */
  id: Type.String(),
  /** The alias's name, where it has one. */
  name: Type.Optional(Type.String()),
  /** By region name. */
  regions: Type.Record(Type.String(), RegionModelSchema),
});

export const ModelMapSchema = Type.Object({
  version: Type.Literal(1),
  /** ISO 8601, UTC. */
  writtenOn: Type.String(),
  models: Type.Array(MappedModelSchema),
});
export type ModelMap = Static<typeof ModelMapSchema>;
export type MappedModel = Static<typeof MappedModelSchema>;

const check = Compile(ModelMapSchema);

/** @throws Error that says where the value is no model map */
export function parseModelMap(value: unknown): ModelMap {
  if (check.Check(value)) return value;
  const [first] = check.Errors(value);
  throw new Error(`this is no model map: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
}
