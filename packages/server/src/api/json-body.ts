import { errorText } from '../error-text.ts';

/**
 * The JSON of a request's body: bytes as the HTTP server gives them, or what another one has parsed already.
 *
 * @param example - of what is wanted, for people
 */
export function readJson(
  body: unknown,
  example: string,
): { readonly value: unknown } | { readonly problem: string } {
  let value: unknown = body;
  if (body instanceof Uint8Array && body.length > 0) {
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    } catch (error) {
      const reason = errorText(error);
      return { problem: `the body is no JSON: ${reason}` };
    }
  }
  if (value === undefined || value === null || value instanceof Uint8Array) {
    return { problem: `the body is empty, wanted JSON such as ${example}` };
  }
  return { value };
}
