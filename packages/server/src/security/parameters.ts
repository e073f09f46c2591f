/** The longest query that is looked into for a token, characters. */
export const MAX_QUERY_LENGTH = 16_384;

/**
 * The values of a parameter, in their order. Values are percent-decoded where that is possible; names are not, so
 * that the log masks every name that is understood here.
 *
 * @param query - with or without its `?`; beyond {@link MAX_QUERY_LENGTH} it has no parameters
 */
export function parameterValues(query: string, name: string): readonly string[] {
  if (query.length > MAX_QUERY_LENGTH || !query.includes(name)) return [];
  const begin = query.startsWith('?') ? 1 : 0;
  return query
    .slice(begin)
    .split('&')
    .filter((field) => field.startsWith(`${name}=`))
    .map((field) => decoded(field.slice(name.length + 1)));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
