import { type Static, Type } from 'typebox';

// What people are told of a training.

const FailureSchema = Type.Object({ code: Type.String({ maxLength: 64 }), message: Type.String({ maxLength: 4096 }) });

/** Part of a model's manifest. */
export const TrainResultSchema = Type.Object({
  trainingDocuments: Type.Array(
    Type.Object({
      name: Type.String({ maxLength: 1024 }),
      pages: Type.Integer({ minimum: 0 }),
      status: Type.Union([Type.Literal('succeeded'), Type.Literal('partiallySucceeded'), Type.Literal('failed')]),
      errors: Type.Array(FailureSchema),
    }),
    { maxItems: 10_000 },
  ),
  /** Absent on a model trained without labels. Sorted by name. */
  fields: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String({ maxLength: 1024 }),
        /** Absent with a single sample: nothing can be left out to estimate it. */
        accuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
        /** Samples that disagree with the others on this field. */
        disagreeing: Type.Array(Type.String({ maxLength: 1024 })),
      }),
      { maxItems: 10_000 },
    ),
  ),
  averageModelAccuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  errors: Type.Array(FailureSchema),
});
export type TrainResult = Static<typeof TrainResultSchema>;
