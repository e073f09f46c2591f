import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';

import { TlsError } from './errors.ts';

/** The largest key or certificate file that is read, bytes. */
export const MAX_PEM_BYTES = 1024 * 1024;
/** The oldest version of TLS that is spoken. */
const MIN_VERSION = 'TLSv1.2';

/** The files of a TLS block; the first key is that of the first certificate, and so on. */
export interface CertificateFiles {
  /** PEM, without a passphrase. */
  readonly key: readonly string[];
  /** PEM, each with its chain: the certificate itself first. */
  readonly cert: readonly string[];
}

/** A certificate with its key, ready for handshakes. */
export interface Certificate {
  readonly context: SecureContext;
  /** The certificate itself, without its chain. */
  readonly x509: X509Certificate;
  readonly file: string;
}

/**
 * Reads and checks every pair of files.
 *
 * @param directive - the block that names them, for errors: `http_server.https`
 * @throws TlsError
 */
export async function loadCertificates(
  directive: string,
  { key, cert }: CertificateFiles,
): Promise<readonly Certificate[]> {
  if (key.length !== cert.length || key.length === 0) {
    const message =
      `\`${directive}\` has ${key.length} keys for ${cert.length} certificates: ` +
      'give `key` and `cert` as many files, in the same order';
    throw new TlsError('tls-files-uneven', message);
  }
  return Promise.all(cert.map((certFile, index) => loadCertificate(directive, key[index] ?? '', certFile)));
}

async function loadCertificate(directive: string, keyFile: string, certFile: string): Promise<Certificate> {
  const certName = `\`${directive}.cert\` ${certFile}`;
  const keyName = `\`${directive}.key\` ${keyFile}`;
  const [certText, keyText] = await Promise.all([readPem(certName, certFile), readPem(keyName, keyFile)]);
  const x509 = parseCertificate(certName, certText);
  if (!x509.checkPrivateKey(parseKey(keyName, keyText))) {
    throw new TlsError('tls-key-mismatch', `${keyName} is not the key of the certificate ${certFile}`);
  }
  try {
    const context = createSecureContext({ key: keyText, cert: certText, minVersion: MIN_VERSION });
    return { context, x509, file: certFile };
  } catch (error) {
    const message = `${certName} can't be used: ${reasonOf(error)}`;
    throw new TlsError('tls-certificate-invalid', message, { cause: error });
  }
}

/** The certificate for a host name: the first one that is valid for it, or else the first one of all. */
export function certificateFor(certificates: readonly Certificate[], name: string): Certificate | undefined {
  return certificates.find(({ x509 }) => isValidFor(x509, name)) ?? certificates[0];
}

function isValidFor(x509: X509Certificate, name: string): boolean {
  try {
    return x509.checkHost(name) !== undefined;
  } catch {
    // The peer's name is no host name.
    return false;
  }
}

/** The host names and addresses that a certificate is valid for, for people. */
export function namesOf({ x509 }: Certificate): string {
  const alternatives = x509.subjectAltName?.replaceAll(/(^|, )(DNS|IP Address):/g, '$1');
  return alternatives ?? x509.subject.replaceAll('\n', ', ');
}

async function readPem(name: string, path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > MAX_PEM_BYTES) throw new RangeError(`it has ${size} bytes, more than ${MAX_PEM_BYTES}`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    const message = `${name} can't be read: ${reasonOf(error)}`;
    throw new TlsError('tls-file-unreadable', message, { cause: error });
  }
}

function parseCertificate(name: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    const message = `${name} has no certificate in PEM form`;
    throw new TlsError('tls-certificate-invalid', message, { cause: error });
  }
}

function parseKey(name: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const isLocked = text.includes('ENCRYPTED');
    const problem = isLocked ? 'has a passphrase: take it off' : 'has no private key in PEM form';
    throw new TlsError('tls-key-invalid', `${name} ${problem}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  switch ('code' in error ? error.code : undefined) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return error.message.trim();
  }
}
