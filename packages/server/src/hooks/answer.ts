/** How much of a wrong answer is shown. */
const SHOWN_CHARACTERS = 40;

/**
 * Reads a callback server's answer (K002): status 200, and `0` or a JSON object whose `code` is the integer 0.
 *
 * @returns what is wrong with it; undefined when it is a yes
 */
export function answerProblem(status: number, body: string): string | undefined {
  if (status !== 200) return `answered with status ${status}`;
  const text = body.trim();
  if (text === '0') return undefined;
  if (text === '') return 'answered nothing';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `answered ${shown(text)}, neither 0 nor JSON`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `answered ${shown(text)}`;
  if (!('code' in value)) return 'answered without a code';
  return value.code === 0 ? undefined : `answered code ${shown(JSON.stringify(value.code))}`;
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}
