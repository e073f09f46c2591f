import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { RunningProcess } from './process.ts';

/** The files of a key and its certificate. */
export interface CertificateFiles {
  readonly key: string;
  readonly cert: string;
}

/**
 * Makes a key and a certificate that is signed by itself, with openssl: `NAME.key` and `NAME.crt`.
 *
 * @param hosts - the host names and IPv4 addresses that it is for
 */
export async function makeCertificate(
  folder: string,
  name: string,
  hosts: readonly string[],
): Promise<CertificateFiles & { readonly pem: string }> {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.crt`);
  const alternatives = hosts.map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`)).join(',');
  const openssl = new RunningProcess('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...['-subj', `/CN=${hosts[0] ?? name}`, '-addext', `subjectAltName=${alternatives}`],
    ...['-keyout', key, '-out', cert],
  ]);
  await openssl.succeeded();
  return { key, cert, pem: await readFile(cert, 'utf8') };
}
