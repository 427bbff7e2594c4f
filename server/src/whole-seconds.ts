/** Dates of models and operations have whole seconds on the wire; cut off, so that they never lie ahead. */
export function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
