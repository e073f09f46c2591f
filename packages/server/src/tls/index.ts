/** TLS for what listens: certificates chosen by the name that a client asks for, and read again when they change. */
export { TlsError } from './errors.ts';
export { TlsContexts, type TlsSettings } from './tls-contexts.ts';
