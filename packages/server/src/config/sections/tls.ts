import { Section } from './section.ts';
import { addresses, choice, flag, text, words } from './values.ts';

/** TLS 1.2 with forward secrecy (ECDHE) and authenticated encryption (AEAD) alone; TLS 1.3 has nothing else. */
export const DEFAULT_TLS_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** `rtmps{}` of the root, or `https{}` within `http_api{}` and `http_server{}`. */
function tlsSection(title: string, port: number, serves: string) {
  return new Section(title, {
    enabled: flag('enabled', { default: false, active: true, means: `Serves ${serves}, too.` }),
    listen: addresses('listen', {
      default: [{ port }],
      active: true,
      means: `The addresses of ${serves}.`,
    }),
    key: words('key', {
      default: ['./conf/server.key'],
      shape: 'PATH …',
      active: true,
      means: 'The private key, PEM, without a passphrase; with several certificates, one for each, in order.',
    }),
    cert: words('cert', {
      default: ['./conf/server.crt'],
      shape: 'PATH …',
      active: true,
      means:
        'The certificate and its chain, PEM; of several, the first that fits the name that a client asks for (SNI) is served, or else the first. They are read again when they change.',
    }),
    minVersion: choice('min_version', ['TLSv1.2', 'TLSv1.3'], {
      default: 'TLSv1.2',
      active: true,
      means: 'The oldest version of TLS that is spoken.',
    }),
    ciphers: text('ciphers', {
      default: DEFAULT_TLS_CIPHERS,
      shape: 'LIST',
      active: true,
      means:
        "The cipher suites of TLS 1.2, in OpenSSL's form. Those of TLS 1.3 are always there, unless the list names some of them.",
    }),
  });
}

/** `https{}` within `http_api{}`. */
export const apiHttpsSection = tlsSection('https', 1990, 'HTTPS');
/** `https{}` within `http_server{}`. */
export const serverHttpsSection = tlsSection('https', 8088, 'HTTPS');
/** `rtmps{}` of the root. */
export const rtmpsSection = tlsSection('rtmps', 1443, 'RTMPS');
