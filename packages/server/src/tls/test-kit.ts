import { execFileSync } from 'node:child_process';

/** Whether `makeCertificate` can be called. */
export const haveOpenssl = opensslRuns();

function opensslRuns(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes a key and a certificate that is signed by itself. `days` is how long it is valid. */
export function makeCertificate(
  files: { readonly key: string; readonly cert: string },
  names: readonly string[],
  days = 30,
): void {
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', String(days)];
  const subject = ['-subj', `/CN=${names[0] ?? 'none'}`];
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', ...kind, ...subject, '-addext', `subjectAltName=${alternatives}`],
      ...['-keyout', files.key, '-out', files.cert],
    ],
    { stdio: 'ignore' },
  );
}
