/**
 * The codes of answers that are not 0. Those of four figures are SRS's (5.2) and come with HTTP status 200, as
 * SRS sends them; the others equal their HTTP status.
 */
export const API_CODE = {
  /** What `tests/errors` answers. */
  testError: 100,
  /** The configuration can't be used. */
  configInvalid: 1023,
  /** `rpc` is not one that is known. */
  rawApiRequest: 1060,
  /** `raw_api` is off, or doesn't allow what is asked for. */
  rawApiOff: 1061,
  vhostNotFound: 2014,
  streamNotFound: 2048,
  clientNotFound: 2049,
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  methodNotAllowed: 405,
  unsupportedMediaType: 415,
} as const;
