import { Section } from './section.ts';
import { addresses, flag, words } from './values.ts';

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
  });
}

/** `https{}` within `http_api{}`. */
export const apiHttpsSection = tlsSection('https', 1990, 'HTTPS');
/** `https{}` within `http_server{}`. */
export const serverHttpsSection = tlsSection('https', 8088, 'HTTPS');
/** `rtmps{}` of the root. */
export const rtmpsSection = tlsSection('rtmps', 1443, 'RTMPS');
