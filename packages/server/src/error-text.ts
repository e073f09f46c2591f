/** What a thrown value says, in a line: an error's message, or the value itself. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A thrown value as an error: itself when it is one. */
export function errorOf(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
