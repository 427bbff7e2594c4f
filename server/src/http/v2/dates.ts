/** Models and operations: whole seconds, `2020-02-26T16:59:28Z`. */
export function presentDate(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** Copy results once they leave notStarted: seven decimals, as .NET prints a date. */
export function presentPreciseDate(date: Date): string {
  return `${date.toISOString().slice(0, -1)}0000Z`;
}
