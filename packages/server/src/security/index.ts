export { AccessControl, type AccessControlOptions } from './access-control.ts';
export type { AddressLimits } from './address-book.ts';
export type { ClientAction, ClientRequest, Refusal, Verdict } from './client.ts';
export { maskSecrets } from './mask.ts';
export { publicUrl } from './public-url.ts';
export { isGuarded, isGuardedByStream } from './guarded.ts';
export { pageUrlOf, referAllows } from './refer.ts';
export { signedQuery, type UrlGrant } from './signed-url.ts';
export { type Gates, openGates } from './gates.ts';
