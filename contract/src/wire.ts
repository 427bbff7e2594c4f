import { type Static, type TSchema, Type } from 'typebox';

// How wire types are made from their schemas.

/** The static type of a schema, readonly all the way down: what came over the wire is not changed, only made anew. */
export type Wire<Schema extends TSchema> = DeepReadonly<Static<Schema>>;

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** A union of string literals, as `enum`, which serializers treat faster than `anyOf`. */
export function StringUnion<const Values extends string[]>(values: [...Values]) {
  return Type.Enum(values);
}

export function Nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** Absent, null or the value: the service spells out nulls in some answers and leaves the member out of others. */
export function Sometimes<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(Nullable(schema));
}
